//go:build cgo

package remote_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"log/slog"
	"testing"
	"time"

	"keyferry/server/signer"
	"keyferry/server/signer/remote"
	"keyferry/server/signer/signertest"
	"keyferry/test/rig"
)

const maxBody = 512 << 10

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func certificates(t *testing.T, key crypto.Signer, now func() time.Time) *remote.Certificates {
	t.Helper()
	c, err := remote.NewCertificates(key, now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pinOf(t *testing.T, key crypto.Signer) remote.Pin {
	t.Helper()
	pin, err := remote.PinOf(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pin
}

// serving is a signer behind its server.
type serving struct {
	address string
	end     func()
}

// serve answers for the signer at the address, which may have the port 0.
func serve(t *testing.T, one signer.Signer, address string, identity remote.Identity) serving {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	handler, err := remote.NewHandler(one, log, maxBody, 8)
	if err != nil {
		t.Fatal(err)
	}
	server, err := remote.Listen(address, identity, handler, 16, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, 5*time.Second) }()
	end := func() {
		if ctx.Err() != nil {
			return
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(end)
	return serving{server.Addr().String(), end}
}

// pair is what both sides know of each other.
type pair struct {
	signer, caller crypto.Signer
	now            func() time.Time
}

func (p pair) signerSide(t *testing.T) remote.Identity {
	return remote.Identity{Certificates: certificates(t, p.signer, p.now), Pins: []remote.Pin{pinOf(t, p.caller)}, Now: p.now}
}

func (p pair) callerSide(t *testing.T) remote.Identity {
	return remote.Identity{Certificates: certificates(t, p.caller, p.now), Pins: []remote.Pin{pinOf(t, p.signer)}, Now: p.now}
}

func dial(t *testing.T, one signer.Signer, address string, identity remote.Identity) *remote.Client {
	t.Helper()
	c, err := remote.NewClient(remote.Config{URL: "https://" + address, Member: one.Info().Member, Identity: identity})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// connect puts each node behind a connection whose signer's side is the identity key
// in its token.
func connect(t *testing.T, r *rig.Rig) []signer.Signer {
	t.Helper()
	caller := newKey(t)
	var clients []signer.Signer
	for _, one := range r.Nodes {
		p := pair{signer: one.Identity(), caller: caller, now: time.Now}
		at := serve(t, one, "127.0.0.1:0", p.signerSide(t))
		clients = append(clients, dial(t, one, at.address, p.callerSide(t)))
	}
	return clients
}

func TestARemoteSignerKeepsTheContract(t *testing.T) { signertest.Test(t, connect) }
