// Package health says whether the service works, by asking everything that it needs.
//
//	New             probes → Checker
//	Checker.Check   asks all probes at once, or repeats an answer that is a moment old
//	Checker.Serve   GET /livez and /readyz, before another handler (http.go)
//
// A probe is a real round trip: a token has to open what it seals, a signer elsewhere
// has to answer, a database has to be read. Nobody can make the service ask more often
// than its own pause allows, however many ask it.
package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Probe asks one thing that the service needs.
type Probe struct {
	Name     string
	Required bool // nothing works without it
	// Ask returns when ctx ends, at the latest.
	Ask func(ctx context.Context) error
}

// Config is what a [Checker] is made of.
type Config struct {
	Probes  []Probe
	Quorum  int           // how many of the probes that are not required must succeed
	Timeout time.Duration // for each probe; 3 seconds if zero
	Keep    time.Duration // how long an answer is repeated; 1 second if zero
	Now     func() time.Time
}

// Status sums up a report.
type Status string

// The statuses.
const (
	Ready       Status = "ready"       // everything answers
	Degraded    Status = "degraded"    // the service works without what does not answer
	Unavailable Status = "unavailable" // it does not
)

// Report is how all probes ended, in their order.
type Report struct {
	Status  Status
	Results []Result
}

// Result is how one probe ended.
type Result struct {
	Name string
	Err  error // nil if it succeeded
	Took time.Duration
}

// Checker asks the probes. It is safe for concurrent use.
type Checker struct {
	Config

	// asking is held while the probes are asked: whoever comes meanwhile waits for
	// their answer.
	asking sync.Mutex
	last   Report
	asked  time.Time
}

// New checks the configuration.
func New(c Config) (*Checker, error) {
	c.Timeout, c.Keep = cmp.Or(c.Timeout, 3*time.Second), cmp.Or(c.Keep, time.Second)
	optional := 0
	for _, p := range c.Probes {
		if p.Name == "" || p.Ask == nil {
			return nil, errors.New("health: a probe is incomplete")
		}
		if !p.Required {
			optional++
		}
	}
	if c.Now == nil || c.Timeout < 0 || c.Keep < 0 || c.Quorum < 0 || c.Quorum > optional {
		return nil, fmt.Errorf("health: impossible configuration: quorum %d of %d", c.Quorum, optional)
	}
	return &Checker{Config: c}, nil
}

// Check returns the state of now, or of a moment ago. It asks without the caller's
// context: others wait for the same answer.
func (c *Checker) Check() Report {
	c.asking.Lock()
	defer c.asking.Unlock()
	if age := c.Now().Sub(c.asked); !c.asked.IsZero() && age >= 0 && age < c.Keep {
		return c.last
	}
	c.last = c.ask()
	c.asked = c.Now()
	return c.last
}

func (c *Checker) ask() Report {
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	results := make([]Result, len(c.Probes))
	var all sync.WaitGroup
	for i, p := range c.Probes {
		all.Go(func() {
			start := time.Now()
			err := p.Ask(ctx)
			results[i] = Result{Name: p.Name, Err: err, Took: time.Since(start)}
		})
	}
	all.Wait()
	return Report{Status: c.sumUp(results), Results: results}
}

func (c *Checker) sumUp(results []Result) Status {
	status, well := Ready, 0
	for i, p := range c.Probes {
		switch {
		case results[i].Err == nil && !p.Required:
			well++
		case results[i].Err != nil && p.Required:
			return Unavailable
		case results[i].Err != nil:
			status = Degraded
		}
	}
	if well < c.Quorum {
		return Unavailable
	}
	return status
}
