// Package challenge defines what a user signs.
//
// The official clients sign whatever challenge they are sent, so the challenge is
// made to say what is being signed: it is the hash of an [Input] that names the
// deployment, the user, the time window and the one exact request. Whoever has the
// input can compute the challenge from it, and so whoever verifies a signature over
// the challenge knows which request was meant: the API server, every signer by
// itself, and a client before it signs ([Input.Binds]).
//
// The byte layout is fixed by [Input.Encode] and described in docs/protocol.md.
package challenge

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"keyferry/shares/fields"
)

// Label begins every encoding, so that a challenge can never be the hash of another
// protocol's text.
const Label = "keyferry user action v1"

// MaxWindow is the longest time between an action's issue and its expiry.
const MaxWindow = 5 * time.Minute

// Input is everything that a challenge commits to.
type Input struct {
	Label        string `json:"label"`
	Deployment   string `json:"deployment"`
	Organisation string `json:"organisation"`
	User         string `json:"user"`
	Nonce        Bytes  `json:"nonce"`
	IssuedAt     Millis `json:"issuedAt"`
	ExpiresAt    Millis `json:"expiresAt"`
	Method       string `json:"method"`
	Path         string `json:"path"` // as NormalPath returns it
	PayloadHash  Bytes  `json:"payloadHash"`
}

// Bytes is 32 bytes, in lower-case hex where they are text.
type Bytes [32]byte

// Millis is a time in milliseconds since 1970 UTC.
type Millis int64

// MillisOf drops what is finer than a millisecond.
func MillisOf(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Time returns m in UTC.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// Request is the request that an action is about, as its user stated it.
type Request struct {
	Method  string // as in HTTP, in capitals
	Path    string // any form that NormalPath takes
	Payload string // the body's text; empty for none
}

// New returns the input for a request, with a fresh nonce.
func New(deployment, organisation, user string, r Request, issued time.Time, window time.Duration) (Input, error) {
	path, err := NormalPath(r.Path)
	if err != nil {
		return Input{}, err
	}
	if window <= 0 || window > MaxWindow {
		return Input{}, fmt.Errorf("challenge: a window of %v", window)
	}
	in := Input{
		Label: Label, Deployment: deployment, Organisation: organisation, User: user,
		IssuedAt: MillisOf(issued), ExpiresAt: MillisOf(issued.Add(window)),
		Method: r.Method, Path: path, PayloadHash: HashPayload(r.Payload),
	}
	rand.Read(in.Nonce[:])
	return in, nil
}

// HashPayload is the SHA-256 of the payload's bytes as the user sent them.
func HashPayload(payload string) Bytes {
	return sha256.Sum256(append(make([]byte, 0, 512), payload...)) // an export's is copied to the stack
}

// Encode returns the bytes whose hash is the challenge: fields in the order of the
// struct, times as eight bytes of milliseconds, big-endian. No two inputs have the same
// encoding.
func (in Input) Encode() []byte { return in.appendTo(nil) }

func (in Input) appendTo(dst []byte) []byte {
	return fields.Append(dst,
		[]byte(in.Label), []byte(in.Deployment), []byte(in.Organisation), []byte(in.User),
		in.Nonce[:], fields.Uint64(uint64(in.IssuedAt)), fields.Uint64(uint64(in.ExpiresAt)),
		[]byte(in.Method), []byte(in.Path), in.PayloadHash[:],
	)
}

// Hash is the SHA-256 of the encoding. It identifies the action.
func (in Input) Hash() Bytes {
	return sha256.Sum256(in.appendTo(make([]byte, 0, 512))) // an export's is put together on the stack
}

// Challenge is the text that the user's client signs: the hash in unpadded base64url.
func (in Input) Challenge() string {
	hash := in.Hash()
	return base64.RawURLEncoding.EncodeToString(hash[:])
}

// ErrOtherRequest says that an input is about another request than the one meant.
var ErrOtherRequest = errors.New("the challenge is for another request")

// Binds checks that in is this format and about exactly this request. A client calls
// it, with the challenge that it computes from in, before it signs.
func (in Input) Binds(r Request) error {
	path, err := NormalPath(r.Path)
	if err != nil {
		return err
	}
	switch {
	case in.Label != Label:
		return fmt.Errorf("%w: its format is %q", ErrOtherRequest, in.Label)
	case in.Method != r.Method, in.Path != path:
		return fmt.Errorf("%w: %s %s in place of %s %s", ErrOtherRequest, in.Method, in.Path, r.Method, path)
	case in.PayloadHash != HashPayload(r.Payload):
		return fmt.Errorf("%w: its payload differs", ErrOtherRequest)
	}
	return nil
}

// String is lower-case hex.
func (b Bytes) String() string { return hex.EncodeToString(b[:]) }

// MarshalText writes lower-case hex.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads exactly 64 lower-case hex digits.
func (b *Bytes) UnmarshalText(text []byte) error {
	var decoded Bytes
	if len(text) != hex.EncodedLen(len(b)) {
		return errors.New("expected 64 hex digits")
	}
	if _, err := hex.Decode(decoded[:], text); err != nil {
		return errors.New("expected 64 hex digits")
	}
	if decoded.String() != string(text) {
		return errors.New("expected lower-case hex digits")
	}
	*b = decoded
	return nil
}
