//go:build cgo

package node_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/store"
	"keyferry/server/useraction"
	"keyferry/shares/recovery"
	"keyferry/test/rig"
)

// board is a cluster whose first node demands approvals. All of its credentials may
// approve, but for the clerk's.
type board struct {
	*cluster
	second, third, clerk *rig.Account
	rules                *node.Rules
}

func newBoard(t *testing.T, approvals int) *board {
	t.Helper()
	c := newCluster(t, 2)
	b := &board{cluster: c}
	for _, account := range []**rig.Account{&b.second, &b.third, &b.clerk} {
		*account = c.Rig.Account(t, c.User.Org, identity.KeysExport)
	}
	b.rules = &node.Rules{ExportActive: true, Approvals: approvals, MayApprove: func(id identity.CredentialID) bool { return id != b.clerk.Credential.ID }}
	c.Restart(t, 0, func(config *node.Config) { config.Trust = ruled{Trust: config.Trust, rules: b.rules} })
	return b
}

// by has a user sign the very export that the cluster's own account wants.
func (b *board) by(t *testing.T, user *rig.Account) useraction.Signed {
	t.Helper()
	return user.Sign(t, "/keys/"+string(b.key)+"/export", b.exportBody(t))
}

func (b *board) ask(action useraction.Signed, approvals ...useraction.Signed) (signer.SealedShare, error) {
	return b.Nodes[0].Export(context.Background(), signer.Request{Action: action, Approvals: approvals})
}

func (b *board) gives(t *testing.T, action useraction.Signed, approvals ...useraction.Signed) {
	t.Helper()
	if share, err := b.ask(action, approvals...); err != nil || len(share.Ciphertext) == 0 {
		t.Errorf("%d bytes, %v", len(share.Ciphertext), err)
	}
}

func (b *board) refuses(t *testing.T, name string, want error, action useraction.Signed, approvals ...useraction.Signed) {
	t.Helper()
	if share, err := b.ask(action, approvals...); !errors.Is(err, want) || !signer.Refused(err) || share.Ciphertext != nil {
		t.Errorf("%s: %d bytes, %v", name, len(share.Ciphertext), err)
	}
}

// logged is the node's own entries of a kind.
func (b *board) logged(t *testing.T, kind audit.Kind) (found []audit.Entry) {
	t.Helper()
	const most = 1000
	stored, err := b.Stores[0].Entries(context.Background(), 0, most)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range stored {
		var e audit.Entry
		if err := json.Unmarshal(one.Canonical, &e); err != nil {
			t.Fatal(err)
		}
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}

func TestExportNeedsTheApprovalsThatTheTrustDemands(t *testing.T) {
	b := newBoard(t, 1)
	b.refuses(t, "no approval", signer.ErrApproval, b.signExport(t))
	b.gives(t, b.signExport(t), b.by(t, b.second))
	b.rules.Approvals = 2
	b.refuses(t, "one of two", signer.ErrApproval, b.signExport(t), b.by(t, b.second))
	b.gives(t, b.signExport(t), b.by(t, b.second), b.by(t, b.third))
	b.rules.Approvals = 0
	b.gives(t, b.signExport(t))
}

// approvalsThatDoNotCount is each wrong in one way.
func (b *board) approvalsThatDoNotCount(t *testing.T) map[string]useraction.Signed {
	t.Helper()
	path, body := "/keys/"+string(b.key)+"/export", b.exportBody(t)
	foreigner := b.Rig.Account(t, b.Organisation(t), identity.KeysExport)
	revoked := b.Rig.Account(t, b.User.Org, identity.KeysExport)
	if err := b.Office.RevokeCredential(context.Background(), b.User.Org, revoked.Credential.ID); err != nil {
		t.Fatal(err)
	}
	forged, edited := b.by(t, b.second), b.by(t, b.second)
	forged.Signature = b.SignBytes(forged.ClientData)
	edited.Payload += " "
	other, err := recovery.New()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Destroy()
	otherBody, err := json.Marshal(other.Request())
	if err != nil {
		t.Fatal(err)
	}
	fewer, err := json.Marshal(b.client.Request(rig.Scheme(t, "CGGMP21", "secp256k1")))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]useraction.Signed{
		"the same user's":                  b.signExport(t),
		"the same user's other credential": b.withOtherCredential(t),
		"of a credential that may not":     b.by(t, b.clerk),
		"of a revoked credential":          b.by(t, revoked),
		"another organisation's":           b.by(t, foreigner),
		"with another's signature":         forged,
		"with an edited payload":           edited,
		"for another key":                  b.second.Sign(t, "/keys/"+string(b.importKey(t))+"/export", body),
		"for another request":              b.second.Sign(t, signer.ImportPath, body),
		"to another encryption key":        b.second.Sign(t, path, string(otherBody)),
		"with other schemes":               b.second.Sign(t, path, string(fewer)),
		"of a body that is none":           b.second.Sign(t, path, "{}"),
		"nothing but a credential's name":  {Credential: b.second.Credential.ID},
		"an action that was never signed":  {},
		"for another deployment":           b.elsewhere(t),
	}
}

