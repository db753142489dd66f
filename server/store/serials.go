package store

import (
	"context"
	"crypto/sha256"
	"fmt"

	"keyferry/server/identity"
	"keyferry/server/signer/trust"
)

var _ trust.Serials = (*Signer)(nil)

// Advance implements [trust.Serials]. The one statement decides: a row that is there
// gives way to a greater serial only, or to itself.
func (s *Signer) Advance(ctx context.Context, org identity.OrgID, serial uint64, hash [sha256.Size]byte) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		return changeOne(ctx, tx, trust.ErrRollback, `
			INSERT INTO trust_serials (org, serial, hash) VALUES ($1, $2, $3)
			ON CONFLICT (org) DO UPDATE SET serial = excluded.serial, hash = excluded.hash
			WHERE trust_serials.serial < excluded.serial
			   OR (trust_serials.serial = excluded.serial AND trust_serials.hash = excluded.hash)`,
			string(org), int64(serial), hash[:])
	})
	if err != nil {
		return fmt.Errorf("recording serial %d of organisation %s: %w", serial, org, err)
	}
	return nil
}
