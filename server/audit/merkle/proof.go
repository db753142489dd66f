package merkle

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// ErrProof refuses a proof that proves something else, or nothing.
var ErrProof = errors.New("the proof does not hold")

// maxHashes is more than any proof in a tree of 63 levels has.
const maxHashes = 130

// Inclusion proves that an entry is in the log, at an index, when the checkpoint was
// signed. It can be verified offline.
type Inclusion struct {
	Index      int64
	Hashes     []Hash // RFC 6962 §2.1.1, from the leaf's sibling up
	Checkpoint []byte // signed
}

const inclusionHeader = "c2sp.org/tlog-proof@v1\n"

// MarshalText writes the proof in the format of C2SP tlog-proof, without extra data. It
// cannot fail.
func (p Inclusion) MarshalText() ([]byte, error) {
	head := inclusionHeader + "index " + strconv.FormatInt(p.Index, 10) + "\n"
	return appendProof(head, p.Hashes, p.Checkpoint), nil
}

// UnmarshalText reads what MarshalText writes. It verifies nothing.
func (p *Inclusion) UnmarshalText(text []byte) error {
	body, ok := bytes.CutPrefix(text, []byte(inclusionHeader))
	if !ok {
		return fmt.Errorf("reading proof: %w: it does not begin with %q", ErrProof, strings.TrimSpace(inclusionHeader))
	}
	index, hashes, checkpoint, err := parseProof("index ", body)
	if err != nil {
		return fmt.Errorf("reading proof of inclusion: %w: %w", ErrProof, err)
	}
	*p = Inclusion{Index: index, Hashes: hashes, Checkpoint: checkpoint}
	return nil
}

// Verify checks that the entry, byte for byte, is in the log with this key, and returns
// the checkpoint that says so. Errors wrap [ErrUnsigned] or [ErrProof].
func (p Inclusion) Verify(entry []byte, key note.Verifier) (Checkpoint, error) {
	c, err := Open(p.Checkpoint, key)
	if err != nil {
		return Checkpoint{}, err
	}
	if p.Index < 0 || p.Index >= c.Size {
		return Checkpoint{}, fmt.Errorf("%w: a log of %d entries has none at %d", ErrProof, c.Size, p.Index)
	}
	if err := tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, LeafHash(entry)); err != nil {
		return Checkpoint{}, fmt.Errorf("%w: entry %d: %w", ErrProof, p.Index, err)
	}
	return c, nil
}

// Consistency proves that the log at a checkpoint begins with the whole log as it was
// when it had Old entries.
type Consistency struct {
	Old        int64
	Hashes     []Hash // RFC 6962 §2.1.2
	Checkpoint []byte // signed
}

// MarshalText writes the proof in the form in which C2SP tlog-witness takes it. It
// cannot fail.
func (p Consistency) MarshalText() ([]byte, error) {
	return appendProof("old "+strconv.FormatInt(p.Old, 10)+"\n", p.Hashes, p.Checkpoint), nil
}

// UnmarshalText reads what MarshalText writes. It verifies nothing.
func (p *Consistency) UnmarshalText(text []byte) error {
	old, hashes, checkpoint, err := parseProof("old ", text)
	if err != nil {
		return fmt.Errorf("reading proof of consistency: %w: %w", ErrProof, err)
	}
	*p = Consistency{Old: old, Hashes: hashes, Checkpoint: checkpoint}
	return nil
}

// Verify checks that the log that had the kept checkpoint has only grown since, and
// returns its checkpoint now. Errors wrap [ErrUnsigned] or [ErrProof].
func (p Consistency) Verify(kept Checkpoint, key note.Verifier) (Checkpoint, error) {
	now, err := Open(p.Checkpoint, key)
	if err != nil {
		return Checkpoint{}, err
	}
	if kept.Origin != now.Origin || kept.Size != p.Old {
		return Checkpoint{}, fmt.Errorf("%w: it is not about the checkpoint of %q with %d entries", ErrProof, kept.Origin, kept.Size)
	}
	if now.Size < kept.Size {
		return Checkpoint{}, fmt.Errorf("%w: the log had %d entries and has %d", ErrProof, kept.Size, now.Size)
	}
	if kept.Size == 0 { // of nothing, everything is a continuation
		if len(p.Hashes) != 0 || kept.Root != (Tree{}).Root() {
			return Checkpoint{}, fmt.Errorf("%w: the empty log has one root and no proof", ErrProof)
		}
		return now, nil
	}
	if err := tlog.CheckTree(p.Hashes, now.Size, now.Root, kept.Size, kept.Root); err != nil {
		return Checkpoint{}, fmt.Errorf("%w: the log does not continue what it was with %d entries: %w", ErrProof, kept.Size, err)
	}
	return now, nil
}

// appendProof writes one hash a line in standard base64, an empty line, and the
// checkpoint.
func appendProof(head string, hashes []Hash, checkpoint []byte) []byte {
	line := base64.StdEncoding.EncodedLen(tlog.HashSize) + 1
	text := append(make([]byte, 0, len(head)+line*len(hashes)+1+len(checkpoint)), head...)
	for _, hash := range hashes {
		text = base64.StdEncoding.AppendEncode(text, hash[:])
		text = append(text, '\n')
	}
	text = append(text, '\n')
	return append(text, checkpoint...)
}

func parseProof(label string, text []byte) (n int64, hashes []Hash, checkpoint []byte, err error) {
	head, signed, found := strings.Cut(string(text), "\n\n")
	if !found {
		return 0, nil, nil, errors.New("it has no checkpoint")
	}
	first, rest, several := strings.Cut(head, "\n")
	number, labelled := strings.CutPrefix(first, label)
	if n, err = strconv.ParseInt(number, 10, 64); err != nil || !labelled || n < 0 || strconv.FormatInt(n, 10) != number {
		return 0, nil, nil, fmt.Errorf("a number is missing after %q", label)
	}
	if several {
		if hashes, err = parseHashes(rest); err != nil {
			return 0, nil, nil, err
		}
	}
	return n, hashes, []byte(signed), nil
}

func parseHashes(text string) ([]Hash, error) {
	lines := strings.Split(text, "\n")
	if len(lines) > maxHashes {
		return nil, fmt.Errorf("%d hashes are more than any proof has", len(lines))
	}
	hashes := make([]Hash, len(lines))
	for i, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil || hash.String() != line { // it passes over ends of lines, and stray bits
			return nil, fmt.Errorf("%.64q is no hash", line)
		}
		hashes[i] = hash
	}
	return hashes, nil
}
