// Package signer is the contract between the API server and the nodes that hold
// shares.
//
// A [Signer] is asked with a [Request], which carries the user's signed action and
// nothing else. What is to be done (which key, to which encryption key, with which
// shares) a signer reads from what the user signed, through the parsers of this
// package; it verifies the signature against its own trust, and believes the server
// nothing. The API server reads the same payload through the same parsers, so there
// is no second reading that could differ.
//
// What a signer answers is signed with its identity key, so that nobody in between can
// speak for it: a statement goes with each sealed share (shares/statement), and a
// [Receipt] with each imported one. An import is committed only with the receipts of
// the whole cluster (receipt.go).
//
// server/signer/node is a signer. The contract is the same for one inside the
// server's process and for one elsewhere. refusal.go has the ways in which a signer
// says no, order.go the requests that users sign, approval.go what the approval of an
// export is, expendable.go who need not be let go by a token that hangs.
package signer

import (
	"context"

	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/useraction"
	"keyferry/shares"
	"keyferry/shares/manifest"
	"keyferry/shares/statement"
)

// ID names a signer for ever.
type ID = manifest.ID

// Info is what a signer says of itself: what the cluster's manifest has of it.
type Info struct {
	manifest.Member
}

// Request asks a signer to do what the user signed.
type Request struct {
	Action useraction.Signed
	// Approvals is the actions of other users who signed the same export (approval.go).
	// A signer counts those that are good, and passes over the others.
	Approvals []useraction.Signed
}

// SealedShare is one signer's answer to an export: the share, sealed to the encryption
// key that the user signed, and what the signer says of it.
type SealedShare struct {
	Signer     ID
	Ciphertext []byte
	Statement  statement.Signed
}

// Prepared is one signer's answer to the first half of an import: it has its share of
// the key, checked against these public shares, which must be the same for all signers.
type Prepared struct {
	Public  shares.PublicShares
	Receipt SignedReceipt
}

// Commit asks for the second half of an import, with the receipts of all signers of
// the cluster.
type Commit struct {
	Org      identity.OrgID
	Key      keyring.KeyID
	Receipts []SignedReceipt
}

// Signer holds one share of each key.
//
// All methods are safe for concurrent use, and end when their context does. An error
// that is one of this package's refusals ([Refused]) says that nothing left the signer;
// any other error leaves that open. What was acknowledged is durable.
type Signer interface {
	// Info needs no round trip.
	Info() Info
	// Export opens the signer's share of the key that the action names and seals it
	// to the encryption key that the action names. The same action may be repeated
	// until it expires; every repetition seals anew.
	Export(ctx context.Context, r Request) (SealedShare, error)
	// Prepare opens the share that the action's payload has for this signer, checks
	// it and keeps it, not yet exportable. Repeating it finds the share that is there.
	Prepare(ctx context.Context, r Request) (Prepared, error)
	// Commit makes a prepared share exportable, for ever: nobody can discard it any
	// more. It is refused with ErrReceipts unless every signer of the cluster, as the
	// signer knows it, has its share of the very same key. Repeating it changes
	// nothing.
	Commit(ctx context.Context, c Commit) error
	// Discard forgets a share that was prepared for a key that did not come to be, or
	// that is being prepared still: Prepare is ErrReplayed from then on. A share that is
	// not there is no error; one that is committed is kept, with ErrCommitted.
	Discard(ctx context.Context, key keyring.KeyID) error
}

// Prober is a [Signer] that can be asked whether it could do its work now.
type Prober interface {
	// Ready makes a round trip to everything that the signer needs, and changes
	// nothing.
	Ready(ctx context.Context) error
}
