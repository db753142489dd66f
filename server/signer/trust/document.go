package trust

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"keyferry/server/identity"
	"keyferry/server/useraction"
	"keyferry/shares"
)

// Document is what a signer shall believe of one organisation. It is the whole of it:
// a document takes the place of the one before, and what it does not list is not
// trusted.
type Document struct {
	Deployment string
	Org        identity.OrgID
	Serial     uint64    // from 1 to 2^53-1; a later document has a greater one
	IssuedAt   time.Time // UTC, whole seconds; for people: order is the serial's
	Export     Export
	// Users, Credentials and Revocations are sorted by their ids, which are unique.
	Users       []User
	Credentials []Credential
	Schemes     []shares.Scheme // allowed, in the order of their names
	MinSigners  int             // keys with a lower threshold are refused, 2 to 255
	// RelyingParty is whom Fido2 credentials must sign for. The zero value is none.
	RelyingParty useraction.RelyingParty
	Revocations  []Revocation
}

// Export says whether the organisation may export keys.
type Export struct {
	Active    bool
	Reference string // of the signed addendum, up to 200 bytes; needed if active
	// Approvals is how many other users, each with a credential that may approve, must
	// sign the same export: 0 to 4.
	Approvals int
}

// User is one whose credentials may be trusted.
type User struct {
	ID     identity.UserID
	Active bool
}

// Credential is a public key that a user signs with.
type Credential struct {
	ID        identity.CredentialID
	User      identity.UserID // one of the document's
	Kind      identity.CredentialKind
	PublicKey string // one PEM block as encoding/pem writes it, without headers
	Active    bool
	// Approves says that the credential may approve exports of other users. It is for
	// credentials that are only used with clients that check what they sign.
	Approves bool
}

// Revocation ends a credential for ever: every later document must repeat it, and may
// not list the credential as active again.
type Revocation struct {
	Credential identity.CredentialID
	At         time.Time // UTC, whole seconds
	Reason     string    // for people, up to 200 bytes
}

var (
	// ErrOtherDeployment says that a document is for another deployment.
	ErrOtherDeployment = errors.New("the trust document is for another deployment")
	// ErrOtherOrganisation says that a document is another organisation's.
	ErrOtherOrganisation = errors.New("the trust document is for another organisation")
	// ErrRollback says that a document is older than one that was in force, or another
	// one with the same serial.
	ErrRollback = errors.New("the trust document is not newer than what was installed")
	// ErrRevocationLost says that a document leaves out what was revoked for ever.
	ErrRevocationLost = errors.New("the trust document forgets a revocation")
)

// Hash is SHA-256 of the document's canonical text.
func (d Document) Hash() ([32]byte, error) {
	text, err := d.Marshal()
	return sha256.Sum256(text), err
}

// CheckPlace refuses a document for another place than this.
func (d Document) CheckPlace(deployment string, org identity.OrgID) error {
	switch {
	case d.Deployment != deployment:
		return fmt.Errorf("%w: it is for %q, not %q", ErrOtherDeployment, d.Deployment, deployment)
	case d.Org != org:
		return fmt.Errorf("%w: it is for %q, not %q", ErrOtherOrganisation, d.Org, org)
	}
	return nil
}

// Supersedes tells whether d may take the place of old: it is for the same place,
// newer or the very same, and keeps every revocation.
func (d Document) Supersedes(old Document) error {
	if err := d.CheckPlace(old.Deployment, old.Org); err != nil {
		return err
	}
	if d.Serial > old.Serial {
		return d.keepsRevocations(old)
	}
	hash, err := d.Hash()
	if err != nil {
		return err
	}
	oldHash, err := old.Hash()
	if err != nil {
		return err
	}
	if d.Serial < old.Serial || hash != oldHash {
		return fmt.Errorf("%w: its serial is %d, that of another one is %d", ErrRollback, d.Serial, old.Serial)
	}
	return nil
}

func (d Document) keepsRevocations(old Document) error {
	kept := d.revoked()
	for _, r := range old.Revocations {
		if !kept[r.Credential] {
			return fmt.Errorf("%w: that of credential %q", ErrRevocationLost, r.Credential)
		}
	}
	return nil
}

func (d Document) revoked() map[identity.CredentialID]bool {
	ids := make(map[identity.CredentialID]bool, len(d.Revocations))
	for _, r := range d.Revocations {
		ids[r.Credential] = true
	}
	return ids
}
