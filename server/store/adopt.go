package store

import (
	"context"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/transfer"
)

// AdoptKey implements [transfer.Register]: the key comes as an import's does.
func (s *Server) AdoptKey(ctx context.Context, i transfer.Imported, entry audit.Entry) error {
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		var there int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM keys WHERE id = $1`, i.Key.ID).Scan(&there); err != nil {
			return err
		}
		if there > 0 {
			return transfer.ErrAdopted
		}
		return addImported(ctx, tx, i)
	})
	if err != nil {
		return fmt.Errorf("adopting key %s: %w", i.Key.ID, err)
	}
	return nil
}
