//go:build cgo

package rotation

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"keyferry/server/client"
	"keyferry/server/sandbox"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/recovery"
)

// clients export and import until they are told to end. None of their requests may fail,
// and every export has the shares of all signers.
type clients struct {
	over             atomic.Bool
	running          sync.WaitGroup
	exports, imports atomic.Int64
}

func (s *signer) busy(t *testing.T) *clients {
	t.Helper()
	c := &clients{}
	first := s.client(t)
	key, err := importKey(first)
	must(t, err)
	c.imports.Add(1)
	first.Close()
	act := func(what string, counted *atomic.Int64, do func(*client.Client) error) {
		caller := s.client(t)
		c.running.Go(func() {
			defer caller.Close()
			for !c.over.Load() {
				if err := do(caller); err != nil {
					t.Errorf("%s during the rotation: %v", what, err)
					return
				}
				counted.Add(1)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	for range 2 {
		act("an export", &c.exports, func(caller *client.Client) error { return export(caller, key) })
	}
	act("an import", &c.imports, func(caller *client.Client) error {
		_, err := importKey(caller)
		return err
	})
	t.Cleanup(func() { c.end() })
	return c
}

func (c *clients) end() (exports, imports int) {
	c.over.Store(true)
	c.running.Wait()
	return int(c.exports.Load()), int(c.imports.Load())
}

func importKey(caller *client.Client) (string, error) {
	ctx := context.Background()
	scheme := shares.Schemes()[0]
	members, err := caller.Signers(ctx)
	if err != nil {
		return "", err
	}
	secret, err := sandbox.RandomKey(scheme.Curve())
	if err != nil {
		return "", err
	}
	defer secret.Destroy()
	key, err := caller.Import(ctx, dealer.Plan{Scheme: scheme, MinSigners: 3, Signers: members}, secret)
	return key.ID, err
}

func export(caller *client.Client, key string) error {
	to, err := recovery.New()
	if err != nil {
		return err
	}
	defer to.Destroy()
	response, err := caller.Export(context.Background(), key, to)
	if err != nil {
		return err
	}
	if len(response.Shares) != 5 {
		return fmt.Errorf("only %d signers gave their shares", len(response.Shares))
	}
	recovered, err := to.Recover(response, recovery.Options{Strict: true, Pin: caller.Pin(key)})
	if err != nil {
		return err
	}
	recovered.Destroy()
	return nil
}
