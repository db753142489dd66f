package trust_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"keyferry/server/identity"
	"keyferry/server/signer/trust"
	"keyferry/server/useraction"
	"keyferry/shares"
)

func snapshot(t *testing.T) trust.Snapshot {
	t.Helper()
	return trust.Snapshot{
		Deployment:   deployment,
		Organisation: identity.Organisation{ID: org, Export: &identity.Activation{Reference: "addendum 7", At: start}},
		Users:        []identity.User{{ID: bob, Org: org}, {ID: alice, Org: org, Active: true}},
		Credentials: []identity.Credential{
			{ID: "cr-off", Org: org, User: alice, Kind: identity.KeyCredential, PublicKey: newEd25519(t)},
			{ID: key, Org: org, User: alice, Kind: identity.KeyCredential, PublicKey: newEd25519(t) + "\r\n", Active: true},
		},
		RelyingParty: useraction.RelyingParty{ID: "localhost", Origins: []string{"https://localhost:*", "http://localhost:*"}},
	}
}

func TestFirstDraftSaysWhatTheDatabaseSays(t *testing.T) {
	d, err := trust.Draft(snapshot(t), trust.Document{}, start.Add(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if d.Serial != 1 || !d.IssuedAt.Equal(start) || d.Export != (trust.Export{Active: true, Reference: "addendum 7"}) || d.MinSigners != 3 {
		t.Errorf("got %+v", d)
	}
	if len(d.Users) != 2 || d.Users[0] != (trust.User{ID: alice, Active: true}) || d.Users[1] != (trust.User{ID: bob}) {
		t.Errorf("users %+v", d.Users)
	}
	if len(d.Credentials) != 1 || d.Credentials[0].ID != key || !d.Credentials[0].Active {
		t.Errorf("credentials %+v", d.Credentials)
	}
	if len(d.Revocations) != 1 || d.Revocations[0].Credential != "cr-off" {
		t.Errorf("revocations %+v", d.Revocations)
	}
	if len(d.Schemes) != len(shares.Schemes()) {
		t.Errorf("schemes %v", d.Schemes)
	}
}

// A database that was attacked must not undo what was decided with the root key.
func TestDraftKeepsWhatWasDecidedBefore(t *testing.T) {
	previous := document(t)
	previous.Schemes = previous.Schemes[:1]
	previous.MinSigners = 4
	s := snapshot(t)
	s.Credentials = append(s.Credentials, identity.Credential{
		ID: gone, Org: org, User: alice, Kind: identity.KeyCredential, PublicKey: newEd25519(t), Active: true,
	})
	d, err := trust.Draft(s, previous, start)
	if err != nil {
		t.Fatal(err)
	}
	if d.Serial != 4 || d.MinSigners != 4 || len(d.Schemes) != 1 || len(d.Credentials) != 1 || len(d.Revocations) != 2 {
		t.Errorf("got %+v", d)
	}
	if err := d.Supersedes(previous); err != nil {
		t.Error(err)
	}
}

// The database knows nothing of approvals. Who may give them was decided of one user's
// one key: under another user or with another key the credential is a new one.
func TestDraftKeepsApprovalsAndWhoMayGiveThem(t *testing.T) {
	s := snapshot(t)
	previous, err := trust.Draft(s, trust.Document{}, start)
	if err != nil {
		t.Fatal(err)
	}
	previous.Export.Approvals, previous.Credentials[0].Approves = 1, true
	approves := func(change func(c *identity.Credential)) bool {
		changed := s
		changed.Credentials = slices.Clone(s.Credentials)
		change(&changed.Credentials[1])
		d, err := trust.Draft(changed, previous, start)
		if err != nil || d.Export.Approvals != 1 {
			t.Fatalf("%+v, %v", d.Export, err)
		}
		return d.Credentials[0].Approves
	}
	if !approves(func(*identity.Credential) {}) {
		t.Error("it may not any longer")
	}
	if approves(func(c *identity.Credential) { c.PublicKey = newEd25519(t) }) {
		t.Error("another key may")
	}
	if approves(func(c *identity.Credential) { c.User = bob }) {
		t.Error("another user may")
	}
}

func TestDraftRefusesToFollowAnotherOrganisation(t *testing.T) {
	previous := document(t)
	previous.Org = "or-two"
	if _, err := trust.Draft(snapshot(t), previous, start); !errors.Is(err, trust.ErrOtherOrganisation) {
		t.Errorf("got %v", err)
	}
}

func TestTemplateTrustsNobody(t *testing.T) {
	d, err := trust.Template(deployment, org, start)
	if err != nil {
		t.Fatal(err)
	}
	if d.Export.Active || len(d.Users)+len(d.Credentials) > 0 {
		t.Errorf("got %+v", d)
	}
	parsed, err := trust.Parse(marshal(t, d))
	if err != nil || !bytes.Equal(marshal(t, parsed), marshal(t, d)) {
		t.Errorf("it cannot be read back: %v", err)
	}
	if _, err := trust.Template(deployment, "../x", start); err == nil {
		t.Error("took a path for an organisation")
	}
}
