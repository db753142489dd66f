package attest

import (
	"errors"
	"fmt"
	"slices"

	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/manifest"
	"keyferry/shares/statement"
)

// Expectation is what the caller knows by itself of an export.
type Expectation struct {
	Organisation  string
	Key           string                 // the key's id
	EncryptionKey envelope.EncryptionKey // that the request named
	// PublicKey is the key's, where the caller knows it. If it is zero, the signers are
	// believed.
	PublicKey shares.Point
}

// Verdict tells an export's shares apart.
type Verdict struct {
	Good []Attested // in the answer's order
	Bad  []BadShare // likewise
}

// Attested is a share that its signer's statement vouches for.
type Attested struct {
	Share     int // its index in Export.Shares
	Statement statement.Signed
}

// BadShare is a share that must not be used.
type BadShare struct {
	Share    int // its index in Export.Shares
	SignerID string
	Err      error // wraps ErrShare
}

// Error says whose share is bad and why; nothing in it is secret.
func (b BadShare) Error() string {
	return fmt.Sprintf("share %d of signer %.64q: %v", b.Share+1, b.SignerID, b.Err)
}

// Unwrap returns the reason.
func (b BadShare) Unwrap() error { return b.Err }

// Shares judges each share of an export by its signer's statement.
//
// A share is good if a pinned signer has signed that it is of this deployment,
// organisation and key, that it is sealed to this encryption key, and that it is these
// bytes; if no other share claims its signer or its index; and if the signer says the
// same of the key (scheme, public key, minSigners, all public shares) as most others.
// What most say must be what the answer says, and at least minSigners shares must be
// good.
//
// Errors wrap [ErrExport] or [ErrQuorum]; the verdict then has the bad shares and no
// good ones.
func Shares(pinned manifest.Manifest, want Expectation, e Export) (Verdict, error) {
	if want.Organisation == "" || want.Key == "" || want.EncryptionKey.IsZero() {
		return Verdict{}, errors.New("judging an export: organisation, key and encryption key must be given")
	}
	j := judge{pinned: pinned, want: want, statements: bySigner(e.Statements)}
	j.verify(e.Shares)
	said, err := j.agree()
	if err == nil {
		err = said.check(want, e)
	}
	if err == nil {
		j.separate()
		err = j.checkQuorum(e.MinSigners)
	}
	slices.SortFunc(j.bad, func(a, b BadShare) int { return a.Share - b.Share })
	if err != nil {
		return Verdict{Bad: j.bad}, err
	}
	return Verdict{Good: j.good, Bad: j.bad}, nil
}

// said is what a signer says of the key that its share is of.
type said struct {
	scheme     shares.Scheme
	publicKey  shares.Point
	minSigners int
	vector     [32]byte
}

func saidBy(s statement.Signed) said {
	return said{s.Scheme, s.PublicKey, s.MinSigners, s.VectorHash}
}

func (s said) check(want Expectation, e Export) error {
	switch {
	case s.scheme != e.Scheme:
		return fmt.Errorf("%w: another scheme", ErrExport)
	case s.publicKey != e.PublicKey:
		return fmt.Errorf("%w: another public key", ErrExport)
	case s.minSigners != e.MinSigners:
		return fmt.Errorf("%w: another minSigners", ErrExport)
	case !want.PublicKey.IsZero() && want.PublicKey != s.publicKey:
		return fmt.Errorf("%w: the public key is not the expected one", ErrExport)
	}
	return nil
}
