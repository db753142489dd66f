package trust

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"keyferry/server/identity"
	"keyferry/server/useraction"
	"keyferry/shares"
)

var (
	// ErrNoCredential says that a credential is not trusted: no document lists it.
	ErrNoCredential = errors.New("trust: no such credential")
	// ErrNoOrganisation says that no document of the organisation is in force.
	ErrNoOrganisation = errors.New("trust: no document of the organisation is in force")
)

// Documents keeps the last signed document of each organisation; [Directory] does.
// Methods are safe for concurrent use.
type Documents interface {
	// Installed returns an organisation's signed file, or ErrNotInstalled. The caller
	// verifies it.
	Installed(ctx context.Context, org identity.OrgID) ([]byte, error)
	// Organisations lists whose documents there are.
	Organisations(ctx context.Context) ([]identity.OrgID, error)
	// Install makes a document the installed one, durably, if it supersedes the one
	// that is; else it changes nothing, and the error is that of Document.Supersedes.
	// Of installations that race, a later serial is never followed by an earlier one.
	Install(ctx context.Context, s Signed) (Change, error)
}

// Serials remembers the highest serial that was ever in force, apart from the
// documents: whoever puts an old file back has to put the signer's database back too.
type Serials interface {
	// Advance records a serial, from 1 to 2^53-1, with the hash of its document. It
	// is nil if the serial is greater than the organisation's recorded one, which then
	// is replaced, or equal to it with the same hash. Otherwise the record stays as it
	// is and errors.Is(err, ErrRollback). What it acknowledged is durable; of calls
	// that race, each sees the effect of those before it. A compare-and-swap does.
	Advance(ctx context.Context, org identity.OrgID, serial uint64, hash [sha256.Size]byte) error
}

// Config is what a [Trust] is made of.
type Config struct {
	Deployment string
	Roots      map[identity.OrgID]Root // whose document must be signed by whom
	Documents  Documents
	Serials    Serials
	// Record writes a change into the audit record, before it comes into force: a
	// change that cannot be recorded does not.
	Record func(context.Context, Change) error
}

// Trust is the documents in force. It is safe for concurrent use.
type Trust struct {
	Config
	reloading sync.Mutex
	inForce   atomic.Pointer[map[identity.OrgID]*entry] // replaced as a whole
}

// New checks the configuration. Nothing is in force until [Trust.Reload].
func New(c Config) (*Trust, error) {
	if c.Deployment == "" || c.Documents == nil || c.Serials == nil || c.Record == nil {
		return nil, errors.New("trust: incomplete configuration")
	}
	c.Roots = maps.Clone(c.Roots)
	for org, root := range c.Roots {
		if err := checkID(string(org)); err != nil {
			return nil, fmt.Errorf("trust: organisation: %w", err)
		}
		if root.IsZero() {
			return nil, fmt.Errorf("trust: no root key is pinned for organisation %s", org)
		}
	}
	t := &Trust{Config: c}
	t.inForce.Store(&map[identity.OrgID]*entry{})
	return t, nil
}

// Rules is what a signer may do for an organisation, whoever asks.
type Rules struct {
	ExportActive bool
	Schemes      []shares.Scheme         // never nil: an empty list allows none
	MinSigners   int                     // the lowest threshold of a key
	RelyingParty useraction.RelyingParty // if zero, Fido2 credentials are not trusted
	Approvals    int                     // that an export needs, of other users
	MayApprove   func(identity.CredentialID) bool
}

// Rules returns an organisation's rules as they are now, or ErrNoOrganisation.
func (t *Trust) Rules(_ context.Context, org identity.OrgID) (Rules, error) {
	e, ok := t.entry(org)
	if !ok {
		return Rules{}, fmt.Errorf("%w: %q", ErrNoOrganisation, org)
	}
	d := e.signed.document
	party := useraction.RelyingParty{ID: d.RelyingParty.ID, Origins: slices.Clone(d.RelyingParty.Origins)}
	return Rules{
		ExportActive: d.Export.Active, Schemes: append([]shares.Scheme{}, d.Schemes...), MinSigners: d.MinSigners, RelyingParty: party,
		Approvals: d.Export.Approvals, MayApprove: func(id identity.CredentialID) bool { return e.approvers[id] },
	}, nil
}

// Credential returns a credential of the organisation as it is now, or ErrNoCredential.
// It is Active only if its user is too, and if it was not revoked. The document does
// not say when it was made, nor its encrypted private key.
func (t *Trust) Credential(_ context.Context, org identity.OrgID, id identity.CredentialID) (identity.Credential, error) {
	e, ok := t.entry(org)
	if !ok {
		return identity.Credential{}, fmt.Errorf("%w: %w: %q", ErrNoCredential, ErrNoOrganisation, org)
	}
	credential, ok := e.credentials[id]
	if !ok {
		return identity.Credential{}, fmt.Errorf("%w: %.100q of organisation %s", ErrNoCredential, id, org)
	}
	return credential, nil
}

// Serial returns the serial of the document in force, 0 if there is none.
func (t *Trust) Serial(org identity.OrgID) uint64 {
	e, ok := t.entry(org)
	if !ok {
		return 0
	}
	return e.signed.document.Serial
}

func (t *Trust) entry(org identity.OrgID) (*entry, bool) {
	e, ok := (*t.inForce.Load())[org]
	return e, ok
}

// entry is a document in force. It never changes.
type entry struct {
	signed      Signed
	credentials map[identity.CredentialID]identity.Credential
	approvers   map[identity.CredentialID]bool
}

func newEntry(s Signed) *entry {
	d := s.document
	active := make(map[identity.UserID]bool, len(d.Users))
	for _, u := range d.Users {
		active[u.ID] = u.Active
	}
	revoked := d.revoked()
	credentials := make(map[identity.CredentialID]identity.Credential, len(d.Credentials))
	approvers := make(map[identity.CredentialID]bool)
	for _, c := range d.Credentials {
		if c.Approves {
			approvers[c.ID] = true
		}
		credentials[c.ID] = identity.Credential{
			ID: c.ID, Org: d.Org, User: c.User, Kind: c.Kind, PublicKey: c.PublicKey,
			Active: c.Active && active[c.User] && !revoked[c.ID],
		}
	}
	return &entry{s, credentials, approvers}
}
