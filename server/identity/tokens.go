package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"keyferry/server/recent"
)

// metadataClaim is where the official TypeScript SDK looks for the organisation.
const metadataClaim = "https://custom/app_metadata"

// Tokens issues and verifies access tokens: JWTs signed with ES256 (RFC 7518 §3.4),
// valid for one deployment.
type Tokens struct {
	key        *ecdsa.PrivateKey
	deployment string
	now        func() time.Time
	parser     *jwt.Parser
	validator  *jwt.Validator
	verified   *verifiedTokens
}

// NewTokens returns the issuer of a deployment's tokens. The key is P-256.
func NewTokens(key *ecdsa.PrivateKey, deployment string, now func() time.Time) (*Tokens, error) {
	if key == nil || key.Curve != elliptic.P256() {
		return nil, errors.New("identity: tokens are signed with a P-256 key")
	}
	if deployment == "" || now == nil {
		return nil, errors.New("identity: tokens need a deployment and a clock")
	}
	rules := []jwt.ParserOption{
		jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}),
		jwt.WithIssuer(deployment), jwt.WithAudience(deployment),
		jwt.WithExpirationRequired(), jwt.WithStrictDecoding(), jwt.WithTimeFunc(now),
	}
	return &Tokens{
		key: key, deployment: deployment, now: now,
		parser: jwt.NewParser(rules...), validator: jwt.NewValidator(rules...), verified: recent.NewMap[[sha256.Size]byte, jwtClaims](verifiedSize),
	}, nil
}

// jwtClaims is the token's payload on the wire.
type jwtClaims struct {
	jwt.RegisteredClaims
	Metadata metadata `json:"https://custom/app_metadata"`
}

type metadata struct {
	OrgID   OrgID   `json:"orgId"`
	UserID  UserID  `json:"userId"`
	TokenID TokenID `json:"tokenId"`
}

// claims is a verified payload in this package's words.
type claims struct {
	token TokenID
	user  UserID
	org   OrgID
}

// Issue makes a token for the user and the record to store. The token is worth
// nothing until its record is stored.
func (t *Tokens) Issue(user User, lifetime time.Duration) (string, Token, error) {
	if lifetime <= 0 {
		return "", Token{}, errors.New("identity: a token needs a life time")
	}
	now := t.now().Truncate(time.Second)
	record := Token{ID: TokenID(NewID("to")), Org: user.Org, User: user.ID, CreatedAt: now, ExpiresAt: now.Add(lifetime)}
	payload := jwtClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: t.deployment, Audience: jwt.ClaimStrings{t.deployment}, Subject: string(user.ID), ID: string(record.ID),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(record.ExpiresAt),
		},
		Metadata: metadata{OrgID: user.Org, UserID: user.ID, TokenID: record.ID},
	}
	text, err := jwt.NewWithClaims(jwt.SigningMethodES256, payload).SignedString(t.key)
	if err != nil {
		return "", Token{}, fmt.Errorf("signing token: %w", err)
	}
	return text, record, nil
}

// verify checks signature, algorithm, issuer, audience and expiry.
func (t *Tokens) verify(bearer string) (claims, error) {
	payload, err := t.payload(bearer)
	if err != nil {
		return claims{}, err
	}
	c := claims{token: TokenID(payload.ID), user: UserID(payload.Subject), org: payload.Metadata.OrgID}
	if c.token == "" || c.user == "" || c.org == "" {
		return claims{}, errors.New("the token lacks a claim")
	}
	return c, nil
}

// payload verifies a signature once, and the rest every time.
func (t *Tokens) payload(bearer string) (jwtClaims, error) {
	hash := sha256.Sum256(append(make([]byte, 0, 1<<10), bearer...)) // copied to the stack
	payload, known := t.verified.Get(hash)
	if known {
		return payload, t.validator.Validate(payload)
	}
	_, err := t.parser.ParseWithClaims(bearer, &payload, func(*jwt.Token) (any, error) { return &t.key.PublicKey, nil })
	if err == nil {
		t.verified.Add(hash, payload)
	}
	return payload, err
}
