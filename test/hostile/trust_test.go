//go:build cgo

package hostile

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/signer/trust"
	"keyferry/shares"
	"keyferry/test/rig"
)

// The server's database says that everything is as it was; the organisation's root has
// signed that it is not. Signers go by the root.
func TestSignersGoByTheRootsDocumentAndNotByTheServersDatabase(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	now := s.Clock.Now().UTC().Truncate(time.Second)
	for name, test := range map[string]struct {
		change func(*trust.Document, *rig.Account)
		want   error
	}{
		"a revoked credential": {func(d *trust.Document, a *rig.Account) {
			d.Credentials = slices.DeleteFunc(d.Credentials, func(c trust.Credential) bool { return c.ID == a.Credential.ID })
			d.Revocations = append(d.Revocations, trust.Revocation{Credential: a.Credential.ID, At: now, Reason: "lost"})
			slices.SortFunc(d.Revocations, func(a, b trust.Revocation) int { return cmp.Compare(a.Credential, b.Credential) })
		}, signer.ErrConsent},
		"an inactive credential": {func(d *trust.Document, a *rig.Account) {
			at := slices.IndexFunc(d.Credentials, func(c trust.Credential) bool { return c.ID == a.Credential.ID })
			d.Credentials[at].Active = false
		}, signer.ErrConsent},
		"a deactivated user": {func(d *trust.Document, a *rig.Account) {
			at := slices.IndexFunc(d.Users, func(u trust.User) bool { return u.ID == a.User.ID })
			d.Users[at].Active = false
		}, signer.ErrConsent},
		"an export that is not active": {func(d *trust.Document, _ *rig.Account) { d.Export.Active = false }, signer.ErrNotActivated},
		"a scheme that is not allowed": {func(d *trust.Document, _ *rig.Account) {
			d.Schemes = []shares.Scheme{rig.Scheme(t, "FROST", "ed25519")}
		}, signer.ErrSchemeForbidden},
		"a key with too few minSigners": {func(d *trust.Document, _ *rig.Account) { d.MinSigners = threshold + 1 }, signer.ErrFloor},
	} {
		t.Run(name, func(t *testing.T) {
			user := s.Account(t, s.victim.User.Org, identity.Permissions()...)
			s.documents.Trust(t, user)
			recovers(t, s.gives(t, s.signExport(t, user, s.key)), s.client)
			s.documents.Publish(t, user.User.Org, func(d *trust.Document) { test.change(d, user) })
			user.Prove(t, exportPath(s.key), exportBody(t, s.client)) // the server has not heard of it
			s.refuse(t, s.signExport(t, user, s.key), test.want)
		})
	}
	s.documents.Publish(t, s.victim.User.Org, func(*trust.Document) {})
	recovers(t, s.gives(t, s.signExport(t, s.victim, s.key)), s.client)
}

// Documents may come by way of the server. It can neither make nor change one, nor bring
// an old one back.
func TestTheServerCarriesTrustDocumentsAndMakesNone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	org := s.victim.User.Org
	invented := s.Account(t, org, identity.Permissions()...)
	old := s.documents.Publish(t, org, func(*trust.Document) {})
	s.documents.Publish(t, org, func(*trust.Document) {})
	next := s.documents.Draft(t, org, func(d *trust.Document) {
		d.Users = append(d.Users, trust.User{ID: invented.User.ID, Active: true})
		slices.SortFunc(d.Users, func(a, b trust.User) int { return cmp.Compare(a.ID, b.ID) })
	})
	edited := old.File()
	edited[len(edited)/2] ^= 1
	for name, test := range map[string]struct {
		file []byte
		want error
	}{
		"one of the attacker's own root": {s.ownDocument(t, next), trust.ErrSignature},
		"an edited one":                  {edited, nil},
		"an older one":                   {old.File(), trust.ErrRollback},
		"one without a signature":        {unsigned(t, next), trust.ErrUnsigned},
	} {
		for i, believed := range s.documents.Trusts {
			before := believed.Serial(org)
			if err := believed.Install(context.Background(), test.file); err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%s: signer %d: %v", name, i, err)
			}
			if after := believed.Serial(org); after != before {
				t.Errorf("%s: signer %d: serial %d after %d", name, i, after, before)
			}
		}
	}
	s.refuse(t, s.signExport(t, invented, s.key), signer.ErrConsent)
	s.documents.Trust(t, invented) // by the root itself
	recovers(t, s.gives(t, s.signExport(t, invented, s.key)), s.client)
}

// ownDocument is signed by a root that the attacker made.
func (s *stage) ownDocument(t *testing.T, d trust.Document) []byte {
	t.Helper()
	own, err := trust.NewRootKey()
	must(t, err)
	defer own.Destroy()
	signed, err := trust.Sign(d, own)
	must(t, err)
	return signed.File()
}

func unsigned(t *testing.T, d trust.Document) []byte {
	t.Helper()
	text, err := d.Marshal()
	must(t, err)
	return text
}
