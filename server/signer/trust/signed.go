package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"

	"keyferry/server/identity"
	"keyferry/shares/fields"
)

// signatureLabel begins what is signed, so that no other signature of the same key can
// be taken for one over a trust document.
const signatureLabel = "keyferry trust document v1"

// blockType names the PEM block behind a document. No line of a canonical document
// begins with dashes, so it is clear where the document ends.
const blockType = "KEYFERRY TRUST SIGNATURE"

var (
	// ErrUnsigned says that a file has no signature where one belongs.
	ErrUnsigned = errors.New("the trust document is not signed, or its file was edited after it was signed")
	// ErrSignature says that the pinned root did not sign a file.
	ErrSignature = errors.New("the trust document is not signed by the pinned root key")
)

// Signed is a document with its root's signature. Only [Sign] and [Verify] make one;
// the zero value is refused wherever one is taken.
type Signed struct {
	document Document
	file     []byte
	hash     [sha256.Size]byte
}

// IsZero tells whether s is none.
func (s Signed) IsZero() bool { return s.file == nil }

// Document is what was signed. Its lists must not be changed.
func (s Signed) Document() Document { return s.document }

// File returns the bytes of the signed file.
func (s Signed) File() []byte { return bytes.Clone(s.file) }

// Hash is SHA-256 of the document's canonical text, without the signature.
func (s Signed) Hash() [sha256.Size]byte { return s.hash }

// Sign signs a document.
func Sign(d Document, key *RootKey) (Signed, error) {
	text, err := d.Marshal()
	if err != nil {
		return Signed{}, fmt.Errorf("signing trust document: %w", err)
	}
	file := append(text, signatureBlock(key.sign(message(text)))...)
	return Verify(file, key.Public())
}

// Verify reads a signed file as the root wrote it, to the byte.
func Verify(file []byte, root Root) (Signed, error) {
	text, signature, err := split(file)
	if err != nil {
		return Signed{}, err
	}
	if !root.verify(message(text), signature) {
		return Signed{}, fmt.Errorf("%w %s", ErrSignature, root.Fingerprint())
	}
	d, err := parseCanonical(text)
	if err != nil {
		return Signed{}, err
	}
	return Signed{document: d, file: bytes.Clone(file), hash: sha256.Sum256(text)}, nil
}

// VerifyFor is Verify for a signer that knows which place it is and whose document it
// looks for.
func VerifyFor(file []byte, root Root, deployment string, org identity.OrgID) (Signed, error) {
	s, err := Verify(file, root)
	if err != nil {
		return Signed{}, err
	}
	if err := s.document.CheckPlace(deployment, org); err != nil {
		return Signed{}, err
	}
	return s, nil
}

// Peek reads a document, signed or not, and believes nothing: it is for people who
// look at one, and to find out whose root must have signed it.
func Peek(file []byte) (Document, error) {
	if text, _, err := split(file); err == nil {
		return parseCanonical(text)
	}
	if bytes.Contains(file, []byte("-----BEGIN "+blockType)) {
		return Document{}, ErrUnsigned
	}
	return Parse(file)
}

// message is what a root signs: two fields.
func message(text []byte) []byte { return fields.Append(nil, []byte(signatureLabel), text) }

func signatureBlock(signature []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: signature})
}

// split cuts a file where its signature begins. The block has one spelling only.
func split(file []byte) (text, signature []byte, err error) {
	if len(file) > maxFile {
		return nil, nil, fmt.Errorf("%w: it has more than %d bytes", ErrUnsigned, maxFile)
	}
	at := bytes.LastIndex(file, []byte("\n-----BEGIN "+blockType+"-----\n"))
	if at < 0 {
		return nil, nil, ErrUnsigned
	}
	text, written := file[:at+1], file[at+1:]
	block, _ := pem.Decode(written)
	if block == nil || !bytes.Equal(signatureBlock(block.Bytes), written) {
		return nil, nil, ErrUnsigned
	}
	return text, block.Bytes, nil
}
