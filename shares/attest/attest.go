// Package attest compares what an API server answers with what the cluster's signers
// have signed, so that a client need not believe the server.
//
//	ParseSigners, Signers   the answer of GET /signers: is this the pinned cluster?
//	Linked                  the same, and which identity keys it has by now
//	ParseExport, Shares     an export's answer: which shares are of the pinned cluster,
//	                        for this key and for this client?
//
// The anchor is a manifest (shares/manifest) that the caller had before, from the
// operator and not from the server. What signers say of a share is a statement
// (shares/statement), signed with the identity key that the manifest names.
//
// The package opens no share. A signer that seals garbage and signs a true statement
// about it passes here, and is found by shares/recovery. And where as many signers lie
// as the answer says are needed, they can vouch together for a wrong public key: who
// knows the right one gives it ([Expectation.PublicKey]).
//
// Texts are read case-sensitively and strictly: repeated members, invalid UTF-8 and
// anything behind the value are refused. A caller that hands the same text on to a
// reader that folds case must refuse members that differ in case only first.
package attest

import "errors"

// Errors that callers tell apart.
var (
	// ErrAnswer says that an answer is malformed.
	ErrAnswer = errors.New("malformed answer")
	// ErrSigners says that the listed signers are not the pinned ones.
	ErrSigners = errors.New("the signers are not those of the pinned manifest")
	// ErrShare says why one share is left out.
	ErrShare = errors.New("the share is not attested")
	// ErrExport says that an export's answer contradicts what its signers say.
	ErrExport = errors.New("the signers do not say what the answer says")
	// ErrQuorum says that too few shares of an export are attested.
	ErrQuorum = errors.New("too few shares are attested")
)
