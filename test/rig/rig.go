//go:build cgo

// Package rig puts a whole service together for tests, of real parts: SoftHSM tokens,
// SQLite files, nodes, and accounts that sign. Only the network is missing.
//
//	rig.go        the parts, and what is dealt to them
//	account.go    organisations, and accounts that consent
//	export.go     an export by its owner
//	documents.go  signers that go by trust documents
//	ingest.go     a share that a cluster elsewhere hands over
//	record.go     what a log has
//
// Tests that replace a part wrap the real one, and set the clock.
package rig

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
	"keyferry/server/admin"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/store"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/locked"
	"keyferry/shares/manifest"
)

// Deployment is the id of every rig's deployment.
const Deployment = "test-rig"

// RelyingParty is whom every rig's authenticators sign for.
func RelyingParty() useraction.RelyingParty {
	return useraction.RelyingParty{ID: "keys.example", Origins: []string{"https://keys.example"}}
}

// Rig is a service and its operator.
type Rig struct {
	Dir      string
	Store    *store.Server
	Stores   []*store.Signer // one for each node
	Nodes    []*node.Node
	Signers  []signer.Signer // the same nodes
	Manifest manifest.Manifest
	Office   *admin.Office
	Actions  *useraction.Service
	Auth     *identity.Authenticator
	Clock    *Clock

	verified *useraction.Verified // as in a server with embedded signers
}

// Clock is the rig's time. It runs, and can be moved.
type Clock struct{ ahead atomic.Int64 }

// Now is the real time, moved.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Advance moves the time on.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }

// New returns a rig with n signers and no organisation.
func New(t testing.TB, n int) *Rig {
	t.Helper()
	return NewWithTokens(t, hsmtest.Cluster(t, n)...)
}

// NewWithTokens returns a rig whose signers own these tokens.
func NewWithTokens(t testing.TB, tokens ...*hsm.Token) *Rig {
	t.Helper()
	r := &Rig{Dir: t.TempDir(), Clock: &Clock{}, verified: useraction.NewVerified()}
	ctx := context.Background()
	var err error
	if r.Store, err = store.OpenServer(ctx, store.Config{Path: filepath.Join(r.Dir, "server.db"), Now: r.Clock.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Store.Close() })
	r.openAccounts(t)
	r.openNodes(t, tokens)
	return r
}

func (r *Rig) openAccounts(t testing.TB) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tokens, err := identity.NewTokens(key, Deployment, r.Clock.Now)
	must(t, err)
	r.Auth = identity.NewAuthenticator(tokens, r.Store)
	r.Office = admin.New(r.Store, tokens, r.Clock.Now)
	identifiers, err := useraction.NewIdentifiers(key, Deployment)
	must(t, err)
	r.Actions, err = useraction.New(useraction.Config{
		Deployment: Deployment, Identifiers: identifiers, Actions: r.Store, Credentials: r.Store, RelyingParty: RelyingParty(), Window: challenge.MaxWindow, Now: r.Clock.Now,
		Verified: r.verified,
	})
	must(t, err)
}

func (r *Rig) openNodes(t testing.TB, tokens []*hsm.Token) {
	t.Helper()
	var members []manifest.Member
	sweeper := new(locked.Sweeper)
	for i, token := range tokens {
		own, err := store.OpenSigner(context.Background(), store.Config{Path: filepath.Join(r.Dir, "signer-"+strconv.Itoa(i)+".db")})
		must(t, err)
		t.Cleanup(func() { own.Close() })
		one, err := node.New(context.Background(), node.Config{
			Deployment: Deployment, Token: token, Store: own, Trust: store.Trust{Server: r.Store, RelyingParty: RelyingParty()}, Now: r.Clock.Now,
			Sweeper: sweeper, Verified: r.verified,
		})
		must(t, err)
		r.Stores, r.Nodes, r.Signers = append(r.Stores, own), append(r.Nodes, one), append(r.Signers, one)
		members = append(members, one.Info().Member)
	}
	if len(members) == 0 {
		return // a rig for what needs no signers
	}
	var err error
	r.Manifest, err = manifest.New(Deployment, members)
	must(t, err)
	for _, one := range r.Nodes {
		must(t, one.Join(r.Manifest))
	}
}

// Service returns the use cases over the given signers, or the rig's own if none are
// given.
func (r *Rig) Service(t testing.TB, signers ...signer.Signer) *transfer.Service {
	t.Helper()
	if len(signers) == 0 {
		signers = r.Signers
	}
	service, err := transfer.New(transfer.Config{
		Journal: r.Store, Manifest: r.Manifest, Signers: signers, Timeout: time.Minute, Now: r.Clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	return service
}

// Secret returns a valid private key of every curve, always the same.
func Secret(t testing.TB) *locked.Buffer {
	t.Helper()
	secret, err := locked.New(32)
	must(t, err)
	t.Cleanup(secret.Destroy)
	for i := range secret.Bytes() {
		secret.Bytes()[i] = byte(i % 8)
	}
	return secret
}

// Deal returns the body of an import of the secret to the rig's signers.
func (r *Rig) Deal(t testing.TB, scheme shares.Scheme, minSigners int, secret *locked.Buffer) string {
	t.Helper()
	plan := dealer.Plan{Scheme: scheme, MinSigners: minSigners}
	for _, one := range r.Nodes {
		info := one.Info()
		plan.Signers = append(plan.Signers, dealer.Signer{SignerID: info.ID.String(), EncryptionKey: info.EncryptionKey.String()})
	}
	request, err := dealer.Deal(plan, secret)
	must(t, err)
	body, err := json.Marshal(request)
	must(t, err)
	return string(body)
}

// Scheme parses a scheme that exists.
func Scheme(t testing.TB, protocol, curve string) shares.Scheme {
	t.Helper()
	scheme, err := shares.ParseScheme(protocol, curve)
	must(t, err)
	return scheme
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
