package trust_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyferry/server/identity"
	"keyferry/server/signer/trust"
	"keyferry/server/useraction"
	"keyferry/shares"
)

func TestDiffOfADocumentWithItselfIsEmpty(t *testing.T) {
	d := document(t)
	if lines := d.Diff(d); len(lines) != 0 {
		t.Errorf("got %q", lines)
	}
}

func TestDiffSaysEachChangeInWords(t *testing.T) {
	old := document(t)
	d := document(t)
	d.Serial, d.MinSigners = 4, 2
	d.Export = trust.Export{Approvals: 1}
	d.Users = []trust.User{{ID: alice}, {ID: "us-carol", Active: true}}
	d.Credentials = []trust.Credential{
		{ID: key, User: alice, Kind: identity.KeyCredential, PublicKey: knownKey, Active: true},
		{ID: "cr-new", User: "us-carol", Kind: identity.KeyCredential, PublicKey: newEd25519(t), Approves: true},
	}
	d.Schemes = []shares.Scheme{scheme(t, "CGGMP21", "stark"), scheme(t, "FROST", "ed25519")}
	d.RelyingParty = useraction.RelyingParty{}
	d.Revocations = append(d.Revocations, trust.Revocation{Credential: "cr-stolen", At: start, Reason: "stolen"})
	want := []string{
		"serial: 4, was 3",
		`export of keys: not activated, was activated by "addendum 7"`,
		"approvals of an export by other users: 1, was none",
		"lowest minSigners: 2, was 3",
		"relying party: none, was example.com at https://example.com https://keys.example.com",
		"scheme CGGMP21/stark: now allowed",
		"scheme CGGMP21/secp256k1: no longer allowed",
		"user us-alice: now switched off, was active",
		"user us-carol: added: active",
		"user us-bob: removed, was switched off",
		"credential cr-alice: now active, Key of user us-alice, public key " + d.Credentials[0].Fingerprint() +
			", was active, Key of user us-alice, public key " + old.Credentials[1].Fingerprint(),
		"credential cr-new: added: switched off, Key of user us-carol, public key " + d.Credentials[1].Fingerprint() + ", may approve exports",
		"credential Zm9v: removed, was active, Fido2 of user us-bob, public key " + old.Credentials[0].Fingerprint(),
		"revocation of credential cr-stolen: added: for ever, at 2026-11-01T12:00:00Z: stolen",
	}
	if diff := cmp.Diff(want, d.Diff(old)); diff != "" {
		t.Error(diff)
	}
}

func TestDiffWithNothingListsTheWholeDocument(t *testing.T) {
	d := document(t)
	lines := strings.Join(d.Diff(trust.Document{}), "\n")
	for _, want := range []string{
		"deployment: test-deployment, was none", "organisation: or-one, was none", "serial: 3, was none", `activated by "addendum 7"`,
		"user us-alice: added", "user us-bob: added", "credential cr-alice: added", "credential Zm9v: added", "revocation of credential cr-gone: added",
	} {
		if !strings.Contains(lines, want) {
			t.Errorf("%q is missing in\n%s", want, lines)
		}
	}
}

// Every member counts: a change that the diff passes over could be signed unseen.
func TestDiffPassesNoMemberOver(t *testing.T) {
	for name, change := range map[string]func(d *trust.Document){
		"deployment":        func(d *trust.Document) { d.Deployment = "x" },
		"organisation":      func(d *trust.Document) { d.Org = "or-two" },
		"serial":            func(d *trust.Document) { d.Serial++ },
		"export":            func(d *trust.Document) { d.Export.Active = false },
		"reference":         func(d *trust.Document) { d.Export.Reference = "addendum 8" },
		"approvals":         func(d *trust.Document) { d.Export.Approvals = 1 },
		"approver":          func(d *trust.Document) { d.Credentials[1].Approves = true },
		"schemes":           func(d *trust.Document) { d.Schemes = d.Schemes[:1] },
		"minSigners":        func(d *trust.Document) { d.MinSigners++ },
		"party":             func(d *trust.Document) { d.RelyingParty.ID = "x.com" },
		"origins":           func(d *trust.Document) { d.RelyingParty.Origins = d.RelyingParty.Origins[:1] },
		"user":              func(d *trust.Document) { d.Users[0].Active = false },
		"credential's user": func(d *trust.Document) { d.Credentials[0].User = alice },
		"credential's kind": func(d *trust.Document) { d.Credentials[1].Kind = identity.PasswordProtectedCredential },
		"credential's key":  func(d *trust.Document) { d.Credentials[1].PublicKey = knownKey },
		"credential":        func(d *trust.Document) { d.Credentials[1].Active = false },
		"revocation":        func(d *trust.Document) { d.Revocations = nil },
		"revocation's time": func(d *trust.Document) { d.Revocations[0].At = start.Add(1e9) },
		"reason":            func(d *trust.Document) { d.Revocations[0].Reason = "" },
	} {
		old, d := document(t), document(t)
		old.Credentials = slices.Clone(d.Credentials)
		change(&d)
		if lines := d.Diff(old); len(lines) != 1 {
			t.Errorf("%s: %q", name, lines)
		}
	}
}
