//go:build cgo

package hsm

import "sync/atomic"

// workers are goroutines that wait for jobs. A fresh goroutine would do, but has to grow
// its stack for each call into C anew, which costs more than the rest of a job.
type workers struct {
	jobs    chan func()
	ended   chan struct{}
	most    int32 // that wait
	waiting atomic.Int32
}

func newWorkers(most int) *workers {
	return &workers{jobs: make(chan func()), ended: make(chan struct{}), most: int32(most)}
}

// do runs f on a worker that waits, or on a new one.
func (w *workers) do(f func()) {
	select {
	case w.jobs <- f:
	default:
		go w.work(f)
	}
}

func (w *workers) work(f func()) {
	for f != nil {
		f()
		f = w.next()
	}
}

// next is nil when there is nothing more to do for this worker.
func (w *workers) next() func() {
	defer w.waiting.Add(-1)
	if w.waiting.Add(1) > w.most {
		return nil
	}
	select {
	case f := <-w.jobs:
		return f
	case <-w.ended:
		return nil
	}
}

// end sends those home who wait, and the others when they are done.
func (w *workers) end() { close(w.ended) }
