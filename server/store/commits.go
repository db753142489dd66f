package store

import (
	"context"
	"encoding/json"
	"fmt"

	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
)

// Uncommitted implements [transfer.Journal].
func (s *Server) Uncommitted(ctx context.Context) ([]signer.Commit, error) {
	rows, err := s.readers.QueryContext(ctx, `SELECT key_id, org, receipts FROM commits ORDER BY key_id`)
	commits, err := scanAll(rows, err, func(r row) (signer.Commit, error) {
		var (
			c    signer.Commit
			text string
		)
		if err := r.Scan(&c.Key, &c.Org, &text); err != nil {
			return signer.Commit{}, err
		}
		var err error
		c.Receipts, err = parseReceipts(text)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("listing uncommitted keys: %w", err)
	}
	return commits, nil
}

// ForgetCommit implements [transfer.Journal]. One that is not there is no error.
func (s *Server) ForgetCommit(ctx context.Context, key keyring.KeyID) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM commits WHERE key_id = $1`, key)
		return err
	})
	if err != nil {
		return fmt.Errorf("closing the commit of %s: %w", key, err)
	}
	return nil
}

// addCommit records that signers have yet to commit a key.
func addCommit(ctx context.Context, tx *transaction, org identity.OrgID, key keyring.KeyID, receipts []signer.SignedReceipt) error {
	written := []signer.ReceiptJSON{}
	for _, receipt := range receipts {
		written = append(written, receipt.JSON())
	}
	text, err := json.Marshal(written)
	if err != nil {
		return fmt.Errorf("writing receipts: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO commits (key_id, org, receipts) VALUES ($1, $2, $3)`, key, org, string(text))
	return err
}

// parseReceipts does not verify signatures: that is the signers' affair, who believe
// no record of the server's.
func parseReceipts(text string) ([]signer.SignedReceipt, error) {
	var written []signer.ReceiptJSON
	if err := json.Unmarshal([]byte(text), &written); err != nil {
		return nil, fmt.Errorf("reading receipts: %w", err)
	}
	var receipts []signer.SignedReceipt
	for _, w := range written {
		receipt, err := w.Parse()
		if err != nil {
			return nil, err
		}
		receipts = append(receipts, receipt)
	}
	return receipts, nil
}
