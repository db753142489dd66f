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
// What a database does not know (schemes, minSigners, approvals and who may give them)
// stays as it was. Its revoked credentials become revocations, and what was revoked
// before stays so, whatever the database says.
func Draft(s Snapshot, previous Document, now time.Time) (Document, error) {
	d := Document{
		Deployment: s.Deployment, Org: s.Organisation.ID, Serial: previous.Serial + 1, IssuedAt: now.UTC().Truncate(time.Second),
		Schemes: slices.Clone(previous.Schemes), MinSigners: previous.MinSigners, Export: Export{Approvals: previous.Export.Approvals},
		RelyingParty: useraction.RelyingParty{ID: s.RelyingParty.ID, Origins: slices.Clone(s.RelyingParty.Origins)},
		Revocations:  slices.Clone(previous.Revocations),
	}
	if previous.Serial == 0 {
		d.Schemes, d.MinSigners = shares.Schemes(), firstMinSigners
	} else if err := d.CheckPlace(previous.Deployment, previous.Org); err != nil {
		return Document{}, fmt.Errorf("following the previous document: %w", err)
	}
	if activation := s.Organisation.Export; activation != nil {
		d.Export.Active, d.Export.Reference = true, activation.Reference
	}
	for _, u := range s.Users {
		d.Users = append(d.Users, User{u.ID, u.Active})
	}
	d.addCredentials(s.Credentials, previous)
	d.sort()
	return d, d.check()
}

func (d *Document) addCredentials(credentials []identity.Credential, previous Document) {
	revoked := d.revoked()
	for _, c := range credentials {
		switch {
		case revoked[c.ID]:
		case !c.Active:
			d.Revocations = append(d.Revocations, Revocation{c.ID, d.IssuedAt, "revoked in the server's database"})
		default:
			added := Credential{ID: c.ID, User: c.User, Kind: c.Kind, PublicKey: canonicalPEM(c.PublicKey), Active: true}
			added.Approves = previous.mayApprove(added)
			d.Credentials = append(d.Credentials, added)
		}
	}
}

// mayApprove tells whether the document lets this very credential, with its user and
// its key, approve exports.
func (d Document) mayApprove(c Credential) bool {
	return slices.ContainsFunc(d.Credentials, func(known Credential) bool {
		return known.Approves && known.ID == c.ID && known.User == c.User && known.PublicKey == c.PublicKey
	})
}
