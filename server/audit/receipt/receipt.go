// Package receipt is the proof, in the hands of whoever exported a key, that the export
// is in the server's audit log: the entry, byte for byte, its proof of inclusion, and
// with it the checkpoint that the log has signed.
//
// The server adds it to an export's answer (member "auditReceipt"). The client keeps it:
// with the log's public key, which he has by another way, he can show ever after that
// the log had this entry, and every later archive of the log must have it too.
package receipt

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"keyferry/server/audit"
	"keyferry/server/audit/merkle"
)

var (
	// ErrReceipt refuses what is no receipt, or one that proves nothing.
	ErrReceipt = errors.New("the receipt does not hold")
	// ErrOther refuses a receipt of another export than the caller's.
	ErrOther = errors.New("the receipt is of another export")
)

// maxReceipt is far above an entry and a proof of 63 hashes.
const maxReceipt = 256 << 10

// Receipt is an entry and the proof that it is in the log. Parse verifies nothing.
type Receipt struct {
	Entry []byte
	Proof merkle.Inclusion
}

// JSON is a receipt in an answer. The entry is a string, so that whatever stores or
// prints the answer keeps its bytes.
type JSON struct {
	Index int64  `json:"index"`
	Entry string `json:"entry"`
	Proof string `json:"proof"` // C2SP tlog-proof
}

// JSON writes the receipt.
func (r Receipt) JSON() JSON {
	proof, _ := r.Proof.MarshalText() // it cannot fail
	return JSON{Index: r.Proof.Index, Entry: string(r.Entry), Proof: string(proof)}
}

// Parse reads a receipt. Errors wrap [ErrReceipt].
func Parse(text []byte) (Receipt, error) {
	if len(text) > maxReceipt {
		return Receipt{}, fmt.Errorf("%w: it is longer than %d bytes", ErrReceipt, maxReceipt)
	}
	var body JSON
	if err := json.Unmarshal(text, &body); err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	r := Receipt{Entry: []byte(body.Entry)}
	if err := r.Proof.UnmarshalText([]byte(body.Proof)); err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if r.Proof.Index != body.Index {
		return Receipt{}, fmt.Errorf("%w: it is of entry %d, and the proof of entry %d", ErrReceipt, body.Index, r.Proof.Index)
	}
	return r, nil
}

// Export is what the caller knows of an export by himself.
type Export struct {
	Key           string   // its id; empty if he does not know it
	EncryptionKey [32]byte // SHA-256 of the key that the shares were sealed to
}

// Verify checks that the log with this key has the entry, and that it is about the
// caller's own export, which released shares. Errors wrap [ErrReceipt] or [ErrOther].
func (r Receipt) Verify(key note.Verifier, of Export) (merkle.Checkpoint, error) {
	c, err := r.Proof.Verify(r.Entry, key)
	if err != nil {
		return merkle.Checkpoint{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	entry, err := r.Says()
	if err != nil {
		return merkle.Checkpoint{}, err
	}
	switch {
	case entry.Kind != audit.ExportFinished || entry.Outcome != audit.Released:
		return merkle.Checkpoint{}, fmt.Errorf("%w: it says %q with the outcome %q", ErrOther, entry.Kind, entry.Outcome)
	case entry.Details[audit.EncryptionKeyHash] != hex.EncodeToString(of.EncryptionKey[:]):
		return merkle.Checkpoint{}, fmt.Errorf("%w: its shares were sealed to another key", ErrOther)
	case of.Key != "" && entry.Key != of.Key:
		return merkle.Checkpoint{}, fmt.Errorf("%w: it is of key %.64q", ErrOther, entry.Key)
	}
	return c, nil
}

// Says returns what the entry says. It is worth no more than the receipt. Errors wrap
// [ErrReceipt].
func (r Receipt) Says() (audit.Entry, error) {
	var entry audit.Entry
	if err := json.Unmarshal(r.Entry, &entry); err != nil {
		return audit.Entry{}, fmt.Errorf("%w: its entry cannot be read: %w", ErrReceipt, err)
	}
	return entry, nil
}
