package store

import (
	"database/sql"

	"keyferry/server/audit"
)

// transaction is what a change works in, often together with the changes of other
// callers. The entries that changes record go to the log at its end, all at once.
type transaction struct {
	*sql.Tx
	entries []*stagedEntry
}

// stagedEntry is an entry on its way to the log. Its index is valid once the
// transaction is committed.
type stagedEntry struct {
	canonical []byte
	index     int64
}

// record has an entry appended to the log, if the change that records it succeeds and
// the transaction is committed.
func (tx *transaction) record(e audit.Entry) error {
	_, err := tx.stage(e)
	return err
}

func (tx *transaction) stage(e audit.Entry) (*stagedEntry, error) {
	canonical, err := e.Canonical()
	if err != nil {
		return nil, err
	}
	staged := &stagedEntry{canonical: canonical}
	tx.entries = append(tx.entries, staged)
	return staged, nil
}
