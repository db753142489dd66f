package merkle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Origin returns the name of the log of a part of a deployment, such as "server". It
// stands in every checkpoint and is the name of the key that signs them: a checkpoint
// of one log says nothing of another.
func Origin(deployment, part string) string {
	return "keyferry/" + escape(deployment) + "/" + escape(part)
}

// escape leaves neither slashes nor what a note does not allow in names: blanks and
// plus signs.
func escape(part string) string { return strings.ReplaceAll(url.PathEscape(part), "+", "%2B") }

// Checkpoint is what a log signs: how many entries it has, and the root of their tree.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
}

// text returns the note text of C2SP tlog-checkpoint: three lines.
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return Checkpoint{}, errors.New("a checkpoint has three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Checkpoint{}, fmt.Errorf("its size %.32q is no number of entries", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("its root %.64q is no hash", lines[2])
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	if c.Origin == "" || c.text() != text {
		return Checkpoint{}, errors.New("it is spelled in another way than checkpoints are")
	}
	return c, nil
}

// Signer signs checkpoints. The name of its key is the log's origin.
type Signer struct {
	origin string
	hash   uint32
	key    ed25519.PrivateKey
}

// NewSigner returns the signer of a log.
func NewSigner(origin string, key ed25519.PrivateKey) (*Signer, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, errors.New("merkle: checkpoints are signed with an Ed25519 key")
	}
	public, _ := key.Public().(ed25519.PublicKey)
	if _, err := VerifierKey(origin, public); err != nil {
		return nil, err
	}
	return &Signer{origin: origin, hash: keyHash(origin, public), key: key}, nil
}

// keyHash is the key id of C2SP signed-note: the first four bytes, big-endian, of
// SHA-256(name || "\n" || 0x01 || public key), where 0x01 says Ed25519.
func keyHash(name string, key ed25519.PublicKey) uint32 {
	digest := sha256.Sum256(append([]byte(name+"\n\x01"), key...))
	return binary.BigEndian.Uint32(digest[:4])
}

// Name implements [note.Signer].
func (s *Signer) Name() string { return s.origin }

// KeyHash implements [note.Signer].
func (s *Signer) KeyHash() uint32 { return s.hash }

// Sign implements [note.Signer] with a plain Ed25519 signature (RFC 8032 §5.1.6).
func (s *Signer) Sign(text []byte) ([]byte, error) { return ed25519.Sign(s.key, text), nil }

// VerifierKey returns the public key in the text form in which auditors are given it.
func (s *Signer) VerifierKey() string {
	public, _ := s.key.Public().(ed25519.PublicKey)
	text, _ := VerifierKey(s.origin, public) // NewSigner saw that there is no error
	return text
}

// VerifierKey writes a log's public key as C2SP signed-note does: origin, key id and
// key. [note.NewVerifier] reads it.
func VerifierKey(origin string, key ed25519.PublicKey) (string, error) {
	text, err := note.NewEd25519VerifierKey(origin, key)
	if err == nil {
		_, err = note.NewVerifier(text) // refuses names that no note can have
	}
	if err != nil || strings.Contains(origin, "\n") {
		return "", fmt.Errorf("merkle: %.100q cannot be the name of a log", origin)
	}
	return text, nil
}

// Sign returns the tree's checkpoint as a signed note.
func (t Tree) Sign(by *Signer) ([]byte, error) {
	text := Checkpoint{Origin: by.origin, Size: t.size, Root: t.Root()}.text()
	return note.Sign(&note.Note{Text: text}, by)
}

// ErrUnsigned refuses what is not a checkpoint of the log whose key is given.
var ErrUnsigned = errors.New("not signed by the log")

// Open verifies a checkpoint. Signatures by others, such as witnesses, are passed
// over. Errors wrap [ErrUnsigned].
func Open(signed []byte, key note.Verifier) (Checkpoint, error) {
	n, err := note.Open(signed, note.VerifierList(key))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("opening checkpoint: %w: %w", ErrUnsigned, err)
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("opening checkpoint: %w: %w", ErrUnsigned, err)
	}
	if c.Origin != key.Name() {
		return Checkpoint{}, fmt.Errorf("opening checkpoint: %w: it is of the log %.100q", ErrUnsigned, c.Origin)
	}
	return c, nil
}

// onlySignedBy tells whether a note that opens has the one signature and nothing else,
// to the bit.
func onlySignedBy(signed []byte, key note.Verifier) bool {
	n, err := note.Open(signed, note.VerifierList(key))
	if err != nil || len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return false
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(n.Sigs[0].Base64)
	if err != nil {
		return false
	}
	line := fmt.Sprintf("%s\n— %s %s\n", n.Text, n.Sigs[0].Name, base64.StdEncoding.EncodeToString(signature))
	return bytes.Equal(signed, []byte(line))
}
