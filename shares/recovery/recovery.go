// Package recovery is the client's side of a key export: it makes the key to which
// the signers seal, asks for the shares, and puts the private key together again on
// the client's own machine.
//
//	New, Parse, Context.Save   the export context: a decryption key for one export
//	Context.Request            the body of POST /keys/{keyId}/export
//	ParseResponse              its answer, strictly read
//	Context.Recover            answer → private key
//
// Recover trusts nobody in between. It gives out no key that does not match the
// public key, which the caller should pin to the one it knows. A signer that lies is
// named, and survived as long as enough others are honest. Who pins the cluster too
// ([Pin]) knows that each share is from one of its signers, and which one to blame.
package recovery

import (
	"errors"
	"fmt"

	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/locked"
)

// Errors that callers tell apart.
var (
	// ErrContext says that a saved context is not one.
	ErrContext = errors.New("not a saved export context")
	// ErrResponse says that an answer is not an export's answer.
	ErrResponse = errors.New("malformed export response")
	// ErrMismatch says that the shares do not give the public key.
	ErrMismatch = errors.New("the shares do not give the public key")
	// ErrPinned says that the answer is for another key than the caller's.
	ErrPinned = errors.New("the response is for another public key than expected")
	// ErrCommitment says that a share is not what its signer said it was.
	ErrCommitment = errors.New("the share does not match its commitment")
	// ErrOffPolynomial says that a share differs from what enough others imply.
	ErrOffPolynomial = errors.New("the share does not fit those that give the key")
)

// Context is the client's half of one export: a decryption key, in locked memory.
type Context struct{ key *envelope.DecryptionKey }

// New makes a fresh context. The caller must Destroy it.
func New() (*Context, error) {
	key, err := envelope.GenerateDecryptionKey()
	if err != nil {
		return nil, fmt.Errorf("making an export context: %w", err)
	}
	return &Context{key}, nil
}

// EncryptionKey returns the key to which the signers must seal.
func (c *Context) EncryptionKey() envelope.EncryptionKey { return c.key.EncryptionKey() }

// Destroy wipes the context. It may be called more than once.
func (c *Context) Destroy() { c.key.Destroy() }

// Request is the body of POST /keys/{keyId}/export.
type Request struct {
	EncryptionKey    string            `json:"encryptionKey"`
	SupportedSchemes []SupportedScheme `json:"supportedSchemes"`
}

// SupportedScheme is a scheme that the client can recover.
type SupportedScheme struct {
	Protocol string `json:"protocol"`
	Curve    string `json:"curve"`
}

// Request returns the body that asks for a key of one of the given schemes, or of
// any supported scheme if none is given.
func (c *Context) Request(schemes ...shares.Scheme) Request {
	if len(schemes) == 0 {
		schemes = shares.Schemes()
	}
	request := Request{EncryptionKey: c.EncryptionKey().String()}
	for _, s := range schemes {
		request.SupportedSchemes = append(request.SupportedSchemes, SupportedScheme{s.Protocol(), s.Curve().Name()})
	}
	return request
}

// Recovered is a private key, with what was learnt about the signers.
type Recovered struct {
	// Secret is the private scalar: 32 bytes, big-endian, on every curve. For ed25519
	// it is the scalar modulo the order, not a seed.
	Secret    *locked.Buffer
	Scheme    shares.Scheme
	PublicKey shares.Point
	// Bad names the shares that were left out: those that no pinned signer vouches for,
	// that did not open or parse, that
	// differ from their commitment, or that contradict the largest group of shares
	// that agree, where no other group can be as large.
	Bad []BadShare
	// Doubtful names, in the response's order, the signers of shares that contradict
	// each other where it cannot be told who is wrong. The key is right all the same.
	// Commitments remove the doubt.
	Doubtful []string
}

// Destroy wipes the private key.
func (r *Recovered) Destroy() { r.Secret.Destroy() }

// BadShare is a share that cannot be used.
type BadShare struct {
	SignerID string
	Position int // in the response, counted from 1
	// Err is attest.ErrShare, envelope.ErrOpen, shares.ErrPlaintext, ErrCommitment or
	// ErrOffPolynomial, wrapped.
	Err error
}

// Error says whose share is bad and why; nothing in it is secret.
func (b BadShare) Error() string {
	return fmt.Sprintf("share %d of signer %q: %v", b.Position, b.SignerID, b.Err)
}

// Unwrap returns the reason.
func (b BadShare) Unwrap() error { return b.Err }

// Error is why no key was recovered, with the shares that are known to be bad. It
// unwraps to its cause and to each bad share.
type Error struct {
	Cause error
	Bad   []BadShare
}

// Error gives the cause and the bad shares on one line.
func (e *Error) Error() string {
	text := "recovering the key: " + e.Cause.Error()
	for _, b := range e.Bad {
		text += "; " + b.Error()
	}
	return text
}

// Unwrap lets errors.Is and errors.As find all of it.
func (e *Error) Unwrap() []error {
	errs := []error{e.Cause}
	for _, b := range e.Bad {
		errs = append(errs, b)
	}
	return errs
}
