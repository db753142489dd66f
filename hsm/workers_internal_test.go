//go:build cgo

package hsm

import (
	"runtime"
	"testing"
	"time"
)

// counted is a task that says which worker did it, and may wait before it ends.
type counted struct {
	by   chan *worker
	late chan struct{} // closed when its time was up
	wait <-chan struct{}
}

func newCounted() *counted {
	return &counted{by: make(chan *worker, 1), late: make(chan struct{})}
}

func (c *counted) execute(w *worker) {
	if c.wait != nil {
		<-c.wait
	}
	w.rest()
	c.by <- w
}

func (c *counted) overdue() { close(c.late) }

func TestWorkerThatRestsGetsTheNextTask(t *testing.T) {
	pool := &workers{limit: time.Minute}
	defer pool.end()
	var first *worker
	for i := range 100 {
		task := newCounted()
		pool.do(task)
		w := <-task.by
		if first == nil {
			first = w
		}
		if w != first {
			t.Fatalf("task %d is done by another worker though one rests", i)
		}
	}
}

func TestTasksAtTheSameTimeHaveAWorkerEach(t *testing.T) {
	pool := &workers{limit: time.Minute}
	defer pool.end()
	end := make(chan struct{})
	one, other := newCounted(), newCounted()
	one.wait, other.wait = end, end
	pool.do(one)
	pool.do(other)
	close(end)
	if <-one.by == <-other.by {
		t.Error("one worker did both")
	}
	if len(pool.idle) != 2 {
		t.Errorf("%d workers rest", len(pool.idle))
	}
}

// A watch that went off for one task could otherwise be taken for that of the next.
func TestWorkerWhoseTaskWasOverdueGoesHome(t *testing.T) {
	before := runtime.NumGoroutine()
	pool := &workers{limit: time.Millisecond}
	defer pool.end()
	task := newCounted()
	task.wait = task.late // returns only after its time
	pool.do(task)
	w := <-task.by
	if len(pool.idle) != 0 {
		t.Error("it rests")
	}
	if _, open := <-w.tasks; open {
		t.Error("it was given another task")
	}
	mustHaveGone(t, before)
}

func TestWorkersGoHomeInTheEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	pool := &workers{limit: time.Minute}
	end := make(chan struct{})
	rested, busy := newCounted(), newCounted()
	busy.wait = end
	pool.do(busy)
	pool.do(rested)
	<-rested.by
	pool.end()
	close(end)
	<-busy.by
	mustHaveGone(t, before)
}

// A worker that rests holds nothing of its last task: a result that its caller forgot must
// be collected, for its finalizer wipes it.
func TestRestingWorkerHoldsNoTask(t *testing.T) {
	pool := &workers{limit: time.Minute}
	defer pool.end()
	task := newCounted()
	pool.do(task)
	if w := <-task.by; w.now != nil {
		t.Error("it still has the task")
	}
}

func mustHaveGone(t *testing.T, before int) {
	t.Helper()
	if after := GoroutinesDownTo(before); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}
