package trust_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"keyferry/server/signer/trust"
)

func TestVerifyReturnsWhatWasSigned(t *testing.T) {
	root, d := newRootKey(t), document(t)
	signed := sign(t, d, root)
	again, err := trust.VerifyFor(signed.File(), root.Public(), deployment, org)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(marshal(t, again.Document()), marshal(t, d)) || again.Hash() != sha256.Sum256(marshal(t, d)) {
		t.Errorf("got %+v", again.Document())
	}
	if !bytes.HasPrefix(signed.File(), marshal(t, d)) {
		t.Error("the file does not begin with the document that a person can read")
	}
}

// The layout is written down in docs/protocol.md; this follows it by hand.
func TestSignatureIsOverLabelAndDocument(t *testing.T) {
	root, d := newRootKey(t), document(t)
	text := marshal(t, d)
	block, rest := pem.Decode(sign(t, d, root).File()[len(text):])
	if block == nil || block.Type != "KEYFERRY TRUST SIGNATURE" || len(rest) != 0 {
		t.Fatalf("block %v, rest %q", block, rest)
	}
	label := "keyferry trust document v1"
	message := append(binary.BigEndian.AppendUint32(nil, uint32(len(label))), label...)
	message = append(binary.BigEndian.AppendUint32(message, uint32(len(text))), text...)
	public, err := root.Public().PEM()
	if err != nil {
		t.Fatal(err)
	}
	der, _ := pem.Decode(public)
	parsed, err := x509.ParsePKIXPublicKey(der.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !ed25519.Verify(parsed.(ed25519.PublicKey), message, block.Bytes) {
		t.Error("the signature is over something else")
	}
	if ed25519.Verify(parsed.(ed25519.PublicKey), text, block.Bytes) {
		t.Error("the signature has no label")
	}
}

func TestVerifyRefusesEveryEditedByte(t *testing.T) {
	root := newRootKey(t)
	d := knownDocument(t)
	file := sign(t, d, root).File()
	for i := range file {
		edited := bytes.Clone(file)
		edited[i] ^= 1
		if _, err := trust.Verify(edited, root.Public()); err == nil {
			t.Fatalf("byte %d (%q) can be edited", i, file[i])
		}
	}
}

func TestVerifyRefusesOtherFrames(t *testing.T) {
	root := newRootKey(t)
	file := string(sign(t, document(t), root).File())
	at := strings.Index(file, "-----BEGIN KEYFERRY")
	text, block := file[:at], file[at:]
	for name, edited := range map[string]string{
		"nothing":                "",
		"no signature":           text,
		"no document":            block,
		"a blank line between":   text + "\n" + block,
		"two signatures":         file + block,
		"text behind":            file + "\n",
		"text in front":          " " + file,
		"other line ends":        strings.ReplaceAll(file, "\n", "\r\n"),
		"no last line end":       strings.TrimSuffix(file, "\n"),
		"a header":               text + strings.Replace(block, "-----\n", "-----\nA: b\n\n", 1),
		"a short signature":      text + string(pem.EncodeToMemory(&pem.Block{Type: "KEYFERRY TRUST SIGNATURE", Bytes: make([]byte, 63)})),
		"an empty signature":     text + string(pem.EncodeToMemory(&pem.Block{Type: "KEYFERRY TRUST SIGNATURE"})),
		"more than a file holds": strings.Repeat(" ", 16<<20) + file,
	} {
		if _, err := trust.Verify([]byte(edited), root.Public()); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestVerifyRefusesOtherSpellingsThatTheRootSigned(t *testing.T) {
	root := newRootKey(t)
	// Signed by hand, as a root that does not use this program could.
	compact := strings.ReplaceAll(string(marshal(t, document(t))), "  ", "")
	file := trust.SignText([]byte(compact), root)
	if _, err := trust.Verify(file, root.Public()); !errors.Is(err, trust.ErrSpelling) {
		t.Errorf("got %v", err)
	}
	future := strings.Replace(string(marshal(t, document(t))), `"version": 1`, `"version": 2`, 1)
	if _, err := trust.Verify(trust.SignText([]byte(future), root), root.Public()); !errors.Is(err, trust.ErrVersion) {
		t.Errorf("got %v", err)
	}
}

func TestVerifyRefusesAnotherRoot(t *testing.T) {
	mine, other := newRootKey(t), newRootKey(t)
	file := sign(t, document(t), other).File()
	if _, err := trust.Verify(file, mine.Public()); !errors.Is(err, trust.ErrSignature) {
		t.Errorf("another root: %v", err)
	}
	if _, err := trust.Verify(file, trust.Root{}); !errors.Is(err, trust.ErrSignature) {
		t.Errorf("no root: %v", err)
	}
}

func TestVerifyForRefusesAnotherPlace(t *testing.T) {
	root := newRootKey(t)
	file := sign(t, document(t), root).File()
	if _, err := trust.VerifyFor(file, root.Public(), "elsewhere", org); !errors.Is(err, trust.ErrOtherDeployment) {
		t.Errorf("another deployment: %v", err)
	}
	if _, err := trust.VerifyFor(file, root.Public(), deployment, "or-two"); !errors.Is(err, trust.ErrOtherOrganisation) {
		t.Errorf("another organisation: %v", err)
	}
}

func TestSignRefusesABrokenDocument(t *testing.T) {
	d := document(t)
	d.MinSigners = 0
	if s, err := trust.Sign(d, newRootKey(t)); err == nil || !s.IsZero() {
		t.Errorf("got %v, %v", s.Document(), err)
	}
}

func TestPeekReadsSignedAndUnsigned(t *testing.T) {
	d := document(t)
	file := sign(t, d, newRootKey(t)).File()
	for name, text := range map[string][]byte{"signed": file, "unsigned": marshal(t, d)} {
		got, err := trust.Peek(text)
		if err != nil || !bytes.Equal(marshal(t, got), marshal(t, d)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := trust.Peek(file[:len(file)-2]); !errors.Is(err, trust.ErrUnsigned) {
		t.Errorf("a damaged signature: %v", err)
	}
}

func TestSupersedes(t *testing.T) {
	old := document(t)
	for name, c := range map[string]struct {
		change func(d *trust.Document)
		want   error
	}{
		"newer":                   {func(d *trust.Document) { d.Serial = 9 }, nil},
		"the very same":           {func(*trust.Document) {}, nil},
		"older":                   {func(d *trust.Document) { d.Serial = 2 }, trust.ErrRollback},
		"another with its serial": {func(d *trust.Document) { d.MinSigners = 2 }, trust.ErrRollback},
		"of another deployment":   {func(d *trust.Document) { d.Serial, d.Deployment = 4, "x" }, trust.ErrOtherDeployment},
		"of another organisation": {func(d *trust.Document) { d.Serial, d.Org = 4, "or-two" }, trust.ErrOtherOrganisation},
		"without a revocation":    {func(d *trust.Document) { d.Serial, d.Revocations = 4, nil }, trust.ErrRevocationLost},
	} {
		d := document(t)
		d.Credentials = old.Credentials
		c.change(&d)
		if err := d.Supersedes(old); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
