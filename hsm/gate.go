//go:build cgo

package hsm

import (
	"sync"
	"time"
)

// gate lets calls into the library side by side, and whoever initialises or ends it
// alone. What C_Finalize does to calls that are still running is undefined (PKCS#11
// v2.40 §5.4); modules crash.
type gate struct {
	mu     sync.Mutex
	inside int
	alone  chan struct{} // closed when the one who wants to be alone is done
	empty  chan struct{} // closed when the last call leaves, for the one who waits
}

// enter waits while somebody is alone, or waits to be.
func (g *gate) enter() {
	for {
		g.mu.Lock()
		alone := g.alone
		if alone == nil {
			g.inside++
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		<-alone
	}
}

// hold is a second entrance for somebody who is inside or alone: for work that may
// outlast him.
func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside++
}

// leave undoes one enter or hold.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// enterAlone waits until nobody is inside, at most for limit, and reports whether it
// came to that. A call that hangs in the library is inside for as long as it hangs.
func (g *gate) enterAlone(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	if !g.claim(timer.C) {
		return false
	}
	g.mu.Lock()
	if g.inside == 0 {
		g.mu.Unlock()
		return true
	}
	empty := make(chan struct{})
	g.empty = empty
	g.mu.Unlock()
	select {
	case <-empty:
		return true
	case <-timer.C:
		g.leaveAlone()
		return false
	}
}

// claim shuts the gate for others, once nobody else has it shut.
func (g *gate) claim(late <-chan time.Time) bool {
	for {
		g.mu.Lock()
		other := g.alone
		if other == nil {
			g.alone = make(chan struct{})
			g.mu.Unlock()
			return true
		}
		g.mu.Unlock()
		select {
		case <-other:
		case <-late:
			return false
		}
	}
}

// leaveAlone lets the others in again.
func (g *gate) leaveAlone() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.alone)
	g.alone, g.empty = nil, nil
}
