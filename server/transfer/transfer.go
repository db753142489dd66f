// Package transfer is the use cases: keys go out (export.go), with the approval of other
// users where signers demand it (approval.go), come in (import.go) and are looked at
// (catalogue.go).
//
// It takes decisions from server/policy as grants, asks all signers at once, each for
// a limited time (fanout.go), and writes the journal around them: the intent before any
// share can leave a signer, the outcome after it. A crash between the two leaves an
// export that is over-counted, never one that is unrecorded; [Service.Reconcile] closes
// what a crash left open (reconcile.go).
//
// An export succeeds with the shares of minSigners signers, whose statements are
// verified here (verdict.go); what the others said, or that they said nothing, is
// recorded (quorum.go). An import needs them all: the key exists from the moment that
// every signer has signed that it has its share, and the journal says so; the signers'
// commit follows from that and is repeated until it is done.
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
	"keyferry/shares"
	"keyferry/shares/manifest"
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
	Key       keyring.KeyID // that will be, if it succeeds
	Org       identity.OrgID
	BegunAt   time.Time
	Abandoned bool // it failed, and signers may still have shares
}

// Imported is a key whose shares all signers have.
type Imported struct {
	Key      keyring.Key
	Holders  []keyring.Holder // by index
	Receipts []signer.SignedReceipt
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
	// Holders returns who has a share of the key, in the order of the indexes.
	Holders(ctx context.Context, key keyring.Key) ([]keyring.Holder, error)

	// BeginExport redeems the user action, or useraction.ErrReplayed; marks the key
	// as exported; and records the export.
	BeginExport(ctx context.Context, action string, e Export, entry audit.Entry) error
	// FinishExport closes a running export, or ErrNotRunning. With audit.Void the key is marked as exported
	// only as far as other exports say so. It returns the entry's place.
	FinishExport(ctx context.Context, e Export, outcome audit.Outcome, entry audit.Entry) (audit.Place, error)

	// Approve redeems the user action, or useraction.ErrReplayed, and keeps it as its
	// user's approval of the key's export, in the place of an earlier one.
	Approve(ctx context.Context, action string, a Approval, entry audit.Entry) error
	// Approvals returns up to limit approvals for the key and the encryption key of
	// wanted, by other users than wanted's, that have not expired at wanted.At; those
	// that expire last come first.
	Approvals(ctx context.Context, wanted Approval, limit int) ([]useraction.Signed, error)

	// BeginImport redeems the user action, or useraction.ErrReplayed, and records the
	// import.
	BeginImport(ctx context.Context, action string, i Import, entry audit.Entry) error
	// FinishImport closes a running import, or ErrNotRunning, and adds the key, which
	// is uncommitted until ForgetCommit.
	FinishImport(ctx context.Context, i Imported, entry audit.Entry) error
	// ForgetCommit records that all signers have committed a key.
	ForgetCommit(ctx context.Context, key keyring.KeyID) error
	// AbandonImport marks a running import as abandoned, or ErrNotRunning.
	AbandonImport(ctx context.Context, key keyring.KeyID, entry audit.Entry) error
	// ForgetImport removes an abandoned import once all signers have discarded it.
	ForgetImport(ctx context.Context, key keyring.KeyID) error

	// Unfinished returns what was begun and never closed, abandoned imports included.
	Unfinished(ctx context.Context) ([]Export, []Import, error)
	// Uncommitted returns what signers need to commit the keys that they may not have
	// committed yet.
	Uncommitted(ctx context.Context) ([]signer.Commit, error)
}

// ErrNotRunning is what a [Journal] returns for closing what is not running any
// more.
var ErrNotRunning = errors.New("transfer: the export or import is not running")

// DefaultTimeout is for signers that nothing is known of.
const DefaultTimeout = 10 * time.Second

// journalTime is for one entry in the journal when its caller may have gone. It is not
// the signers' time, which they may have used up.
const journalTime = 10 * time.Second

// Config is what a [Service] is made of.
type Config struct {
	Journal  Journal
	Manifest manifest.Manifest // of the cluster
	Signers  []signer.Signer   // all that the manifest names
	Orders   *signer.Orders    // shared by those who read them in the process; may be nil
	Timeout  time.Duration     // for signers to answer one question; DefaultTimeout if zero
	Now      func() time.Time
	Log      *slog.Logger
}

// Service runs the use cases.
type Service struct {
	Config
}

// New checks the configuration and sorts the signers by id, the order in which they
// are listed everywhere.
func New(c Config) (*Service, error) {
	if c.Journal == nil || c.Now == nil || c.Log == nil || c.Timeout < 0 {
		return nil, errors.New("transfer: incomplete configuration")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if len(c.Signers) < shares.MinThreshold {
		return nil, fmt.Errorf("transfer: a cluster has at least two signers, not %d", len(c.Signers))
	}
	var err error
	if c.Manifest, err = manifest.New(c.Manifest.Deployment, c.Manifest.Members); err != nil {
		return nil, fmt.Errorf("transfer: %w", err)
	}
	c.Signers = slices.SortedFunc(slices.Values(c.Signers), func(a, b signer.Signer) int { return a.Info().ID.Compare(b.Info().ID) })
	if !slices.EqualFunc(c.Signers, c.Manifest.Members, isMember) {
		return nil, errors.New("transfer: the signers are not those of the manifest")
	}
	return &Service{Config: c}, nil
}

func isMember(one signer.Signer, member manifest.Member) bool { return one.Info().ID == member.ID }

// detach returns a context for an entry in the journal that must be made, whether or
// not its caller is still there.
func (s *Service) detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), journalTime)
}

// entry returns the part of an audit entry that a proof gives.
func (s *Service) entry(kind audit.Kind, proof useraction.Proof) audit.Entry {
	p, signed := proof.Principal(), proof.Signed()
	return audit.Entry{
		Time: challenge.MillisOf(s.Now()), Kind: kind,
		Org: p.Org(), User: p.User(), Token: p.Token(), Credential: signed.Credential, Action: signed.ID().String(),
	}
}
