//go:build linux && cgo

package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"keyferry/test/asprogram"
)

// act is one thing that is done to a filled database. prepare, if there is one, makes
// what do needs and is not measured.
type act struct {
	name    string
	prepare func(*filled) ([]string, error)
	do      func(f *filled, prepared []string) error
}

func plain(do func(*filled) error) func(*filled, []string) error {
	return func(f *filled, _ []string) error { return do(f) }
}

func acts() []act {
	return []act{
		{name: "key", do: plain((*filled).getKey)},
		{name: "list-first", do: plain((*filled).listFirst)},
		{name: "list-middle", do: plain((*filled).listMiddle)},
		{name: "prove", do: plain((*filled).prove)},
		{name: "append", do: plain((*filled).append)},
		{
			name:    "export",
			prepare: func(f *filled) ([]string, error) { return f.actions(1) },
			do:      func(f *filled, actions []string) error { return f.export(actions[0]) },
		},
	}
}

// measure returns what the act took, once.
func (a act) measure(b *testing.B, f *filled) time.Duration {
	b.Helper()
	var prepared []string
	if a.prepare != nil {
		var err error
		prepared, err = a.prepare(f)
		must(b, err)
	}
	start := time.Now()
	err := a.do(f, prepared)
	took := time.Since(start)
	must(b, err)
	return took
}

// scales is how many keys the databases have. The first is what the others are compared
// with.
func scales() []int {
	if asprogram.Torture() != "" {
		return []int{1e3, 1e5, 1e6}
	}
	return []int{1e3, 1e5}
}

// warmUp is how often an act is done before it is measured: caches fill, statements are
// prepared.
const warmUp = 32

// BenchmarkScale measures what each act costs in databases of different sizes, which
// take turns, so that what else the machine does meets all of them. Reported are medians
// in microseconds, and their ratios to the first.
func BenchmarkScale(b *testing.B) {
	for _, e := range engines() {
		b.Run(e.name, func(b *testing.B) {
			var databases []*filled
			for _, keys := range scales() {
				start := time.Now()
				databases = append(databases, newFilled(b, e, keys))
				b.Logf("%d keys: filled in %.1f s", keys, time.Since(start).Seconds())
			}
			for _, a := range acts() {
				b.Run(a.name, func(b *testing.B) { compare(b, a, databases) })
			}
		})
	}
}

func compare(b *testing.B, a act, databases []*filled) {
	for _, f := range databases {
		f.warm(b)
		for range warmUp {
			a.measure(b, f)
		}
	}
	took := make([][]time.Duration, len(databases))
	for b.Loop() {
		for i, f := range databases {
			took[i] = append(took[i], a.measure(b, f))
		}
	}
	b.ReportMetric(0, "ns/op") // it would be the sum of all
	first := median(took[0])
	for i, f := range databases {
		b.ReportMetric(median(took[i])/1e3, fmt.Sprintf("%.0e-µs", float64(f.keys)))
		if i > 0 {
			b.ReportMetric(median(took[i])/first, fmt.Sprintf("%.0e/%.0e", float64(f.keys), float64(databases[0].keys)))
		}
	}
}

// median is in nanoseconds.
func median(took []time.Duration) float64 {
	slices.Sort(took)
	return float64(took[len(took)/2])
}
