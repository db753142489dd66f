//go:build cgo

package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"keyferry/server/client"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
)

// told is what clients were told, in all rounds: it must never be taken back.
type told struct {
	mu       sync.Mutex
	imported map[string]bool // keys
	exported map[string]int  // keys, and how often
	refused  int             // requests that got no answer
}

func newTold() *told { return &told{imported: map[string]bool{}, exported: map[string]int{}} }

func (s *told) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// busy keeps a server busy from several sides until it is killed, and returns when the
// last client has seen it.
func (s *told) busy(t *testing.T, p *process, kill func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() {
			c := p.client(t)
			defer c.Close()
			for {
				act := s.export
				if i == 0 {
					act = s.importKey
				}
				if err := act(ctx, c, p.env["KEYFERRY_KEY_ID"]); err != nil {
					s.note(func() { s.refused++ })
					return
				}
			}
		})
	}
	clients.Go(func() { switchExports(p) })
	time.Sleep(rand.N(250 * time.Millisecond))
	kill()
	clients.Wait()
}

// switchExports activates exports again and again, as an operator's command that is
// killed too.
func switchExports(p *process) {
	for {
		select {
		case <-p.ended:
			return
		default:
		}
		cmd := activate(p)
		if cmd.Start() != nil {
			return
		}
		time.AfterFunc(rand.N(60*time.Millisecond), func() { cmd.Process.Kill() })
		cmd.Wait()
	}
}

func (s *told) importKey(ctx context.Context, c *client.Client, _ string) error {
	scheme, err := shares.ParseScheme("CGGMP21", "secp256k1")
	if err != nil {
		return err
	}
	signers, err := c.Signers(ctx)
	if err != nil {
		return err
	}
	plan := dealer.Plan{Scheme: scheme, MinSigners: 3, Signers: signers}
	secret, err := locked.New(32)
	if err != nil {
		return err
	}
	defer secret.Destroy()
	// Some come again: what was exported is marked by its public key.
	text := "one that is back"
	if rand.N(4) > 0 {
		text = fmt.Sprintf("%016x", rand.Uint64())
	}
	copy(secret.Bytes()[16:], text)
	key, err := c.Import(ctx, plan, secret)
	if err == nil {
		s.note(func() { s.imported[key.ID] = true })
	}
	return err
}

// someKey is one that was imported: half of the time this one.
func (s *told) someKey(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rand.N(2) == 0 {
		return id
	}
	for other := range s.imported {
		return other
	}
	return id
}

func (s *told) export(ctx context.Context, c *client.Client, id string) error {
	err := exportKey(ctx, c, id)
	if err == nil {
		s.note(func() { s.exported[id]++ })
	}
	return err
}

// exportKey takes an export to its end: a private key that fits.
func exportKey(ctx context.Context, c *client.Client, id string) error {
	to, err := recovery.New()
	if err != nil {
		return err
	}
	defer to.Destroy()
	response, err := c.Export(ctx, id, to)
	if err != nil {
		return err
	}
	if response.AuditReceipt == nil {
		return errors.New("an export came without a receipt")
	}
	recovered, err := to.Recover(response, recovery.Options{})
	if err != nil {
		return err
	}
	recovered.Destroy()
	return nil
}
