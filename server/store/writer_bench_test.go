package store

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"keyferry/server/audit"
)

// Durable appends to the audit log, by how many callers there are at once.
func BenchmarkAppend(b *testing.B) {
	for _, e := range engines() {
		for _, callers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/callers=%d", e.name, callers), func(b *testing.B) { benchmarkAppend(b, e.server(b, b.TempDir()), callers) })
		}
	}
}

func benchmarkAppend(b *testing.B, s *Server, callers int) {
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for range portion(b.N, callers, caller) {
				if err := s.Append(context.Background(), entry(audit.RequestRefused)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/float64(max(1, s.writer.commits.Load())), "changes/commit")
}

// portion is how many of n fall to one of several callers.
func portion(n, callers, caller int) int { return (n + callers - 1 - caller) / callers }
