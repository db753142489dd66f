package store

import (
	"context"
	"fmt"

	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/shares/manifest"
)

// Signer is the database of one signer. It is safe for concurrent use; what a
// method acknowledged is on disk.
type Signer struct {
	*database
}

var _ node.Store = (*Signer)(nil)

// OpenSigner opens the database, making and migrating it as needed. It refuses one
// of a newer version with [ErrNewer], and a server's with [ErrKind].
func OpenSigner(ctx context.Context, c Config) (*Signer, error) {
	db, err := open(ctx, c.Path, signerKind)
	if err != nil {
		return nil, err
	}
	return &Signer{db}, nil
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
