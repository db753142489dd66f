package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"keyferry/server/challenge"
)

// resign makes the lie consistent in itself: the challenge is the hash of the changed
// input, as a server that was taken over would have it.
func resign(change func(*challenge.Input)) func(*initAnswer, challenge.Request) {
	return func(answer *initAnswer, _ challenge.Request) {
		change(answer.Input)
		answer.Challenge = answer.Input.Challenge()
	}
}

func TestClientRefusesToSignASubstitutedChallenge(t *testing.T) {
	attackers := challenge.HashPayload(`{"encryptionKey":"the attacker's"}`)
	for name, lie := range map[string]func(*initAnswer, challenge.Request){
		"another challenge, true input": func(a *initAnswer, _ challenge.Request) {
			other := *a.Input
			other.PayloadHash = attackers
			a.Challenge = other.Challenge()
		},
		"no input":              func(a *initAnswer, _ challenge.Request) { a.Input = nil },
		"no challenge":          func(a *initAnswer, _ challenge.Request) { a.Challenge = "" },
		"padded challenge":      func(a *initAnswer, _ challenge.Request) { a.Challenge += "=" },
		"other label":           resign(func(in *challenge.Input) { in.Label += " draft" }),
		"other deployment":      resign(func(in *challenge.Input) { in.Deployment = "production" }),
		"other organisation":    resign(func(in *challenge.Input) { in.Organisation = "or-other" }),
		"other user":            resign(func(in *challenge.Input) { in.User = "us-other" }),
		"other method":          resign(func(in *challenge.Input) { in.Method = "PUT" }),
		"other key's path":      resign(func(in *challenge.Input) { in.Path = "/keys/key-2/export" }),
		"other payload":         resign(func(in *challenge.Input) { in.PayloadHash = attackers }),
		"issued in the future":  resign(func(in *challenge.Input) { shift(in, time.Hour) }),
		"expired":               resign(func(in *challenge.Input) { shift(in, -time.Hour) }),
		"good for a day":        resign(func(in *challenge.Input) { in.ExpiresAt += challenge.Millis(24 * time.Hour / time.Millisecond) }),
		"expires before issued": resign(func(in *challenge.Input) { in.ExpiresAt = in.IssuedAt - 1 }),
	} {
		t.Run(name, func(t *testing.T) {
			server := &liar{lie: lie}
			if err := post(connect(t, server)); !errors.Is(err, ErrChallenge) {
				t.Errorf("got %v", err)
			}
			server.signedNothing(t)
		})
	}
}

func shift(in *challenge.Input, by time.Duration) {
	in.IssuedAt = challenge.MillisOf(in.IssuedAt.Time().Add(by))
	in.ExpiresAt = challenge.MillisOf(in.ExpiresAt.Time().Add(by))
}

func TestClientRefusesToSignWithACredentialThatIsNotListed(t *testing.T) {
	server := &liar{lie: func(a *initAnswer, _ challenge.Request) { a.Allowed = map[string]any{"key": []any{}} }}
	if err := post(connect(t, server)); err == nil {
		t.Error("signed")
	}
	server.signedNothing(t)
}

func TestClientToleratesClocksThatDifferALittle(t *testing.T) {
	server := &liar{lie: resign(func(in *challenge.Input) { shift(in, time.Minute) })}
	if err := post(connect(t, server)); err != nil {
		t.Error(err)
	}
}

// A challenge brings the payload back, in its identifier, and that of an import to 255
// signers is longer than any other answer.
func TestClientSignsTheChallengeOfTheLargestImport(t *testing.T) {
	const shares = 14 << 20 // bytes
	server := &liar{lie: func(a *initAnswer, asked challenge.Request) {
		a.Identifier = base64.RawURLEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(asked.Payload))))
	}}
	request := map[string]string{"encryptedKeyShare": strings.Repeat("x", shares)}
	if err := connect(t, server).signed(context.Background(), "/keys/import", request, &struct{}{}); err != nil || server.signature == nil {
		t.Errorf("signed %v, %v", server.signature != nil, err)
	}
}

func TestClientSignsTheChallengeOfItsRequest(t *testing.T) {
	ed, edPublic := ed25519Credential(t)
	p256, p256Public := p256Credential(t)
	for name, c := range map[string]struct {
		credential *Credential
		verify     func(message, signature []byte) bool
	}{
		"Ed25519": {ed, func(m, s []byte) bool { return ed25519.Verify(edPublic, m, s) }},
		"P-256": {p256, func(m, s []byte) bool {
			digest := sha256.Sum256(m)
			return ecdsa.VerifyASN1(p256Public, digest[:], s)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var offered string
			server := &liar{lie: func(a *initAnswer, _ challenge.Request) { offered = a.Challenge }}
			client := connect(t, server)
			client.config.Credential = c.credential
			if err := post(client); err != nil {
				t.Fatal(err)
			}
			factor := server.signature
			if factor.Kind != "Key" || factor.Assertion.CredentialID != testCredential {
				t.Errorf("signed as %+v", factor)
			}
			message, signature := decode(t, factor.Assertion.ClientData), decode(t, factor.Assertion.Signature)
			if !c.verify(message, signature) {
				t.Error("the signature does not verify")
			}
			var said struct{ Type, Challenge string }
			if err := json.Unmarshal(message, &said); err != nil || said.Type != "key.get" || said.Challenge != offered {
				t.Errorf("signed %s, %v", message, err)
			}
			if len(server.carried) != 1 || server.carried[0] != "ua-test" {
				t.Errorf("requests carried %v", server.carried)
			}
		})
	}
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}
