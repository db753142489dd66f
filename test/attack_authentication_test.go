//go:build cgo

package test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
)

// authenticationAttacks come without a good token.
func authenticationAttacks(t *testing.T, s *stage) []attack {
	keys, bearer := get("/keys"), "Authorization: Bearer "+s.alice.token
	signed := post(exportPath(s.victim), s.honest(t)).carrying(s.alice.action(t, "POST", exportPath(s.victim), s.honest(t)))
	init := text(t, initBody{Payload: "{}", Method: "POST", Path: "/keys/import"})
	rows := []attack{
		{"a good token", keys.by(s.alice), 200, legitimate},
		{"a good token, its scheme in small letters", keys.with("authorization: bearer " + s.alice.token), 200, legitimate},
		{"no token", keys, 401, "token.missing"},
		{"no token but a good user action", signed, 401, "token.missing"},
		{"the token in the query", get("/keys?access_token=" + s.alice.token), 401, "token.missing"},
		{"the token in a cookie", keys.with("Cookie: Authorization=" + s.alice.token), 401, "token.missing"},
		{"names that a proxy would set", keys.with("X-Forwarded-User: " + s.alice.id).with("X-Remote-User: " + s.alice.id), 401, "token.missing"},
		{"the token twice", keys.with(bearer).with(bearer), 401, "token.malformed"},
		{"a good token behind a bad one", keys.bearing("bad").with(bearer), 401, "token.malformed"},
		{"a bad token behind a good one", keys.with(bearer).bearing("bad"), 401, "token.malformed"},
		{"an empty header", keys.with("Authorization:"), 401, "token.malformed"},
		{"a scheme without a token", keys.with("Authorization: Bearer"), 401, "token.malformed"},
		{"the scheme Basic", keys.with("Authorization: Basic " + s.alice.token), 401, "token.malformed"},
		{"a token without a scheme", keys.with("Authorization: " + s.alice.token), 401, "token.malformed"},
		{"a control character in the token", keys.with(bearer + "\x00"), 400, unparsed},
		{"a switched-off user", keys.by(s.gone), 400, "user.deactivated"},
		{"a switched-off user who wants to sign", post("/auth/action/init", init).by(s.gone), 400, "user.deactivated"},
		{"a user whose credential was revoked", post("/auth/action/init", init).by(s.keyless), 401, "action.no-credential"},
	}
	return append(rows, each(badTokens(t, s), 401, "token.invalid", func(token string) message { return keys.bearing(token) })...)
}

// badTokens lists tokens that look like good ones, and some that do not.
func badTokens(t *testing.T, s *stage) []named {
	token := s.alice.token
	part := strings.Split(token, ".")
	head, payload, signature := part[0], part[1], part[2]
	forged := strings.Replace(decoded(t, payload), s.alice.org, s.bob.org, 1)
	own := newP256(t)
	jwk := `{"alg":"ES256","typ":"JWT","jwk":{"kty":"EC","crv":"P-256"}}`
	return []named{
		{"not a token", "abc"},
		{"two parts", head + "." + payload},
		{"four parts", token + "." + signature},
		{"three empty parts", ".."},
		{"no signature", head + "." + payload + "."},
		{"an edited signature", head + "." + payload + "." + flipped(signature)},
		{"another token's signature", head + "." + payload + "." + strings.Split(s.bob.token, ".")[2]},
		{"another organisation written into it", head + "." + unpadded([]byte(forged)) + "." + signature},
		{"a signature of zeros", head + "." + payload + "." + unpadded(make([]byte, 64))},
		{"a signature in DER", head + "." + payload + "." + unpadded(asDER(t, signature))},
		{"a padded signature", token + "=="},
		{"a signature in the other alphabet", head + "." + payload + "." + strings.NewReplacer("-", "+", "_", "/").Replace(signature) + "+/"},
		{"algorithm none", unpadded([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + payload + "."},
		{"algorithm nOnE", unpadded([]byte(`{"alg":"nOnE","typ":"JWT"}`)) + "." + payload + "."},
		{"a MAC in place of a signature", withMAC(`{"alg":"HS256","typ":"JWT"}`, payload)},
		{"the signature under another algorithm's name", unpadded([]byte(`{"alg":"ES384","typ":"JWT"}`)) + "." + payload + "." + signature},
		{"signed with the attacker's key", signedToken(t, own, decoded(t, head), payload)},
		{"signed with a key that it brings", signedToken(t, own, jwk, payload)},
		{"signed with a key that it points to", signedToken(t, own, `{"alg":"ES256","typ":"JWT","kid":"../../dev/null","jku":"http://127.0.0.1/"}`, payload)},
		{"two tokens with a comma", token + ", " + token},
		{"a folded header", token + "\r\n " + token},
		{"expired", s.expired},
		{"revoked", s.revoked},
		{"a user action in place of a token", s.alice.action(t, "POST", "/keys/import", "{}")},
		{"a challenge in place of a token", s.alice.challenge(t, "POST", "/keys/import", "{}").Identifier},
		{"a very long one", strings.Repeat("A", 12<<10)},
	}
}

// flipped changes the first of a base64url text's bytes.
func flipped(text string) string {
	if text[0] == 'A' {
		return "B" + text[1:]
	}
	return "A" + text[1:]
}

func decoded(t *testing.T, part string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func withMAC(head, payload string) string {
	input := unpadded([]byte(head)) + "." + payload
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte(input))
	return input + "." + unpadded(mac.Sum(nil))
}

// signedToken is a well-formed ES256 token (RFC 7518 §3.4).
func signedToken(t *testing.T, key crypto.Signer, head, payload string) string {
	t.Helper()
	input := unpadded([]byte(head)) + "." + payload
	return input + "." + unpadded(asRaw(t, sign(t, key, input)))
}

type ecdsaSignature struct{ R, S *big.Int }

// asRaw turns a DER signature of P-256 into r || s.
func asRaw(t *testing.T, der []byte) []byte {
	t.Helper()
	var parsed ecdsaSignature
	if _, err := asn1.Unmarshal(der, &parsed); err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 2*elliptic.P256().Params().BitSize/8)
	parsed.R.FillBytes(raw[:len(raw)/2])
	parsed.S.FillBytes(raw[len(raw)/2:])
	return raw
}

// asDER turns a token's signature into DER.
func asDER(t *testing.T, signature string) []byte {
	t.Helper()
	raw := []byte(decoded(t, signature))
	half := len(raw) / 2
	der, err := asn1.Marshal(ecdsaSignature{new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])})
	if err != nil {
		t.Fatal(err)
	}
	return der
}
