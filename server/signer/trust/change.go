package trust

import (
	"crypto/sha256"

	"keyferry/server/identity"
)

// Change is one document taking the place of another.
type Change struct {
	Org      identity.OrgID
	From, To uint64 // serials; From 0: there was no document before
	Hash     [sha256.Size]byte
	Lines    []string // as Document.Diff gives them
}

// IsZero tells whether nothing changed.
func (c Change) IsZero() bool { return c.To == 0 }

func changeOf(old Document, s Signed) Change {
	return Change{Org: s.document.Org, From: old.Serial, To: s.document.Serial, Hash: s.hash, Lines: s.document.Diff(old)}
}
