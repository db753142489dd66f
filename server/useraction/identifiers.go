package useraction

import (
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

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
type Identifiers struct {
	key    []byte
	parser *jwt.Parser
}

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
	// The window is in the input, to the millisecond, and is checked with it.
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	return &Identifiers{key: key, parser: parser}, nil
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

// open returns what was identified by this very text.
func (i *Identifiers) open(identifier string) (challenge.Input, string, error) {
	var o offered
	_, err := i.parser.ParseWithClaims(identifier, &o, func(*jwt.Token) (any, error) { return i.key, nil })
	if err != nil {
		return challenge.Input{}, "", err
	}
	return o.Input, string(o.Payload), nil
}
