package store

import (
	"context"
	"errors"
	"fmt"

	"keyferry/server/keyring"
	"keyferry/shares"
	"keyferry/shares/manifest"
)

// Holders implements [transfer.Journal].
func (s *Server) Holders(ctx context.Context, key keyring.Key) ([]keyring.Holder, error) {
	rows, err := s.readers.QueryContext(ctx, `
		SELECT signer, share_index, commitment FROM holders WHERE key_id = $1 ORDER BY share_index`, key.ID)
	holders, err := scanAll(rows, err, func(r row) (keyring.Holder, error) { return s.scanHolder(r, key.Scheme.Curve()) })
	if err != nil {
		return nil, fmt.Errorf("reading the holders of %s: %w", key.ID, err)
	}
	return holders, nil
}

func (s *Server) scanHolder(r row, curve shares.Curve) (h keyring.Holder, err error) {
	var (
		id                string
		index, commitment []byte
	)
	if err := r.Scan(&id, &index, &commitment); err != nil {
		return keyring.Holder{}, err
	}
	if h.Signer, err = manifest.ParseID(id); err != nil {
		return keyring.Holder{}, err
	}
	if h.Index, err = shares.ParseIndex(curve, index); err != nil {
		return keyring.Holder{}, err
	}
	if h.Commitment, err = s.points.uncompressed(curve, commitment); err != nil {
		return keyring.Holder{}, fmt.Errorf("commitment of signer %v: %w", h.Signer, err)
	}
	return h, nil
}

// addHolders adds who holds a key. Commitments are written uncompressed, since that
// form is read again with little arithmetic.
func addHolders(ctx context.Context, tx *transaction, key keyring.Key, holders []keyring.Holder) error {
	if len(holders) != key.Signers {
		return fmt.Errorf("%d holders of a key with %d shares", len(holders), key.Signers)
	}
	var rows [][]any
	for _, h := range holders {
		if h.Commitment.IsZero() || h.Commitment.Curve() != key.Scheme.Curve() {
			return errors.New("a holder's commitment is not on the key's curve")
		}
		rows = append(rows, []any{key.ID, h.Signer.String(), h.Index[:], h.Commitment.Uncompressed()})
	}
	return insertAll(ctx, tx, `INSERT INTO holders (key_id, signer, share_index, commitment) VALUES ($1, $2, $3, $4)`, rows)
}
