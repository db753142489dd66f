package useraction

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// nodeSigner is what the official keysigner does: crypto.sign(undefined, …) of Node,
// here with a fresh key each time, for public keys in each form that it can have.
const nodeSigner = `
const { generateKeyPairSync, sign } = require('node:crypto')
const [kind, options, type] = JSON.parse(process.argv[1])
const pair = generateKeyPairSync(kind, options)
const signature = sign(undefined, Buffer.from(process.argv[2]), pair.privateKey)
process.stdout.write(JSON.stringify([pair.publicKey.export({ type, format: 'pem' }), signature.toString('base64')]))`

const message = `{"type":"key.get","challenge":"abc"}`

// signWithNode returns a public key and its signature over message.
func signWithNode(t *testing.T, how string) (string, []byte) {
	t.Helper()
	output, err := exec.Command("node", "-e", nodeSigner, how, message).Output()
	if err != nil {
		t.Fatalf("node (needed to sign as the official client does): %v", err)
	}
	text := strings.Trim(string(output), `[]"`)
	key, encoded, _ := strings.Cut(text, `","`)
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(key, `\n`, "\n"), signature
}

func TestSignaturesOfTheOfficialClientVerify(t *testing.T) {
	for name, how := range map[string]string{
		"Ed25519":    `["ed25519",{},"spki"]`,
		"P-256":      `["ec",{"namedCurve":"P-256"},"spki"]`,
		"P-384":      `["ec",{"namedCurve":"P-384"},"spki"]`,
		"P-521":      `["ec",{"namedCurve":"P-521"},"spki"]`,
		"secp256k1":  `["ec",{"namedCurve":"secp256k1"},"spki"]`,
		"RSA, SPKI":  `["rsa",{"modulusLength":2048},"spki"]`,
		"RSA, PKCS1": `["rsa",{"modulusLength":2048},"pkcs1"]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, signature := signWithNode(t, how)
			key, err := ParsePublicKey(text)
			if err != nil {
				t.Fatal(err)
			}
			if !key.Verify([]byte(message), signature) {
				t.Error("refused")
			}
			if key.Verify([]byte(message+" "), signature) {
				t.Error("verifies for another message")
			}
			signature[len(signature)-1] ^= 1
			if key.Verify([]byte(message), signature) {
				t.Error("verifies when edited")
			}
		})
	}
}

// Half of all ECDSA signatures have a high s; clients do not normalise.
func TestHighAndLowSAreAccepted(t *testing.T) {
	for range 8 {
		text, signature := signWithNode(t, `["ec",{"namedCurve":"secp256k1"},"spki"]`)
		key, err := ParsePublicKey(text)
		if err != nil {
			t.Fatal(err)
		}
		if !key.Verify([]byte(message), signature) {
			t.Fatalf("refused %x", signature)
		}
	}
}

func TestParsePublicKeyTakesOnlyWhatCredentialsCanHave(t *testing.T) {
	good := newEd25519(t).PublicKey
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&small.PublicKey)})
	k1, _ := signWithNode(t, `["ec",{"namedCurve":"secp256k1"},"spki"]`)
	offCurve := pemBytes(k1)
	offCurve[len(offCurve)-1] ^= 1
	for name, text := range map[string]string{
		"nothing":             "",
		"no PEM":              "MCowBQYDK2VwAyEA",
		"another label":       string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pemBytes(good)})),
		"two blocks":          good + good,
		"text behind it":      good + "x",
		"bytes behind it":     string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: append(pemBytes(good), 0)})),
		"bytes behind k1":     string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: append(pemBytes(k1), 0)})),
		"a point off the k1":  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: offCurve})),
		"P-224":               newSigning(t, mustECDSA(t, elliptic.P224())).PublicKey,
		"RSA with 1024 bits":  string(weak),
		"a PKCS1 key as SPKI": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pemBytes(string(weak))})),
	} {
		if _, err := ParsePublicKey(text); !errors.Is(err, ErrPublicKey) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func mustECDSA(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemBytes(text string) []byte {
	block, _ := pem.Decode([]byte(text))
	return block.Bytes
}

func FuzzParsePublicKey(f *testing.F) {
	f.Add("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParsePublicKey(text)
		if err != nil {
			if !errors.Is(err, ErrPublicKey) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if key.Verify([]byte(message), nil) {
			t.Fatalf("%q verifies no signature", text)
		}
	})
}
