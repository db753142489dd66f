//go:build linux && cgo

// Package bench measures whole exports. Benchmarks of the parts stand beside the parts;
// the script run has them all run.
package bench

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"keyferry/server/client"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
)

// perRound is how many exports one round measures, of all clients together.
const perRound = 512

// BenchmarkExport measures complete authenticated exports: each is three requests (a
// challenge, its signature, the export) with a new user action. The server is a process
// of its own, so that what the clients do is not in its processor time. The bare loop
// takes turns with it in this process. Reported per export:
//
//	server-cpu-µs   processor time of the server
//	bare-cpu-µs     processor time of the bare loop
//	server/bare     their ratio
//	syncs           how often the server waited for its disk
//	p50-ms, p99-ms  what a client waits, its own work included
//	exports/s       throughput, clients and server on one machine
func BenchmarkExport(b *testing.B) {
	server, bare := startServer(b), newBare(b)
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			exporters, loops := server.exporters(b, clients), make([]func() error, clients)
			for i := range loops {
				loops[i] = bare.caller(b)
			}
			together(b, exporters, 2*clients) // connections are made, caches filled
			together(b, loops, 2*clients)
			var sum measured
			for b.Loop() {
				sum.add(server.measure(b, exporters))
				sum.bareCPU += measureBare(b, loops)
			}
			sum.report(b)
		})
	}
}

// measured is what some rounds took.
type measured struct {
	waits              []time.Duration // of each export
	wall, cpu, bareCPU time.Duration
	syncs              uint64
}

func (m *measured) add(o measured) {
	m.waits = append(m.waits, o.waits...)
	m.wall, m.cpu, m.syncs = m.wall+o.wall, m.cpu+o.cpu, m.syncs+o.syncs
}

func (m *measured) report(b *testing.B) {
	slices.Sort(m.waits)
	n := len(m.waits)
	micros := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
	millis := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(float64(m.wall.Nanoseconds())/float64(n), "ns/op")
	b.ReportMetric(micros(m.cpu), "server-cpu-µs")
	b.ReportMetric(micros(m.bareCPU), "bare-cpu-µs")
	b.ReportMetric(float64(m.cpu)/float64(m.bareCPU), "server/bare")
	b.ReportMetric(float64(m.syncs)/float64(n), "syncs")
	b.ReportMetric(millis(m.waits[n/2]), "p50-ms")
	b.ReportMetric(millis(m.waits[n*99/100]), "p99-ms")
	b.ReportMetric(float64(n)/m.wall.Seconds(), "exports/s")
}

// measure runs one round of exports.
func (s *server) measure(b *testing.B, exporters []func() error) measured {
	b.Helper()
	cpu, syncs, start := s.cpu(b), s.commits(b), time.Now()
	waits := together(b, exporters, perRound)
	return measured{waits: waits, wall: time.Since(start), cpu: s.cpu(b) - cpu, syncs: s.commits(b) - syncs}
}

// measureBare runs one round of the bare loop. The clients are idle meanwhile.
func measureBare(b *testing.B, loops []func() error) time.Duration {
	b.Helper()
	before := ownCPU(b)
	together(b, loops, perRound)
	return ownCPU(b) - before
}

func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// together has the callers act n times in all, all at once, and returns what each act
// took.
func together(b *testing.B, callers []func() error, n int) []time.Duration {
	b.Helper()
	took := make([][]time.Duration, len(callers))
	var running sync.WaitGroup
	for i, act := range callers {
		running.Go(func() {
			for range n / len(callers) {
				start := time.Now()
				if err := act(); err != nil {
					b.Error(err)
					return
				}
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	running.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return slices.Concat(took...)
}

// exporters returns one function per client that exports the sample key once. The
// last answer of each is opened when the benchmark ends: it must give the key.
func (s *server) exporters(b *testing.B, clients int) []func() error {
	b.Helper()
	exporters := make([]func() error, clients)
	for i := range exporters {
		e := &exporter{client: s.client(b), key: s.env["KEYFERRY_KEY_ID"]}
		var err error
		e.context, err = recovery.New()
		must(b, err)
		b.Cleanup(func() {
			e.check(b, s.env["KEYFERRY_KEY_HEX_FILE"])
			e.context.Destroy()
		})
		exporters[i] = e.export
	}
	return exporters
}

type exporter struct {
	client  *client.Client
	context *recovery.Context
	key     string
	last    recovery.Response
}

func (e *exporter) export() (err error) {
	e.last, err = e.client.Export(context.Background(), e.key, e.context)
	if err == nil && len(e.last.Shares) != signers {
		err = fmt.Errorf("%d shares were exported", len(e.last.Shares))
	}
	return err
}

func (e *exporter) check(b *testing.B, path string) {
	want, err := os.ReadFile(path)
	if err != nil {
		b.Error(err)
		return
	}
	recovered, err := e.context.Recover(e.last, recovery.Options{})
	if err != nil {
		b.Error(err)
		return
	}
	defer recovered.Destroy()
	if hexOf(recovered.Secret) != strings.TrimSpace(string(want)) {
		b.Error("another key was recovered")
	}
}

// hexOf may leave copies, of a key that is for development only.
func hexOf(secret *locked.Buffer) string { return hex.EncodeToString(secret.Bytes()) }
