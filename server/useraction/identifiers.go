package useraction

import (
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"keyferry/server/challenge"
)

// Identifiers makes challenge identifiers and reads them: JWTs with HS256 (RFC 7519,
// RFC 7518 §3.2) that hold what a challenge is about. So nothing is stored for a
// challenge before it is signed: asking for one waits for no disk, and whoever asks for
// many fills no database.
//
// That only the server makes them is what keeps signatures fresh: nobody can have a
// challenge signed today that it issues tomorrow. Who else has the key can; but he still
// needs the user's signature, within the challenge's window, and has it once.
type Identifiers struct{ key []byte }

// NewIdentifiers derives the key from that of the deployment's access tokens (HKDF, RFC
// 5869), which all server processes of a deployment have. Whoever replaces that key ends
// the challenges that were not answered yet.
func NewIdentifiers(tokens *ecdsa.PrivateKey, deployment string) (*Identifiers, error) {
	if tokens == nil || deployment == "" {
		return nil, errors.New("useraction: challenge identifiers need a key and a deployment")
	}
	secret, err := tokens.Bytes()
	if err != nil {
		return nil, fmt.Errorf("deriving the key for challenges: %w", err)
	}
	defer clear(secret)
	key, err := hkdf.Key(sha256.New, secret, nil, "keyferry challenge identifiers v1\x00"+deployment, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("deriving the key for challenges: %w", err)
	}
	return &Identifiers{key}, nil
}

// offered is the payload of an identifier. The request's is bytes, since a user may sign
// what no JSON text holds.
type offered struct {
	jwt.RegisteredClaims
	Input   challenge.Input `json:"input"`
	Payload []byte          `json:"payload"`
}

// Identify returns the identifier of a challenge. Its length is at most 16/9 of the
// payload's, and the input.
func (i *Identifiers) Identify(in challenge.Input, payload string) (string, error) {
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, offered{Input: in, Payload: []byte(payload)}).SignedString(i.key)
	if err != nil {
		return "", fmt.Errorf("identifying a challenge: %w", err)
	}
	return text, nil
}

// errNotMade does not quote: what was not made here can be any text.
var errNotMade = errors.New("the identifier is not of this deployment's making")

// open returns what was identified by this very text. The window is in the input, to the
// millisecond, and is checked with it.
func (i *Identifiers) open(identifier string) (challenge.Input, string, error) {
	if !i.made(identifier) {
		return challenge.Input{}, "", errNotMade
	}
	var o offered
	if _, _, err := jwt.NewParser().ParseUnverified(identifier, &o); err != nil {
		return challenge.Input{}, "", fmt.Errorf("reading an identifier: %w", err)
	}
	return o.Input, string(o.Payload), nil
}

// made tells whether the identifier is ours, before anything of it is read: JSON texts can
// take fifty times their length to read. The MAC is compared as the text that it has in
// ours, since readers of base64 pass over line breaks.
func (i *Identifiers) made(identifier string) bool {
	end := max(0, strings.LastIndexByte(identifier, '.'))
	mac, err := jwt.SigningMethodHS256.Sign(identifier[:end], i.key)
	return err == nil && hmac.Equal([]byte(identifier[end:]), []byte("."+base64.RawURLEncoding.EncodeToString(mac)))
}
