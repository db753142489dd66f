package merkle

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// Entry is an entry as it is stored. Nothing is checked when it is read: whether its
// hash fits its bytes is for whoever verifies the log.
type Entry struct {
	Index     int64 // from 0, without gaps
	Canonical []byte
	LeafHash  []byte // 32 bytes: LeafHash(Canonical)
}

// Store is where a log is kept. What it returns was committed, and is on disk. It is
// safe for concurrent use.
type Store interface {
	// Tree returns the growing end of the log as it is now.
	Tree(ctx context.Context) (Tree, error)
	// Hashes returns the stored hashes at these positions, all of them or an error.
	Hashes(ctx context.Context, positions []int64) ([]Hash, error)
	// Entries returns up to limit entries in their order, from an index on.
	Entries(ctx context.Context, from int64, limit int) ([]Entry, error)
}

// ErrNoEntry says that the log does not have so many entries.
var ErrNoEntry = errors.New("the log has no such entry")

// Log is a stored log and the key that signs its checkpoints. It is safe for
// concurrent use.
type Log struct {
	Store  Store
	Signer *Signer
}

// Checkpoint signs the log as it is now.
func (l Log) Checkpoint(ctx context.Context) ([]byte, error) {
	_, signed, err := l.head(ctx)
	return signed, err
}

func (l Log) head(ctx context.Context) (Tree, []byte, error) {
	tree, err := l.Store.Tree(ctx)
	if err != nil {
		return Tree{}, nil, err
	}
	signed, err := tree.Sign(l.Signer)
	if err != nil {
		return Tree{}, nil, fmt.Errorf("signing checkpoint of %d entries: %w", tree.Size(), err)
	}
	return tree, signed, nil
}

// ProveInclusion proves an entry's place in the log as it is now. The error for an
// index that it does not have yet wraps [ErrNoEntry].
func (l Log) ProveInclusion(ctx context.Context, index int64) (Inclusion, error) {
	tree, signed, err := l.head(ctx)
	if err != nil {
		return Inclusion{}, err
	}
	if index < 0 || index >= tree.Size() {
		return Inclusion{}, fmt.Errorf("proving entry %d of %d: %w", index, tree.Size(), ErrNoEntry)
	}
	hashes, err := tlog.ProveRecord(tree.Size(), index, l.hashes(ctx))
	if err != nil {
		return Inclusion{}, fmt.Errorf("proving entry %d of %d: %w", index, tree.Size(), err)
	}
	return Inclusion{Index: index, Hashes: hashes, Checkpoint: signed}, nil
}

// ProveAppended proves the place of an entry that was appended, in the log as it was then,
// without a look at what is stored. What was appended must be on disk.
func (l Log) ProveAppended(g *Growth, index int64) (Inclusion, error) {
	hashes, err := g.path(index)
	if err != nil {
		return Inclusion{}, fmt.Errorf("proving entry %d of %d: %w", index, g.tree.size, err)
	}
	signed, err := g.checkpoint(l.Signer)
	if err != nil {
		return Inclusion{}, fmt.Errorf("signing checkpoint of %d entries: %w", g.tree.size, err)
	}
	return Inclusion{Index: index, Hashes: hashes, Checkpoint: signed}, nil
}

// ProveConsistency proves that the log as it is now continues what it was when it had
// old entries. The error if it never had so many wraps [ErrNoEntry].
func (l Log) ProveConsistency(ctx context.Context, old int64) (Consistency, error) {
	tree, signed, err := l.head(ctx)
	if err != nil {
		return Consistency{}, err
	}
	if old < 0 || old > tree.Size() {
		return Consistency{}, fmt.Errorf("proving that %d entries continue %d: %w", tree.Size(), old, ErrNoEntry)
	}
	proof := Consistency{Old: old, Checkpoint: signed}
	if old == 0 { // tlog has no proof of nothing
		return proof, nil
	}
	if proof.Hashes, err = tlog.ProveTree(tree.Size(), old, l.hashes(ctx)); err != nil {
		return Consistency{}, fmt.Errorf("proving that %d entries continue %d: %w", tree.Size(), old, err)
	}
	return proof, nil
}

func (l Log) hashes(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(positions []int64) ([]Hash, error) { return l.Store.Hashes(ctx, positions) })
}

// archivePage is how many entries are held in memory at a time.
const archivePage = 500

// Archive writes the log as it is now: its entries, then their checkpoint, which it
// returns. What is appended meanwhile is not in it.
func (l Log) Archive(ctx context.Context, to io.Writer) (signed []byte, err error) {
	tree, signed, err := l.head(ctx)
	if err != nil {
		return nil, err
	}
	w := archiveWriter{to: to}
	for next := int64(0); next < tree.Size(); {
		entries, err := l.Store.Entries(ctx, next, int(min(archivePage, tree.Size()-next)))
		if err != nil {
			return nil, err
		}
		if len(entries) == 0 {
			return nil, fmt.Errorf("writing archive: entry %d of %d is missing", next, tree.Size())
		}
		for _, e := range entries {
			if err := w.entry(e); err != nil {
				return nil, fmt.Errorf("writing archive: entry %d: %w", e.Index, err)
			}
		}
		next += int64(len(entries))
	}
	return signed, w.checkpoint(signed)
}
