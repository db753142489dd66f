package client

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	jsonv2 "github.com/go-json-experiment/json"

	"keyferry/server/challenge"
)

// FuzzOffer holds that a challenge which the client would sign is the hash of its own
// request, for itself, now, whatever else the answer says.
func FuzzOffer(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	request := challenge.Request{Method: "POST", Path: "/keys/key-1/export", Payload: `{"encryptionKey":"mine"}`}
	in := challenge.Input{
		Label: challenge.Label, Deployment: testDeployment, Organisation: testOrganisation, User: testUser,
		IssuedAt: challenge.MillisOf(now), ExpiresAt: challenge.MillisOf(now.Add(time.Minute)),
		Method: request.Method, Path: request.Path, PayloadHash: challenge.HashPayload(request.Payload),
	}
	for _, seed := range []initAnswer{{Challenge: in.Challenge(), Input: &in}, {Challenge: "x", Input: &in}, {Challenge: in.Challenge()}} {
		text, err := json.Marshal(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		f.Add([]byte(strings.Replace(string(text), "{", `{"Challenge":"x",`, 1)))
	}
	expect := Expectation{testDeployment, testOrganisation, testUser}
	f.Fuzz(func(t *testing.T, body []byte) {
		var o offer
		if jsonv2.Unmarshal(body, &o) != nil {
			return
		}
		if err := expect.check(o, request, now); err != nil {
			if !errors.Is(err, ErrChallenge) {
				t.Fatal(err)
			}
			return
		}
		own := in // but for what the server may choose
		own.Nonce, own.IssuedAt, own.ExpiresAt = o.Input.Nonce, o.Input.IssuedAt, o.Input.ExpiresAt
		if o.Challenge != own.Challenge() || own.ExpiresAt-own.IssuedAt > challenge.Millis(challenge.MaxWindow.Milliseconds()) {
			t.Fatalf("%s would be signed", body)
		}
	})
}

// FuzzAPIError holds that a server's words reach the terminal short and printable.
func FuzzAPIError(f *testing.F) {
	f.Add(403, []byte(`{"error":{"id":"er-1","message":"no"}}`))
	f.Add(500, []byte("{\"error\":{\"id\":\"\\u001b[2J\",\"message\":\"\xff\"}}"))
	f.Add(502, []byte(`<html>`))
	f.Add(400, []byte(`{"error":{"message":"`+strings.Repeat("é", 200)+`"}}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		var said *APIError
		if err := apiError(status, body); !errors.As(err, &said) || said.Status != status {
			t.Fatal(err)
		}
		text := said.Error()
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > 3*(2*maxMessage) {
			t.Fatalf("%q", text)
		}
	})
}

// FuzzParseCredential holds that a key which parses signs for its own public half, and
// that an error never has a part of the text in it.
func FuzzParseCredential(f *testing.F) {
	nist, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), append(make([]byte, 31), 7))
	if err != nil {
		f.Fatal(err)
	}
	large, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), append(make([]byte, 47), 7))
	if err != nil {
		f.Fatal(err)
	}
	for _, key := range []any{ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), nist, large} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseCredential("cr-1", text)
		if err != nil {
			if c != nil || !strings.HasPrefix(err.Error(), "the credential's private key is ") || len(err.Error()) > 100 {
				t.Fatalf("%v, %v", c, err)
			}
			return
		}
		message := []byte("message")
		signature, err := c.sign(message)
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256(message)
		switch public := c.key.Public().(type) {
		case ed25519.PublicKey:
			if ed25519.Verify(public, message, signature) {
				return
			}
		case *ecdsa.PublicKey:
			if ecdsa.VerifyASN1(public, digest[:], signature) {
				return
			}
		}
		t.Fatalf("a %T signs what its public half does not verify", c.key)
	})
}
