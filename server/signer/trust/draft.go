package trust

import (
	"fmt"
	"slices"
	"time"

	"keyferry/server/identity"
	"keyferry/server/useraction"
	"keyferry/shares"
)

// firstMinSigners is what a first draft proposes: the threshold of the usual cluster
// of five.
const firstMinSigners = 3

// Template returns a first document that trusts nobody, to be filled in by hand.
func Template(deployment string, org identity.OrgID, now time.Time) (Document, error) {
	return Draft(Snapshot{Deployment: deployment, Organisation: identity.Organisation{ID: org}}, Document{}, now)
}

// Snapshot is what a server's database says of one organisation.
type Snapshot struct {
	Deployment   string
	Organisation identity.Organisation
	Users        []identity.User
	Credentials  []identity.Credential
	RelyingParty useraction.RelyingParty
}

// Draft writes a snapshot as the document that would follow previous; the zero
// Document is none. Who reviews it decides whether the database is right: nothing
// becomes true by standing there.
//
// What a database does not know (schemes, minSigners) stays as it was. Its revoked
// credentials become revocations, and what was revoked before stays so, whatever the
// database says.
func Draft(s Snapshot, previous Document, now time.Time) (Document, error) {
	d := Document{
		Deployment: s.Deployment, Org: s.Organisation.ID, Serial: previous.Serial + 1, IssuedAt: now.UTC().Truncate(time.Second),
		Schemes: slices.Clone(previous.Schemes), MinSigners: previous.MinSigners,
		RelyingParty: useraction.RelyingParty{ID: s.RelyingParty.ID, Origins: slices.Clone(s.RelyingParty.Origins)},
		Revocations:  slices.Clone(previous.Revocations),
	}
	if previous.Serial == 0 {
		d.Schemes, d.MinSigners = shares.Schemes(), firstMinSigners
	} else if err := d.CheckPlace(previous.Deployment, previous.Org); err != nil {
		return Document{}, fmt.Errorf("following the previous document: %w", err)
	}
	if activation := s.Organisation.Export; activation != nil {
		d.Export = Export{Active: true, Reference: activation.Reference}
	}
	for _, u := range s.Users {
		d.Users = append(d.Users, User{u.ID, u.Active})
	}
	d.addCredentials(s.Credentials)
	d.sort()
	return d, d.check()
}

func (d *Document) addCredentials(credentials []identity.Credential) {
	revoked := d.revoked()
	for _, c := range credentials {
		switch {
		case revoked[c.ID]:
		case !c.Active:
			d.Revocations = append(d.Revocations, Revocation{c.ID, d.IssuedAt, "revoked in the server's database"})
		default:
			d.Credentials = append(d.Credentials, Credential{c.ID, c.User, c.Kind, canonicalPEM(c.PublicKey), true})
		}
	}
}
