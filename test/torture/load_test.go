//go:build cgo

package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"keyferry/server/audit/receipt"
	"keyferry/server/client"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
)

// told is what clients were told, in all rounds: it must never be taken back.
type told struct {
	mu        sync.Mutex
	imported  map[string]bool  // keys
	exported  map[string]int   // keys, and how often
	receipts  map[int64]string // places in the log, and the entries there
	activated map[string]bool  // operators' references
	rotations int              // operators' commands that came to their end
	refused   int              // requests that got no answer
}

func newTold() *told {
	return &told{imported: map[string]bool{}, exported: map[string]int{}, receipts: map[int64]string{}, activated: map[string]bool{}}
}

func (s *told) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// busy keeps a server busy from several sides until it is killed, and returns when the
// last client has seen it. Of the actions that it used, or tried to, none may be good a
// second time.
func (s *told) busy(t *testing.T, p *process, kill func()) []*presented {
	t.Helper()
	actions := sign(t, p, 3)
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
	for _, action := range actions {
		clients.Go(func() { action.present(p) })
	}
	clients.Go(func() { s.switchExports(p) })
	clients.Go(func() { s.rotateKeys(t, p) })
	s.await(ctx, rand.N(mostAnswers))
	time.Sleep(rand.N(atMost))
	kill()
	clients.Wait()
	return actions
}

// A server is killed when it has given some more answers, and then some time has passed:
// machines, and what else they do, differ too much for a time alone.
const (
	mostAnswers = 12
	atMost      = 50 * time.Millisecond
)

// await waits for answers to clients and operators.
func (s *told) await(ctx context.Context, answers int) {
	end := s.answers() + answers
	for s.answers() < end && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

func (s *told) answers() (n int) {
	s.note(func() { n = len(s.imported) + len(s.receipts) + len(s.activated) })
	return n
}

// switchExports allows exports again and again, and forbids them in between to an
// organisation that has no keys, by an operator's commands that are killed too.
func (s *told) switchExports(p *process) {
	for n := 0; ; n++ {
		select {
		case <-p.ended:
			return
		default:
		}
		reference := fmt.Sprintf("torture %016x", rand.Uint64())
		cmd := p.admin("organisation", "activate", "--org", p.env["DFNS_ORG_ID"], "--reference", reference)
		switch n % 3 {
		case 1:
			cmd = p.admin("organisation", "activate", "--org", p.idle, "--reference", reference)
		case 2:
			cmd = p.admin("organisation", "deactivate", "--org", p.idle)
		}
		if cmd.Start() != nil {
			return
		}
		end := time.AfterFunc(rand.N(4*atMost), func() { cmd.Process.Kill() })
		if err := cmd.Wait(); err == nil && n%3 != 2 {
			s.note(func() { s.activated[reference] = true })
		}
		end.Stop()
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

// export keeps the receipt, if there is one: a database that goes away between an export's
// record and its proof leaves the answer without.
func (s *told) export(ctx context.Context, c *client.Client, id string) error {
	response, err := exportKey(ctx, c, id)
	if err != nil {
		return err
	}
	s.note(func() { s.exported[id]++ })
	if response.AuditReceipt == nil {
		return nil
	}
	got, err := receipt.Parse(response.AuditReceipt)
	if err == nil {
		s.note(func() { s.receipts[got.Proof.Index] = string(got.Entry) })
	}
	return err
}

// exportKey takes an export to its end: a private key that fits, without a share that
// does not.
func exportKey(ctx context.Context, c *client.Client, id string) (recovery.Response, error) {
	to, err := recovery.New()
	if err != nil {
		return recovery.Response{}, err
	}
	defer to.Destroy()
	response, err := c.Export(ctx, id, to)
	if err != nil {
		return recovery.Response{}, err
	}
	recovered, err := to.Recover(response, recovery.Options{Strict: true})
	if err != nil {
		return recovery.Response{}, err
	}
	recovered.Destroy()
	return response, nil
}
