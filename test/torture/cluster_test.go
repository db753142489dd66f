//go:build cgo

package torture

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"keyferry/server/client"
	"keyferry/server/sandbox"
	"keyferry/shares/recovery"
	"keyferry/test/asprogram"
)

const (
	clusterSigners = 5
	slowest        = 250 * time.Millisecond // pace, however busy the machine is
)

// cluster is an API server and five signers, six processes, and what they told.
type cluster struct {
	*sandbox.Cluster
	dir    string
	key    string        // that is exported most
	pace   time.Duration // of what is done between two kills: it differs by machine and build
	told   *told
	tokens tokenFiles
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	dir := t.TempDir()
	made := asprogram.NewCluster(t, dir)
	c := &cluster{Cluster: made, dir: dir, told: newTold()}
	c.tokens = keepTokens(t, dir)
	must(t, made.Start(context.Background()))
	caller := c.client(t)
	defer caller.Close()
	begun := time.Now()
	must(t, c.told.importKey(t.Context(), caller, ""))
	c.pace = min(time.Since(begun), slowest)
	for c.key = range c.told.imported {
	}
	return c
}

func (c *cluster) client(t *testing.T) *client.Client {
	t.Helper()
	made, err := c.Client()
	must(t, err)
	return made
}

// The API server, or signers, or both are killed in the middle of imports and exports.
// Whoever is there again has the whole of every key or nothing of it, and every share that
// left is on record at the signer it left, and at the server.
func TestKilledClusterLosesNothingAndHidesNothing(t *testing.T) {
	c := startCluster(t)
	auditor := newAuditorOf(t, "--config", filepath.Join(c.dir, "state", "keyferry.yaml"))
	auditor.apart = true
	for range rounds(t, 3) {
		c.round(t)
		c.check(t, auditor)
		if t.Failed() {
			return
		}
	}
	c.everyKeyIsWhole(t)
	exports := 0
	for _, times := range c.told.exported {
		exports += times
	}
	t.Logf("%d imports and %d exports were answered, %d requests were not", len(c.told.imported), exports, c.told.refused)
	if c.told.exported[c.key] == 0 || c.told.refused == 0 {
		t.Error("nothing was under way")
	}
}

// round kills the API server, or up to two signers, or both, while clients are busy, and
// starts everything again.
func (c *cluster) round(t *testing.T) {
	t.Helper()
	victims := rand.Perm(clusterSigners)[:rand.N(3)]
	serverToo := len(victims) == 0 || rand.N(2) == 0
	var over atomic.Bool
	clients := c.busy(t, &over)
	time.Sleep(rand.N(8 * c.pace))
	for _, n := range victims {
		must(t, c.KillSigner(n))
	}
	time.Sleep(rand.N(c.pace))
	if serverToo {
		must(t, c.KillServer())
	} else {
		time.Sleep(rand.N(8 * c.pace))
	}
	over.Store(true)
	clients.Wait()
	if !serverToo { // it settles with its signers when it starts
		must(t, c.KillServer())
	}
	c.tokens.mend(t)
	must(t, c.Start(context.Background()))
}

// busy has three clients export and two import until it is over.
func (c *cluster) busy(t *testing.T, over *atomic.Bool) *sync.WaitGroup {
	t.Helper()
	clients := &sync.WaitGroup{}
	for i := range 5 {
		caller, act := c.client(t), c.told.export
		if i < 2 {
			act = c.told.importKey
		}
		clients.Go(func() {
			defer caller.Close()
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			for !over.Load() {
				if act(ctx, caller, c.told.someKey(c.key)) != nil {
					c.told.note(func() { c.told.refused++ })
					time.Sleep(10 * time.Millisecond) // it may be gone
				}
			}
		})
	}
	return clients
}

// everyKeyIsWhole takes every key out, from all five signers.
func (c *cluster) everyKeyIsWhole(t *testing.T) {
	t.Helper()
	caller := c.client(t)
	defer caller.Close()
	to, err := recovery.New()
	must(t, err)
	defer to.Destroy()
	for key, err := range caller.Keys(t.Context()) {
		must(t, err)
		response, err := caller.Export(t.Context(), key.ID, to)
		if err != nil || len(response.Shares) != clusterSigners {
			t.Errorf("key %s: %d shares came: %v", key.ID, len(response.Shares), err)
			continue
		}
		recovered, err := to.Recover(response, recovery.Options{Strict: true, Pin: caller.Pin(key.ID)})
		if err != nil {
			t.Errorf("key %s is not whole: %v", key.ID, err)
			continue
		}
		recovered.Destroy()
	}
}
