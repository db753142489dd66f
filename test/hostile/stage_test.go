//go:build cgo

// Package hostile is an attacker who owns the API server: he has its keys, its database
// and its connections to the signers, and answers clients as he likes.
//
//	stage_test.go        the cluster, its customers, and what the attacker holds
//	server_test.go       the API as the attacker serves it
//	sdk_test.go          a client that signs what it is told to
//	actor_test.go        signers that can be told to misbehave
//
//	action_test.go       actions that no user signed
//	trust_test.go        users whom the signers' documents do not trust
//	restore_test.go      actions used before a signer's backup was brought back
//	import_test.go       imports bent on the way
//	listing_test.go      false signers, shown to clients
//	answer_test.go       exports, changed on the way back
//	challenge_test.go    a challenge for another request than the client's
//	approval_test.go     the same where signers demand another user's approval
//	misbehaviour_test.go signers that misbehave, up to and beyond the quorum
//
// All parts are real: tokens, databases, mutual TLS, trust documents, client and guard.
// Each attack stands beside the honest variant, which works.
package hostile

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/audit/merkle"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/remote"
	"keyferry/server/useraction"
	"keyferry/shares"
	"keyferry/shares/recovery"
	"keyferry/test/rig"
)

const (
	size      = 5
	threshold = 3
	// patience is how long the API waits for a signer on a busy machine, and haste where
	// signers make it wait.
	patience = 20 * time.Second
	haste    = 2 * time.Second
)

// stage is the cluster with two customers. The attacker holds everything but the
// victim's credential, the signers and the roots of trust.
type stage struct {
	*rig.Rig
	documents *rig.Documents
	victim    *rig.Account
	thief     *rig.Account // another customer, who is in with the attacker
	actors    []*actor
	signers   []signer.Signer // as the server reaches them: with its own TLS key
	server    *server

	key, other keyring.KeyID     // both the victim's
	client     *recovery.Context // the victim's
	attacker   *recovery.Context
}

func newStage(t *testing.T) *stage {
	t.Helper()
	r := rig.New(t, size)
	s := &stage{Rig: r, client: newContext(t), attacker: newContext(t)}
	s.victim = r.Account(t, r.Organisation(t), identity.Permissions()...)
	s.thief = r.Account(t, r.Organisation(t), identity.Permissions()...)
	s.documents = r.TrustDocuments(t, s.victim, s.thief)
	s.connect(t)
	s.server = s.serve(t, patience)
	s.key, s.other = s.importKey(t), s.importKey(t)
	return s
}

func newContext(t *testing.T) *recovery.Context {
	t.Helper()
	c, err := recovery.New()
	must(t, err)
	t.Cleanup(c.Destroy)
	return c
}

// connect puts each node behind mutual TLS, and asks it with the server's key.
func (s *stage) connect(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	own, err := remote.NewCertificates(key, s.Clock.Now)
	must(t, err)
	caller, err := own.Pin()
	must(t, err)
	for _, one := range s.Nodes {
		a := &actor{Node: one}
		certificates, err := remote.NewCertificates(one.Identity(), s.Clock.Now)
		must(t, err)
		pin, err := certificates.Pin()
		must(t, err)
		address := listen(t, a, remote.Identity{Certificates: certificates, Pins: []remote.Pin{caller}, Now: s.Clock.Now})
		asked, err := remote.NewClient(remote.Config{
			URL: "https://" + address, Member: one.Info().Member,
			Identity: remote.Identity{Certificates: own, Pins: []remote.Pin{pin}, Now: s.Clock.Now},
		})
		must(t, err)
		t.Cleanup(asked.Close)
		s.actors, s.signers = append(s.actors, a), append(s.signers, asked)
	}
}

func listen(t *testing.T, one signer.Signer, identity remote.Identity) string {
	t.Helper()
	const maxBody, atATime, connections = 512 << 10, 8, 16
	handler, err := remote.NewHandler(one, slog.New(slog.DiscardHandler), maxBody, atATime)
	must(t, err)
	server, err := remote.Listen("127.0.0.1:0", identity, handler, connections, slog.New(slog.DiscardHandler))
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, 5*time.Second) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return server.Addr().String()
}

