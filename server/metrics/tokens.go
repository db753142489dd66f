//go:build cgo

package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"keyferry/hsm"
)

var _ hsm.Observer = (*Metrics)(nil)

// Operation implements [hsm.Observer].
func (m *Metrics) Operation(token, op string, outcome hsm.Outcome, took time.Duration) {
	m.operations.WithLabelValues(token, op, string(outcome)).Inc()
	m.durations.WithLabelValues(token, op).Observe(took.Seconds())
}

// Reconnected implements [hsm.Observer].
func (m *Metrics) Reconnected(token string) { m.reconnects.WithLabelValues(token).Inc() }

// BreakerChanged implements [hsm.Observer].
func (m *Metrics) BreakerChanged(token string, state hsm.BreakerState) {
	for _, s := range []hsm.BreakerState{hsm.BreakerClosed, hsm.BreakerOpen, hsm.BreakerProbing} {
		value := 0.0
		if s == state {
			value = 1
		}
		m.breakers.WithLabelValues(token, string(s)).Set(value)
	}
}

// Watched is what is looked up of a token; *hsm.Token has it.
type Watched interface {
	Label() string
	// Status does not block.
	Status() hsm.Status
}

// Watch has the token's sessions reported from now on, and its series exist before
// anything happens on it.
func (m *Metrics) Watch(token Watched) {
	m.reconnects.WithLabelValues(token.Label())
	m.BreakerChanged(token.Label(), token.Status().Breaker)
	m.tokens.add(token)
}

// tokens asks each token when metrics are collected.
type tokens struct {
	inUse, idle, hung *prometheus.Desc

	mu   sync.Mutex
	list []Watched
}

func newTokens() *tokens {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"token"}, nil)
	}
	return &tokens{
		inUse: describe("keyferry_token_sessions_in_use", "Operations that have a session of the token now."),
		idle:  describe("keyferry_token_sessions_idle", "Sessions that wait in the pool."),
		hung:  describe("keyferry_token_calls_hung", "Calls into the library that were given up and have not returned."),
	}
}

func (t *tokens) add(token Watched) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, token)
}

// Describe implements [prometheus.Collector].
func (t *tokens) Describe(to chan<- *prometheus.Desc) {
	to <- t.inUse
	to <- t.idle
	to <- t.hung
}

// Collect implements [prometheus.Collector].
func (t *tokens) Collect(to chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, token := range t.list {
		status := token.Status()
		for desc, value := range map[*prometheus.Desc]int{t.inUse: status.Running, t.idle: status.Idle, t.hung: status.Hung} {
			to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), token.Label())
		}
	}
}
