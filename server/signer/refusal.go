package signer

import (
	"errors"

	"keyferry/server/fault"
)

// The refusals of signers. Whoever decides says no with one of them.
var (
	// ErrConsent: the action is not the consent of a user whom the signer trusts.
	ErrConsent = fault.New(fault.Forbidden, "signer.consent", "user action signature is missing or invalid")
	// ErrReplayed: the action was used before, for something else or too long ago.
	ErrReplayed = fault.New(fault.Invalid, "signer.replayed", "user action has already been used")
	// ErrApproval: too few other users, of those who may, have signed the same export. The
	// message is for the one who exports.
	ErrApproval = fault.New(fault.Forbidden, "signer.approval", "the export needs the approval of another user: "+
		"have this very request approved (keyferry approve), then export again to the same encryption key within five minutes")
	// ErrNotActivated: the signer does not know that the organisation may export.
	ErrNotActivated = fault.New(fault.Forbidden, "signer.not-activated", "key export is not activated for this organisation")
	// ErrSchemeForbidden: the organisation does not allow keys of this scheme.
	ErrSchemeForbidden = fault.New(fault.Forbidden, "signer.scheme", "the organisation does not allow keys of this protocol and curve")
	// ErrFloor: the organisation wants more signers for each key than this one needs.
	ErrFloor = fault.New(fault.Forbidden, "signer.min-signers", "the organisation does not allow keys with so few minSigners")
	// ErrFrozen: the signer's operator has stopped it, this organisation or this key.
	// It is not [fault.Unavailable]: trying again changes nothing until a person
	// decides so.
	ErrFrozen = fault.New(fault.Forbidden, "signer.frozen", "the key is frozen")
	// ErrNoImport: some signer's token cannot open what clients seal. Its operator brings
	// shares in.
	ErrNoImport = fault.New(fault.Conflict, "signer.no-import", "this cluster takes in no imports by clients: a signer's token cannot open them")
	// ErrReceipts: the cluster's signers do not all have their share of one key.
	ErrReceipts = fault.New(fault.Internal, "signer.receipts", "Internal Server Error")
	// ErrCommitted: a share that is part of a key is not discarded.
	ErrCommitted = fault.New(fault.Internal, "signer.committed", "Internal Server Error")
	// ErrNoShare: the signer has no share of such a key of that organisation. Who asks
	// for a key that is not there is told so before signers are asked; so this is a
	// share that was lost.
	ErrNoShare = fault.New(fault.Internal, "signer.no-share", "Internal Server Error")
	// ErrDamaged: the stored share is not what was once stored in its place.
	ErrDamaged = fault.New(fault.Internal, "signer.share-damaged", "Internal Server Error")
	// ErrUnavailable: the signer's token or store does not answer now.
	ErrUnavailable = fault.New(fault.Unavailable, "signer.unavailable", "a signer is not available")
)

// What a signer does not say of itself.
var (
	// ErrNoAnswer: the signer was asked, and its answer did not come in time or was
	// lost on the way. Whether it did what it was asked for is not known.
	ErrNoAnswer = fault.New(fault.Unavailable, "signer.no-answer", "a signer did not answer")
	// ErrStatement: the signer answered, and its statement or receipt is not valid.
	ErrStatement = fault.New(fault.Internal, "signer.statement", "Internal Server Error")
)

// Refused reports that an error is a signer's decision to release nothing. Errors that
// are no faults, and lost or invalid answers, leave open what was done.
func Refused(err error) bool {
	if _, decided := errors.AsType[*fault.Error](err); !decided {
		return false
	}
	return !errors.Is(err, ErrNoAnswer) && !errors.Is(err, ErrStatement)
}
