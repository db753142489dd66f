//go:build linux && cgo

package bench

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"keyferry/server/client"
	"keyferry/server/sandbox"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/recovery"
	"keyferry/test/asprogram"
)

// BenchmarkRemote measures what it costs that signers stand apart: a server with five
// signers inside, and a server and five signers that are processes of their own, take
// turns with the same exports. Reported per export:
//
//	embedded-cpu-µs, remote-cpu-µs  processor time of the one process and of all six
//	remote/embedded-cpu             their ratio
//	embedded-p50-ms, remote-p50-ms  what a client waits, its own work included
//	remote/embedded-p50             their ratio
func BenchmarkRemote(b *testing.B) {
	embedded, remote := startServer(b), startCluster(b)
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			inside, apart := embedded.exporters(b, clients), remote.exporters(b, clients)
			together(b, inside, 2*clients) // connections are made, caches filled
			together(b, apart, 2*clients)
			var one, six measured
			for b.Loop() {
				one.add(embedded.measure(b, inside))
				six.add(remote.measure(b, apart))
			}
			reportRatio(b, one, six)
		})
	}
}

func reportRatio(b *testing.B, embedded, remote measured) {
	median := func(m measured) float64 {
		slices.Sort(m.waits)
		return float64(m.waits[len(m.waits)/2].Microseconds()) / 1000
	}
	micros := func(m measured) float64 { return float64(m.cpu.Microseconds()) / float64(len(m.waits)) }
	b.ReportMetric(float64(remote.wall.Nanoseconds())/float64(len(remote.waits)), "ns/op")
	b.ReportMetric(micros(embedded), "embedded-cpu-µs")
	b.ReportMetric(micros(remote), "remote-cpu-µs")
	b.ReportMetric(micros(remote)/micros(embedded), "remote/embedded-cpu")
	b.ReportMetric(median(embedded), "embedded-p50-ms")
	b.ReportMetric(median(remote), "remote-p50-ms")
	b.ReportMetric(median(remote)/median(embedded), "remote/embedded-p50")
}

// cluster is a server and five signers, with a key.
type cluster struct {
	*sandbox.Cluster
	key  string
	want shares.Point
}

func startCluster(b *testing.B) *cluster {
	b.Helper()
	made := asprogram.NewCluster(b, b.TempDir())
	must(b, made.Start(context.Background()))
	c := &cluster{Cluster: made}
	c.importKey(b)
	return c
}

func (c *cluster) importKey(b *testing.B) {
	b.Helper()
	scheme, err := shares.ParseScheme("CGGMP21", "secp256k1")
	must(b, err)
	caller := c.client(b)
	members, err := caller.Signers(b.Context())
	must(b, err)
	secret, err := sandbox.RandomKey(scheme.Curve())
	must(b, err)
	defer secret.Destroy()
	c.want, err = scheme.Curve().MulBase(secret)
	must(b, err)
	key, err := caller.Import(b.Context(), dealer.Plan{Scheme: scheme, MinSigners: 3, Signers: members}, secret)
	must(b, err)
	c.key = key.ID
}

func (c *cluster) client(b *testing.B) *client.Client {
	b.Helper()
	made, err := c.Client()
	must(b, err)
	b.Cleanup(made.Close)
	return made
}

// exporters are as a server's. The last answer of each must give the key.
func (c *cluster) exporters(b *testing.B, clients int) []func() error {
	b.Helper()
	exporters := make([]func() error, clients)
	for i := range exporters {
		e := &exporter{client: c.client(b), key: c.key}
		var err error
		e.context, err = recovery.New()
		must(b, err)
		b.Cleanup(func() {
			defer e.context.Destroy()
			recovered, err := e.context.Recover(e.last, recovery.Options{PublicKey: c.want, Strict: true, Pin: e.client.Pin(c.key)})
			if err != nil {
				b.Error(err)
				return
			}
			recovered.Destroy()
		})
		exporters[i] = e.export
	}
	return exporters
}

// measure runs one round of exports. Syncs are not counted.
func (c *cluster) measure(b *testing.B, exporters []func() error) measured {
	b.Helper()
	cpu, start := c.cpu(b), time.Now()
	waits := together(b, exporters, perRound)
	return measured{waits: waits, wall: time.Since(start), cpu: c.cpu(b) - cpu}
}

// cpu is the processor time that all processes have used so far.
func (c *cluster) cpu(b *testing.B) (sum time.Duration) {
	b.Helper()
	for _, id := range c.Processes() {
		sum += (&server{pid: strconv.Itoa(id)}).cpu(b)
	}
	return sum
}
