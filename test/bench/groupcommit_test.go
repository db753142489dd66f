//go:build linux && cgo

package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"keyferry/server/audit"
)

// changesPerRound is how many durable changes one round has, of all callers together.
const changesPerRound = 256

// BenchmarkGroupCommit measures durable changes by how many callers there are at once. A
// caller waits for his change to be on disk before he makes the next, so that one alone
// has a commit for each. Numbers of callers take turns. Reported are changes per second,
// and their ratios to the caller alone.
func BenchmarkGroupCommit(b *testing.B) {
	for _, e := range engines() {
		f := newFilled(b, e, 1e3)
		b.Run(e.name+"/append", func(b *testing.B) {
			commitTogether(b, func() []func() error {
				return slicesOf(changesPerRound, func(int) func() error { return f.append })
			})
		})
		b.Run(e.name+"/redeem", func(b *testing.B) {
			commitTogether(b, func() []func() error {
				actions, err := f.actions(changesPerRound)
				must(b, err)
				return slicesOf(changesPerRound, func(i int) func() error {
					return func() error {
						return f.BeginExport(context.Background(), actions[i], f.newExport(), entry(audit.ExportBegun))
					}
				})
			})
		})
	}
}

// commitTogether measures rounds of changes. Each round's are new ones.
func commitTogether(b *testing.B, round func() []func() error) {
	crowds := []int{1, 8, 64}
	took := make([][]time.Duration, len(crowds))
	for b.Loop() {
		for i, callers := range crowds {
			changes := deal(round(), callers)
			start := time.Now()
			together(b, changes, changesPerRound)
			took[i] = append(took[i], time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op") // it would be the sum of all
	alone := median(took[0])
	for i, callers := range crowds {
		b.ReportMetric(changesPerRound/median(took[i])*1e9, fmt.Sprintf("callers=%d/s", callers))
		if i > 0 {
			b.ReportMetric(alone/median(took[i]), fmt.Sprintf("%d/alone", callers))
		}
	}
}

// deal gives each caller the same number of changes, and returns functions that make the
// next of a caller's each time.
func deal(changes []func() error, callers int) []func() error {
	each := len(changes) / callers
	return slicesOf(callers, func(i int) func() error {
		left := changes[i*each : (i+1)*each]
		return func() error {
			change := left[0]
			left = left[1:]
			return change()
		}
	})
}

// slicesOf returns the values for 0 to n-1.
func slicesOf[T any](n int, one func(i int) T) []T {
	var all []T
	for i := range n {
		all = append(all, one(i))
	}
	return all
}
