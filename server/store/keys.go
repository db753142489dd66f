package store

import (
	"context"
	"database/sql"
	"fmt"

	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/transfer"
)

const keyColumns = `id, org, protocol, curve, public_key, min_signers, signers, name, status, created_at, exported_at`

// Key implements [transfer.Journal].
func (s *Server) Key(ctx context.Context, org identity.OrgID, id keyring.KeyID) (keyring.Key, error) {
	key, err := s.scanKey(s.readers.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM keys WHERE org = $1 AND id = $2`, org, id))
	if err != nil {
		return keyring.Key{}, fmt.Errorf("reading key %.64q: %w", id, orNone(err, keyring.ErrNotFound))
	}
	return key, nil
}

// Keys implements [transfer.Journal]. Keys of one moment are in the order of their
// ids.
func (s *Server) Keys(ctx context.Context, org identity.OrgID, behind transfer.Cursor, limit int) ([]keyring.Key, error) {
	rows, err := s.readers.QueryContext(ctx, `
		SELECT `+keyColumns+` FROM keys WHERE org = $1 AND (created_at, id) > ($2, $3) ORDER BY created_at, id LIMIT $4`,
		org, behind.CreatedAt.UnixMilli(), behind.Key, limit)
	keys, err := scanAll(rows, err, s.scanKey)
	if err != nil {
		return nil, fmt.Errorf("listing keys of %s: %w", org, err)
	}
	return keys, nil
}

func (s *Server) scanKey(r row) (keyring.Key, error) {
	var (
		key                        keyring.Key
		protocol, curve, publicKey string
		created                    int64
		exported                   sql.Null[int64]
	)
	err := r.Scan(&key.ID, &key.Org, &protocol, &curve, &publicKey, &key.MinSigners, &key.Signers, &key.Name, &key.Status, &created, &exported)
	if err != nil {
		return keyring.Key{}, err
	}
	if key.Scheme, err = parseScheme(protocol, curve); err != nil {
		return keyring.Key{}, fmt.Errorf("key %s: %w", key.ID, err)
	}
	if key.PublicKey, err = s.points.publicKey(key.Scheme.Curve(), publicKey); err != nil {
		return keyring.Key{}, fmt.Errorf("key %s: %w", key.ID, err)
	}
	if key.Status != keyring.Active && key.Status != keyring.Archived {
		return keyring.Key{}, fmt.Errorf("key %s has the unknown status %q", key.ID, key.Status)
	}
	key.CreatedAt, key.ExportedAt = timeOf(created), nullableTime(exported)
	return key, nil
}

// addKey adds a key. It counts as exported if any export of the organisation's says
// so of its public key, whatever id the key had then: importing a key again does not
// hide that it left once.
func addKey(ctx context.Context, tx *transaction, key keyring.Key) error {
	if err := checkPublicKey(key.Scheme, key.PublicKey); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO keys (id, org, protocol, curve, public_key, min_signers, signers, name, status, created_at, exported_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, (
			SELECT MIN(begun_at) FROM exports WHERE exports.org = $2 AND exports.public_key = $5 AND exports.state <> 'void'
		))`,
		key.ID, key.Org, key.Scheme.Protocol(), key.Scheme.Curve().Name(), key.PublicKey.Hex(),
		key.MinSigners, key.Signers, key.Name, key.Status, key.CreatedAt.UnixMilli())
	return err
}
