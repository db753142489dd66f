package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"keyferry/server/audit/merkle"

	"github.com/pressly/goose/v3"
)

// auditTreeVersion is the migration that builds the tree of a log that was kept without
// one. Its tables are made by the SQL before it.
const auditTreeVersion = 11

func auditTreeMigration() *goose.Migration {
	build := func(ctx context.Context, tx *sql.Tx) error { return buildTree(ctx, &transaction{session: tx}) }
	return goose.NewGoMigration(auditTreeVersion, &goose.GoFunc{RunTx: build}, nil)
}

// buildTree takes the leaves' hashes as they were stored with the entries. If an entry
// was edited since, the tree still proves what it was.
func buildTree(ctx context.Context, tx *transaction) error {
	var size int64
	if err := tx.QueryRowContext(ctx, `SELECT size FROM audit_state WHERE id = 1`).Scan(&size); err != nil {
		return orNone(err, errNoState)
	}
	var tree merkle.Tree
	for tree.Size() < size {
		leaves, err := leavesFrom(ctx, tx, tree.Size())
		if err != nil {
			return err
		}
		if len(leaves) == 0 {
			return errors.New("the audit log is shorter than its state says")
		}
		var nodes [][]any
		for _, leaf := range leaves {
			for _, node := range tree.Append(leaf) {
				nodes = append(nodes, []any{node.Position, node.Hash[:]})
			}
		}
		if err := insertAll(ctx, tx, insertNode, nodes); err != nil {
			return err
		}
	}
	return moveTree(ctx, tx, size, tree)
}

// leavesFrom returns some of the log's leaves, in their order.
func leavesFrom(ctx context.Context, tx *transaction, first int64) ([]merkle.Hash, error) {
	const page = 1000
	rows, err := tx.QueryContext(ctx, `SELECT seq, leaf_hash FROM audit_log WHERE seq >= $1 ORDER BY seq LIMIT $2`, first, page)
	return scanAll(rows, err, func(r row) (merkle.Hash, error) {
		var seq int64
		var column []byte
		if err := r.Scan(&seq, &column); err != nil {
			return merkle.Hash{}, err
		}
		if seq != first {
			return merkle.Hash{}, fmt.Errorf("the audit log has entry %d in the place of entry %d", seq, first)
		}
		first++
		return bytes32("leaf_hash", column)
	})
}
