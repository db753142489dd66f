// Package audit defines the record of what was decided and done.
//
// An [Entry] is stored as its canonical bytes (JSON in the form of RFC 8785), in the
// same transaction as the change that it records: no record, no act. What happens
// elsewhere is recorded twice, as an intent before it and as an outcome after it.
//
// Entries are the leaves of a Merkle tree: package merkle signs and proves it.
//
// Entries carry no secrets, and public keys and user texts only as far as they
// identify something.
package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"keyferry/server/audit/merkle"
	"keyferry/server/challenge"
	"keyferry/server/fault"
	"keyferry/server/identity"
)

// Kind says what an entry is about.
type Kind string

// The kinds of entries.
const (
	RequestRefused     Kind = "request.refused"
	ActionSigned       Kind = "action.signed"
	ExportApproved     Kind = "export.approved"
	ExportBegun        Kind = "export.begun"
	ExportFinished     Kind = "export.finished"
	ExportInterrupted  Kind = "export.interrupted"
	ImportBegun        Kind = "import.begun"
	ImportFinished     Kind = "import.finished"
	ImportAbandoned    Kind = "import.abandoned"
	KeyAdopted         Kind = "key.adopted"
	OrganisationMade   Kind = "organisation.created"
	ExportActivated    Kind = "organisation.export-activated"
	ExportDeactivated  Kind = "organisation.export-deactivated"
	UserMade           Kind = "user.created"
	UserChanged        Kind = "user.changed"
	CredentialAdded    Kind = "credential.added"
	CredentialRevoked  Kind = "credential.revoked"
	TokenIssued        Kind = "token.issued"
	TokenRevoked       Kind = "token.revoked"
	PermissionsChanged Kind = "permissions.changed"
)

// The kinds of entries in a signer's own log. ShareReleased is recorded before the share
// is opened: a signer may record a release that then failed, never the reverse.
const (
	ShareReleased  Kind = "share.released"
	ShareStored    Kind = "share.stored"
	ShareIngested  Kind = "share.ingested" // its operator brought it
	ShareCommitted Kind = "share.committed"
	ShareDiscarded Kind = "share.discarded"
	// DamagedShareDiscarded: a share that did not open, committed or not. Details: damage,
	// what was wrong with it, and reason, its operator's.
	DamagedShareDiscarded Kind = "damaged-share.discarded"

	SignerStarted  Kind = "signer.started"
	SignerRefused  Kind = "signer.refused"
	SignerFrozen   Kind = "signer.frozen"
	SignerThawed   Kind = "signer.thawed"
	IdentityLinked Kind = "signer.identity-linked" // Details: key, the label of the new one
	TrustChanged   Kind = "trust.changed"

	// The rotation of a share-wrapping key, in this order.
	RotationBegun         Kind = "rotation.begun"          // before the new key is made
	WrappingKeyChanged    Kind = "wrapping-key.changed"    // new shares are sealed under the new one
	RotationFinished      Kind = "rotation.finished"       // every share was read back under it
	WrappingKeyDestroying Kind = "wrapping-key.destroying" // before the old one is destroyed
	WrappingKeyDestroyed  Kind = "wrapping-key.destroyed"
)

// Entry is one line of the record. Members that do not apply are empty and left out.
type Entry struct {
	Version    int                   `json:"version"`
	Time       challenge.Millis      `json:"time"`
	Kind       Kind                  `json:"kind"`
	Org        identity.OrgID        `json:"organisation,omitzero"`
	User       identity.UserID       `json:"user,omitzero"`
	Token      identity.TokenID      `json:"token,omitzero"`
	Credential identity.CredentialID `json:"credential,omitzero"`
	Action     string                `json:"action,omitzero"` // hex of the user action's id
	Request    string                `json:"request,omitzero"`
	Key        string                `json:"key,omitzero"`
	Export     string                `json:"export,omitzero"`
	Outcome    Outcome               `json:"outcome,omitzero"`
	Reason     fault.Reason          `json:"reason,omitzero"`
	Signers    []SignerOutcome       `json:"signers,omitempty"`
	Details    map[string]string     `json:"details,omitempty"`
}

// SchemaVersion is what Entry.Version is set to when an entry is stored.
const SchemaVersion = 1

// EncryptionKeyHash is the member of an export's Details with SHA-256 of the key that its
// shares are sealed to, in hex.
const EncryptionKeyHash = "encryptionKeyHash"

// Outcome is how an act ended.
type Outcome string

// The outcomes.
const (
	Released Outcome = "released" // shares went to the client
	Failed   Outcome = "failed"   // signers released shares, the client got none
	Void     Outcome = "void"     // nothing was released
	Stored   Outcome = "stored"   // a key is in, with all its shares
)

// SignerOutcome is how one signer answered.
type SignerOutcome struct {
	Signer string       `json:"signer"`
	Reason fault.Reason `json:"reason,omitzero"` // empty: it did its part
}

// Canonical returns the bytes that are stored and hashed (RFC 8785).
func (e Entry) Canonical() ([]byte, error) {
	e.Version = SchemaVersion
	text, err := json.Marshal(e, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encoding audit entry: %w", err)
	}
	value := jsontext.Value(text)
	if err := value.Canonicalize(); err != nil {
		return nil, fmt.Errorf("canonical form of audit entry: %w", err)
	}
	return value, nil
}

// Place is where an entry stands in the log, once it is on disk.
type Place struct {
	Index int64
	Entry []byte         // canonical: the very bytes that are a leaf of the log
	Log   *merkle.Growth // with which it was appended
}

// Log appends entries that stand for themselves. Entries that go with a change are
// appended by whoever makes the change. It is safe for concurrent use; an entry
// that was acknowledged is on disk.
type Log interface {
	Append(ctx context.Context, e Entry) error
}

// recorded marks an error whose reason is in the record already.
type recorded struct{ error }

func (r recorded) Unwrap() error { return r.error }

// Recorded marks err as recorded, so that outer stages do not record it again.
func Recorded(err error) error {
	if err == nil {
		return nil
	}
	return recorded{err}
}

// IsRecorded tells whether err was marked by [Recorded].
func IsRecorded(err error) bool {
	_, ok := errors.AsType[recorded](err)
	return ok
}
