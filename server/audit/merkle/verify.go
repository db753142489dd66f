package merkle

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/note"
)

var (
	// ErrEdited refuses an archive that is not what the log has signed: an entry was
	// edited, removed, moved or inserted.
	ErrEdited = errors.New("the log has been edited")
	// ErrOlder refuses an archive that is older than a checkpoint somebody has kept:
	// entries at its end were removed, or an old state was restored.
	ErrOlder = errors.New("the log is older than a checkpoint that was kept")
)

// Verifier verifies archives. It needs nothing but its members.
type Verifier struct {
	Key  note.Verifier // of the log
	Kept []Checkpoint  // earlier ones of the same log, verified when they were received
	// Each is called with every entry, if it is not nil. What it is given is not
	// verified before Verify has returned without an error. The bytes are its own.
	Each func(index int64, entry []byte) error
}

// Verify reads an archive to its end and returns its checkpoint, if it is signed by the
// log, if the entries are exactly those that it was signed for, and if they continue
// every checkpoint that was kept. Else errors wrap [ErrUnsigned], [ErrEdited] or
// [ErrOlder], and name the first entry that shows it, where one does.
func (v Verifier) Verify(from io.Reader) (Checkpoint, error) {
	r := archiveReader{Verifier: v, from: bufio.NewReaderSize(from, maxLine)}
	if err := r.checkKept(); err != nil {
		return Checkpoint{}, err
	}
	for {
		line, err := r.next()
		if err != nil {
			return Checkpoint{}, err
		}
		if line.Checkpoint != nil {
			return r.end([]byte(*line.Checkpoint))
		}
		if err := r.add(line); err != nil {
			return Checkpoint{}, err
		}
	}
}

// archiveReader is an archive that was read so far.
type archiveReader struct {
	Verifier
	from *bufio.Reader
	tree Tree
}

// next reads a line.
func (r *archiveReader) next() (archiveLine, error) {
	text, err := r.from.ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return archiveLine{}, fmt.Errorf("reading archive: %w", err)
	}
	if err != nil {
		return archiveLine{}, fmt.Errorf("%w: the archive breaks off behind entry %d, without a checkpoint", ErrEdited, r.tree.Size()-1)
	}
	line, err := parseLine(text)
	if err != nil {
		return archiveLine{}, fmt.Errorf("%w: the line in the place of entry %d: %w", ErrEdited, r.tree.Size(), err)
	}
	return line, nil
}

// add takes an entry, and compares the tree with the checkpoints of its new size.
func (r *archiveReader) add(line archiveLine) error {
	index := r.tree.Size()
	if *line.Index != index {
		return fmt.Errorf("%w: entry %d stands in the place of entry %d", ErrEdited, *line.Index, index)
	}
	leaf := LeafHash(line.Entry)
	if *line.Hash != hex.EncodeToString(leaf[:]) {
		return fmt.Errorf("%w: entry %d does not fit its hash", ErrEdited, index)
	}
	r.tree.Append(leaf)
	if err := r.checkKept(); err != nil {
		return err
	}
	if r.Each == nil {
		return nil
	}
	return r.Each(index, line.Entry)
}

func (r *archiveReader) checkKept() error {
	for _, kept := range r.Kept {
		if kept.Origin != r.Key.Name() {
			return fmt.Errorf("%w: the checkpoint that was kept is of the log %.100q", ErrUnsigned, kept.Origin)
		}
		if kept.Size == r.tree.Size() && kept.Root != r.tree.Root() {
			return fmt.Errorf("%w: its first %d entries are not those of the checkpoint that was kept", ErrEdited, kept.Size)
		}
	}
	return nil
}

// end takes the last line.
func (r *archiveReader) end(signed []byte) (Checkpoint, error) {
	c, err := Open(signed, r.Key)
	if err != nil {
		return Checkpoint{}, err
	}
	if !onlySignedBy(signed, r.Key) {
		return Checkpoint{}, fmt.Errorf("%w: its checkpoint has more on it than the log's signature", ErrUnsigned)
	}
	if c.Size != r.tree.Size() {
		return Checkpoint{}, fmt.Errorf("%w: it has %d entries, and %d were signed", ErrEdited, r.tree.Size(), c.Size)
	}
	if c.Root != r.tree.Root() {
		return Checkpoint{}, fmt.Errorf("%w: its entries, with hashes made to fit, are not those that were signed", ErrEdited)
	}
	for _, kept := range r.Kept {
		if kept.Size > c.Size {
			return Checkpoint{}, fmt.Errorf("%w: it has %d entries and had %d", ErrOlder, c.Size, kept.Size)
		}
	}
	if _, err := r.from.ReadByte(); !errors.Is(err, io.EOF) {
		return Checkpoint{}, fmt.Errorf("%w: something follows the checkpoint", ErrEdited)
	}
	return c, nil
}
