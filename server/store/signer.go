package store

import (
	"context"
	"errors"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/shares/manifest"
)

// Signer is the database of one signer. It is safe for concurrent use; what a
// method acknowledged is on disk.
type Signer struct {
	*database
	auditLog
}

var (
	_ node.Store = (*Signer)(nil)
	_ audit.Log  = (*Signer)(nil)
)

// OpenSigner opens the database, making and migrating it as needed. It refuses one
// of a newer version with [ErrNewer], and a server's with [ErrKind].
func OpenSigner(ctx context.Context, c Config) (*Signer, error) {
	db, err := open(ctx, c.Path, signerKind)
	if err != nil {
		return nil, err
	}
	return &Signer{database: db, auditLog: auditLog{db.readers}}, nil
}

// Enrol implements [node.Store].
func (s *Signer) Enrol(ctx context.Context, id signer.ID) (signer.ID, error) {
	var text string
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO enrolment (id, signer) VALUES (1, $1) ON CONFLICT (id) DO NOTHING`, id.String())
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT signer FROM enrolment WHERE id = 1`).Scan(&text)
	})
	if err != nil {
		return signer.ID{}, fmt.Errorf("enrolling signer %v: %w", id, err)
	}
	enrolled, err := manifest.ParseID(text)
	if err != nil {
		return signer.ID{}, fmt.Errorf("reading the enrolled signer: %w", err)
	}
	return enrolled, nil
}

// ErrNotEnrolled says that a database is not yet any signer's.
var ErrNotEnrolled = errors.New("no signer has enrolled in the database")

// Enrolled returns the signer whose database it is, or [ErrNotEnrolled].
func (s *Signer) Enrolled(ctx context.Context) (signer.ID, error) {
	var text string
	err := s.readers.QueryRowContext(ctx, `SELECT signer FROM enrolment WHERE id = 1`).Scan(&text)
	if err != nil {
		return signer.ID{}, fmt.Errorf("reading the enrolled signer: %w", orNone(err, ErrNotEnrolled))
	}
	return manifest.ParseID(text)
}

// Append implements [audit.Log].
func (s *Signer) Append(ctx context.Context, e audit.Entry) error {
	return s.write(ctx, func(_ context.Context, tx *transaction) error { return tx.record(e) })
}

// recordAll records what a change was about, if it changed something: what is repeated,
// since an answer was lost, is on record already.
func (tx *transaction) recordAll(changed int64, about []audit.Entry) error {
	if changed == 0 {
		return nil
	}
	for _, entry := range about {
		if err := tx.record(entry); err != nil {
			return err
		}
	}
	return nil
}

// execRecorded runs a statement and records what it is about, if it changed rows.
func (tx *transaction) execRecorded(ctx context.Context, about []audit.Entry, query string, args ...any) error {
	changed, err := tx.changed(ctx, query, args...)
	if err != nil {
		return err
	}
	return tx.recordAll(changed, about)
}

// changed runs a statement and returns how many rows it changed.
func (tx *transaction) changed(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
