package hsm

import "sync"

// workers are goroutines that can be left behind: calls into the library are made on them
// and on no others. A fresh goroutine for each errand would do, but has to grow its stack
// for its calls into C anew, which costs more than the rest of an errand.
type workers struct {
	most int // that rest

	mu    sync.Mutex
	idle  []*worker // the last to rest is the first to work: its memory is still in the cache
	ended bool
}

// worker goes on one errand after the other.
type worker struct {
	pool    *workers
	errands chan *errand // has room for the next one, which may come before the worker waits
	watch   watch
}

// send gives the errand to a worker that rests, or to a new one.
func (p *workers) send(e *errand) {
	w := p.takeIdle()
	if w == nil {
		w = &worker{pool: p, errands: make(chan *errand, 1)}
		go w.work()
	}
	w.errands <- e
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
		close(w.errands)
	}
	p.idle = nil
}

func (w *worker) work() {
	for e := range w.errands {
		e.watch = &w.watch
		e.run(w)
	}
}

// rest makes the worker ready for another errand, or sends it home if there are enough.
func (w *worker) rest() {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	if w.pool.ended || len(w.pool.idle) >= w.pool.most {
		close(w.errands)
		return
	}
	w.pool.idle = append(w.pool.idle, w)
}
