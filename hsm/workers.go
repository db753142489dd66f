//go:build cgo

package hsm

import (
	"sync"
	"time"
)

// workers are goroutines that wait for tasks. A fresh goroutine would do, but has to grow
// its stack for each call into C anew, which costs more than the rest of a task.
type workers struct {
	limit time.Duration // for one task

	mu    sync.Mutex
	idle  []*worker // the last to rest is the first to work: its memory is still in the cache
	ended bool
}

// task is done once, with a watch that goes off if it takes too long.
type task interface {
	// execute calls rest when the worker may have another task, and then does little more.
	execute(*worker)

	// overdue is called while execute runs, or as it ends.
	overdue()
}

// worker does one task after the other, until one of them is overdue: its watch goes off
// once, so that nobody has to ask which task it went off for.
type worker struct {
	pool  *workers
	tasks chan task // has room for the next one, which may come before the worker waits
	watch *time.Timer
	now   task
}

// do gives the task to a worker that rests, or to a new one. Its time begins.
func (p *workers) do(t task) {
	w := p.takeIdle()
	if w == nil {
		w = &worker{pool: p, tasks: make(chan task, 1), now: t}
		w.watch = time.AfterFunc(p.limit, w.overdue)
		go w.work()
	} else {
		w.now = t
		w.watch.Reset(p.limit)
	}
	w.tasks <- t
}

func (p *workers) takeIdle() *worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	w := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return w
}

// end sends those home who rest, and the others when they are done.
func (p *workers) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for _, w := range p.idle {
		close(w.tasks)
	}
	p.idle = nil
}

func (w *worker) work() {
	for t := range w.tasks {
		t.execute(w)
	}
}

func (w *worker) overdue() { w.now.overdue() }

// rest makes the worker ready for another task, or sends it home if there will be none or
// its watch has gone off.
func (w *worker) rest() {
	if !w.watch.Stop() {
		close(w.tasks)
		return
	}
	w.now = nil // or it would keep the task's result from being collected
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	if w.pool.ended {
		close(w.tasks)
		return
	}
	w.pool.idle = append(w.pool.idle, w)
}