// scheme is that of every key here.
func scheme(t *testing.T) shares.Scheme { return rig.Scheme(t, "CGGMP21", "secp256k1") }

// deal returns the body of an import of the rig's secret.
func (s *stage) deal(t *testing.T) string { return s.Deal(t, scheme(t), threshold, rig.Secret(t)) }

// importKey has the victim import the secret, by way of a server that is honest still.
func (s *stage) importKey(t *testing.T) keyring.KeyID {
	t.Helper()
	key, err := s.service(t, patience).Import(context.Background(), s.victim.Prove(t, signer.ImportPath, s.deal(t)))
	must(t, err)
	return key.ID
}

// publicKey is that of the secret.
func publicKey(t *testing.T) shares.Point {
	t.Helper()
	point, err := scheme(t).Curve().MulBase(rig.Secret(t))
	must(t, err)
	return point
}

func exportPath(key keyring.KeyID) string { return "/keys/" + string(key) + "/export" }

// exportBody asks for shares that are sealed to this context.
func exportBody(t *testing.T, to *recovery.Context) string {
	t.Helper()
	body, err := json.Marshal(to.Request())
	must(t, err)
	return string(body)
}

// signExport has an account sign the export of a key to the victim's context.
func (s *stage) signExport(t *testing.T, by *rig.Account, key keyring.KeyID) useraction.Signed {
	t.Helper()
	return by.Sign(t, exportPath(key), exportBody(t, s.client))
}

// ask asks all signers for their shares, as the server does.
func (s *stage) ask(action useraction.Signed) (given []signer.SealedShare, errs []error) {
	for _, one := range s.signers {
		share, err := one.Export(context.Background(), signer.Request{Action: action})
		if err == nil {
			given = append(given, share)
		}
		errs = append(errs, err)
	}
	return given, errs
}

// gives checks that all signers do what the action says.
func (s *stage) gives(t *testing.T, action useraction.Signed) []signer.SealedShare {
	t.Helper()
	given, errs := s.ask(action)
	if len(given) != size {
		t.Errorf("the honest variant: %v", errs)
	}
	return given
}

// recovers checks that the shares are the key, for whoever has the context.
func recovers(t *testing.T, given []signer.SealedShare, to *recovery.Context) {
	t.Helper()
	response := recovery.Response{Scheme: scheme(t), PublicKey: publicKey(t), MinSigners: threshold}
	for _, share := range given {
		response.Shares = append(response.Shares, recovery.SealedShare{SignerID: share.Signer.String(), Envelope: share.Ciphertext})
	}
	recovered, err := to.Recover(response, recovery.Options{PublicKey: publicKey(t)})
	must(t, err)
	defer recovered.Destroy()
	if string(recovered.Secret.Bytes()) != string(rig.Secret(t).Bytes()) {
		t.Error("another key came back")
	}
}

// entries is what is in a log, of one kind.
func entries(t *testing.T, log interface {
	Entries(context.Context, int64, int) ([]merkle.Entry, error)
}, kind audit.Kind) []audit.Entry {
	t.Helper()
	const most = 10_000
	stored, err := log.Entries(context.Background(), 0, most)
	must(t, err)
	var found []audit.Entry
	for _, one := range stored {
		var e audit.Entry
		must(t, json.Unmarshal(one.Canonical, &e))
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}

// releases is how many shares the signers have released by their own records.
func (s *stage) releases(t *testing.T) (count int) {
	t.Helper()
	for _, own := range s.Stores {
		count += len(entries(t, own, audit.ShareReleased))
	}
	return count
}

// lastRefusals is the reasons of the signers' last refusals by their own records.
func (s *stage) lastRefusals(t *testing.T) []string {
	t.Helper()
	var reasons []string
	for _, own := range s.Stores {
		refused := entries(t, own, audit.SignerRefused)
		if len(refused) == 0 {
			t.Fatal("a signer has refused nothing")
		}
		reasons = append(reasons, string(refused[len(refused)-1].Reason))
	}
	return slices.Compact(reasons)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