// withOtherCredential is the exporter's own consent, by a second credential of his.
func (b *board) withOtherCredential(t *testing.T) useraction.Signed {
	t.Helper()
	action := b.signExport(t)
	action.Credential, action.Signature = b.otherCredential(t, action.ClientData)
	return action
}

// otherCredential is a new one of the exporter's, with its signature.
func (b *board) otherCredential(t *testing.T, message []byte) (identity.CredentialID, []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	credential, err := b.Office.AddKeyCredential(context.Background(), b.User.ID, string(text))
	if err != nil {
		t.Fatal(err)
	}
	return credential.ID, ed25519.Sign(private, message)
}

func (b *board) elsewhere(t *testing.T) useraction.Signed {
	t.Helper()
	action := b.by(t, b.second)
	action.Input.Deployment = "another"
	return b.second.SignInput(t, action.Input, action.Payload)
}

func TestApprovalsThatDoNotCount(t *testing.T) {
	b := newBoard(t, 1)
	bad := b.approvalsThatDoNotCount(t)
	for name, approval := range bad {
		b.refuses(t, name, signer.ErrApproval, b.signExport(t), approval)
	}
	if released := b.logged(t, audit.ShareReleased); len(released) != 0 {
		t.Errorf("released: %+v", released)
	}
	refused := b.logged(t, audit.SignerRefused)
	if len(refused) != len(bad) {
		t.Errorf("%d refusals of %d are recorded", len(refused), len(bad))
	}
	for _, entry := range refused {
		if entry.Reason != signer.ErrApproval.Reason {
			t.Errorf("recorded as %s", entry.Reason)
		}
	}
}

// Whoever may leave approvals with the server must not stop the exports of others.
func TestApprovalsThatDoNotCountStopNoGoodOne(t *testing.T) {
	b := newBoard(t, 1)
	var all []useraction.Signed
	for _, approval := range b.approvalsThatDoNotCount(t) {
		all = append(all, approval)
	}
	all = append(all, b.by(t, b.second))
	if len(all) > signer.MaxApprovals {
		t.Fatalf("%d approvals", len(all))
	}
	b.gives(t, b.signExport(t), all...)
	many := slices.Repeat([]useraction.Signed{b.by(t, b.third)}, signer.MaxApprovals+1)
	b.refuses(t, "too many", signer.ErrApproval, b.signExport(t), many...)
}

func TestApprovalEndsWithItsWindow(t *testing.T) {
	b := newBoard(t, 1)
	approval := b.by(t, b.second)
	b.Clock.Advance(time.Minute)
	b.refuses(t, "expired", signer.ErrApproval, b.signExport(t), approval)
	b.gives(t, b.signExport(t), b.by(t, b.second))
}

func TestOneUserApprovesOnce(t *testing.T) {
	b := newBoard(t, 2)
	b.refuses(t, "twice by one user", signer.ErrApproval, b.signExport(t), b.by(t, b.second), b.by(t, b.second))
	b.gives(t, b.signExport(t), b.by(t, b.second), b.by(t, b.second), b.by(t, b.third))
}

