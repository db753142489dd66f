// Package transfer is the use cases: keys go out (export.go), come in (import.go)
// and are looked at (catalogue.go).
//
// It takes decisions from server/policy as grants, asks all signers at once
// (fanout.go), and writes the journal around them: the intent before any share can
// leave a signer, the outcome after it. A crash between the two leaves an export that
// is over-counted, never one that is unrecorded; [Service.Reconcile] closes what a
// crash left open (reconcile.go).
//
// It never sees a share: only ciphertexts pass through here.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/useraction"
)

// Export is the journal's record of one export under way.
type Export struct {
	ID      string
	Org     identity.OrgID
	Key     keyring.KeyID
	BegunAt time.Time
}

// Import is the journal's record of one import under way.
type Import struct {
	Key     keyring.KeyID // that will be, if it succeeds
	Org     identity.OrgID
	BegunAt time.Time
}

// Journal is the durable record that the use cases are written around. Every method
// is one transaction, on disk when it returns without error, and appends its entry in
// that same transaction. Methods are safe for concurrent use.
type Journal interface {
	// Organisation returns an organisation as it is now.
	Organisation(ctx context.Context, id identity.OrgID) (identity.Organisation, error)
	// Key returns a key of the organisation, or keyring.ErrNotFound.
	Key(ctx context.Context, org identity.OrgID, id keyring.KeyID) (keyring.Key, error)
	// Keys returns up to limit keys of the organisation, oldest first, that come
	// behind the cursor.
	Keys(ctx context.Context, org identity.OrgID, behind Cursor, limit int) ([]keyring.Key, error)

	// BeginExport redeems the user action, or useraction.ErrReplayed; marks the key
	// as exported; and records the export.
	BeginExport(ctx context.Context, action string, e Export, entry audit.Entry) error
	// FinishExport closes an export. With audit.Void the key is marked as exported
	// only as far as other exports say so.
	FinishExport(ctx context.Context, e Export, outcome audit.Outcome, entry audit.Entry) error

	// BeginImport redeems the user action, or useraction.ErrReplayed, and records the
	// import.
	BeginImport(ctx context.Context, action string, i Import, entry audit.Entry) error
	// FinishImport closes a running import, or ErrNotRunning, and adds the key.
	FinishImport(ctx context.Context, key keyring.Key, entry audit.Entry) error
	// AbandonImport marks a running import as abandoned, or ErrNotRunning.
	AbandonImport(ctx context.Context, key keyring.KeyID, entry audit.Entry) error
	// ForgetImport removes an abandoned import once all signers have discarded it.
	ForgetImport(ctx context.Context, key keyring.KeyID) error

	// Unfinished returns what was begun and never closed, abandoned imports included.
	Unfinished(ctx context.Context) ([]Export, []Import, error)
}

// ErrNotRunning is what a [Journal] returns for closing an import that is not
// running any more.
var ErrNotRunning = errors.New("transfer: the import is not running")

// Config is what a [Service] is made of.
type Config struct {
	Journal Journal
	Signers []signer.Signer
	Timeout time.Duration // for all signers to answer
	Now     func() time.Time
	Log     *slog.Logger
}

// Service runs the use cases.
type Service struct {
	Config
	cluster []signer.ID // sorted, as the Signers are
}

// New checks the configuration and sorts the signers by id, the order in which they
// are listed everywhere.
func New(c Config) (*Service, error) {
	if c.Journal == nil || c.Now == nil || c.Log == nil || c.Timeout <= 0 {
		return nil, errors.New("transfer: incomplete configuration")
	}
	if len(c.Signers) < 2 {
		return nil, fmt.Errorf("transfer: a cluster has at least two signers, not %d", len(c.Signers))
	}
	byID := map[signer.ID]signer.Signer{}
	s := &Service{Config: c}
	for _, one := range c.Signers {
		byID[one.Info().ID] = one
		s.cluster = append(s.cluster, one.Info().ID)
	}
	if len(byID) != len(c.Signers) {
		return nil, errors.New("transfer: two signers have the same id")
	}
	signer.SortIDs(s.cluster)
	s.Signers = slices.Clone(c.Signers)
	for i, id := range s.cluster {
		s.Signers[i] = byID[id]
	}
	return s, nil
}

// detach returns a context for work that must be finished once it was begun, whether
// or not its caller is still there.
func (s *Service) detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.Timeout)
}

// entry returns the part of an audit entry that a proof gives.
func (s *Service) entry(kind audit.Kind, proof useraction.Proof) audit.Entry {
	p, signed := proof.Principal(), proof.Signed()
	id := signed.ID()
	hex, _ := id.MarshalText()
	return audit.Entry{
		Time: challenge.MillisOf(s.Now()), Kind: kind,
		Org: p.Org(), User: p.User(), Token: p.Token(), Credential: signed.Credential, Action: string(hex),
	}
}
