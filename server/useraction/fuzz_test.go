package useraction

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"keyferry/server/challenge"
	"keyferry/server/identity"
)

// fuzzedInput is the same in every run, or no corpus would be good for long.
func fuzzedInput() challenge.Input {
	return challenge.Input{
		Label: challenge.Label, Deployment: "test", Organisation: "or-1", User: "us-1", Nonce: challenge.Bytes{1},
		IssuedAt: challenge.MillisOf(issued), ExpiresAt: challenge.MillisOf(issued) + 1000,
		Method: request.Method, Path: request.Path, PayloadHash: challenge.HashPayload(request.Payload),
	}
}

// FuzzKeyData holds that what passes says the same to every parser: this challenge,
// signed for this purpose.
func FuzzKeyData(f *testing.F) {
	s := Signed{Input: fuzzedInput(), Kind: identity.KeyCredential}
	text := s.Input.Challenge()
	for _, seed := range []string{
		`{"type":"key.get","challenge":"` + text + `"}`, `{"challenge":"` + text + `","crossOrigin":false,"type":"key.get"}`,
		`{"type": "key.get", "challenge": "` + text + `", "origin": "https://app.dfns.io", "crossOrigin": false}`,
		`{"type":"key.get","challenge":"` + text + `","crossOrigin":true}`, `{"type":"key.get","challenge":"x","Challenge":"` + text + `"}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, clientData []byte) {
		s.ClientData = clientData
		if s.checkKeyData() != nil {
			return
		}
		var theirs struct { // as a parser reads it that is as lenient as they come
			Type, Challenge string
			CrossOrigin     bool
		}
		if err := json.Unmarshal(clientData, &theirs); err != nil {
			t.Fatalf("%q passes: %v", clientData, err)
		}
		if theirs.Type != typeKey || theirs.Challenge != text || theirs.CrossOrigin {
			t.Fatalf("%q passes, and says %+v", clientData, theirs)
		}
	})
}

// FuzzAuthenticatorData holds that what passes is an assertion to this relying party by
// a user who was present and verified, and has a counter. The client data is honest.
func FuzzAuthenticatorData(f *testing.F) {
	rp := RelyingParty{ID: "keys.example", Origins: []string{"https://keys.example"}}
	s := Signed{Input: fuzzedInput(), Kind: identity.Fido2Credential}
	s.ClientData = fmt.Appendf(nil, `{"type":"webauthn.get","challenge":%q,"origin":"https://keys.example"}`, s.Input.Challenge())
	hash := sha256.Sum256([]byte(rp.ID))
	honest := append(hash[:], 0x05, 0, 0, 0, 7)
	f.Add(honest)
	f.Add(append(slices.Clone(honest), 0xa0))
	f.Add(append(slices.Concat(hash[:], []byte{0x85, 0, 0, 0, 7}), 0xa0))
	f.Add(append(slices.Concat(hash[:], []byte{0x45, 0, 0, 0, 7}), make([]byte, 20)...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		s.AuthenticatorData = data
		if s.checkFido2Data(rp) != nil {
			return
		}
		const present, verified, registration = 0x01, 0x04, 0x40
		if flags := data[sha256.Size]; !bytes.HasPrefix(data, hash[:]) || flags&(present|verified|registration) != present|verified {
			t.Fatalf("%x passes", data)
		}
		if _, counted := s.Counter(); !counted {
			t.Fatalf("%x has no counter", data)
		}
	})
}