// The way in which a request is written, and by which of its names a key is called, make
// no difference to what is approved.
func TestApprovalIsComparedByWhatItSays(t *testing.T) {
	b := newBoard(t, 1)
	wallet := "/wallets/" + string(b.key.Wallet()) + "/export"
	body := strings.Replace(b.exportBody(t), "{", "{ \"note\": 1,\n ", 1)
	b.gives(t, b.signExport(t), b.second.Sign(t, wallet, body))
}

// An approval is for one action. The same action finds it good again, as a retry does,
// and so it is after a restart.
func TestApprovalIsGoodForOneAction(t *testing.T) {
	b := newBoard(t, 1)
	action, approval := b.signExport(t), b.by(t, b.second)
	b.gives(t, action, approval)
	b.gives(t, action, approval)
	again := b.signExport(t)
	b.refuses(t, "for another action", signer.ErrApproval, again, approval)
	reopened, err := store.OpenSigner(context.Background(), store.Config{Path: filepath.Join(b.Dir, "signer-0.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reopened.Close() })
	b.Restart(t, 0, func(c *node.Config) { c.Store = reopened })
	b.refuses(t, "for another action, after a restart", signer.ErrApproval, again, approval)
	b.gives(t, action, approval)
	b.gives(t, again, b.by(t, b.second))
}

// One action is an export or an approval, and never both.
func TestActionIsNotBothExportAndApproval(t *testing.T) {
	b := newBoard(t, 1)
	action, approval := b.signExport(t), b.by(t, b.second)
	b.gives(t, action, approval)
	b.refuses(t, "an approval as an export", signer.ErrReplayed, approval, b.by(t, b.third))
	b.refuses(t, "an export as an approval", signer.ErrApproval, b.by(t, b.third), action)
}

// A refused export uses nothing up, for whatever reason it is refused.
func TestApprovalOfARefusedExportStaysGood(t *testing.T) {
	b := newBoard(t, 1)
	approval := b.by(t, b.second)
	b.rules.ExportActive = false
	b.refuses(t, "not activated", signer.ErrNotActivated, b.signExport(t), approval)
	b.rules.ExportActive = true
	if err := b.Nodes[0].Freeze(context.Background(), node.Everything()); err != nil {
		t.Fatal(err)
	}
	b.refuses(t, "frozen", signer.ErrFrozen, b.signExport(t), approval)
	if err := b.Nodes[0].Thaw(context.Background(), node.Everything()); err != nil {
		t.Fatal(err)
	}
	b.rules.Approvals = 2
	b.refuses(t, "one of two", signer.ErrApproval, b.signExport(t), approval)
	used := b.signExport(t)
	b.gives(t, used, b.by(t, b.second), b.by(t, b.third))
	other := used // the same challenge, answered by another credential
	other.Credential, other.Signature = b.otherCredential(t, other.ClientData)
	b.refuses(t, "replayed", signer.ErrReplayed, other, approval, b.by(t, b.third))
	b.rules.Approvals = 1
	b.gives(t, b.signExport(t), approval)
}

func TestRestoredSignerRefusesApprovalsFromBeforeItsStart(t *testing.T) {
	b := newBoard(t, 1)
	approval := b.by(t, b.second)
	b.Restart(t, 0, func(c *node.Config) { c.NotBefore = b.Clock.Now() })
	b.Clock.Advance(useraction.ClockSkew + 10*time.Second) // the approval has not expired
	b.refuses(t, "from before", signer.ErrApproval, b.signExport(t), approval)
	b.gives(t, b.signExport(t), b.by(t, b.second))
}

func TestSignerRecordsWhoApproved(t *testing.T) {
	b := newBoard(t, 2)
	first, second := b.by(t, b.second), b.by(t, b.third)
	b.gives(t, b.signExport(t), first, second)
	released := b.logged(t, audit.ShareReleased)
	if len(released) != 1 || released[0].User != b.User.ID {
		t.Fatalf("recorded %+v", released)
	}
	ids := [2]string{}
	for i, signed := range []useraction.Signed{first, second} {
		id := signed.ID()
		ids[i] = hex.EncodeToString(id[:])
	}
	details := released[0].Details
	if details[audit.ApprovedBy] != string(b.second.User.ID)+" "+string(b.third.User.ID) || details[audit.Approvals] != ids[0]+" "+ids[1] {
		t.Errorf("recorded %v", details)
	}
}
