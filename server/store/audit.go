package store

import (
	"context"
	"errors"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/audit/merkle"
)

// auditLog reads the audit log of a database.
type auditLog struct{ source reader }

var _ merkle.Store = auditLog{}

// Append implements [audit.Log].
func (s *Server) Append(ctx context.Context, e audit.Entry) error {
	return s.record(ctx, e, func(context.Context, *transaction) error { return nil })
}

// errNoState is for a database from which somebody removed the log's one state row.
var errNoState = errors.New("the audit log's state is missing")

// errMoved is for a log that grew under a transaction that believed to be alone.
var errMoved = errors.New("the audit log was changed by somebody else")

// appendEntries appends what the changes of a transaction recorded: the entries, from 0
// without a gap; the hashes of the tree's nodes that they complete; and the tree's new
// end. What is rolled back takes its numbers back.
func (tx *transaction) appendEntries(ctx context.Context) error {
	if len(tx.entries) == 0 {
		return nil
	}
	tree, err := scanTree(tx.QueryRowContext(ctx, selectTree))
	if err != nil {
		return fmt.Errorf("reading the end of the audit log: %w", err)
	}
	before, log := tree.Size(), tree.Grow()
	var entries, nodes [][]any
	for _, e := range tx.entries {
		e.index, e.log = log.Tree().Size(), log
		leaf := merkle.LeafHash(e.canonical)
		entries = append(entries, []any{e.index, e.canonical, leaf[:]})
		for _, node := range log.Append(leaf) {
			nodes = append(nodes, []any{node.Position, node.Hash[:]})
		}
	}
	if err := insertAll(ctx, tx, `INSERT INTO audit_log (seq, entry, leaf_hash) VALUES ($1, $2, $3)`, entries); err != nil {
		return fmt.Errorf("appending audit entries from %d on: %w", before, err)
	}
	if err := insertAll(ctx, tx, insertNode, nodes); err != nil {
		return fmt.Errorf("appending hashes behind audit entry %d: %w", before, err)
	}
	return moveTree(ctx, tx, before, log.Tree())
}

const (
	selectTree = `SELECT size, edge FROM audit_state WHERE id = 1`
	insertNode = `INSERT INTO audit_nodes (position, hash) VALUES ($1, $2)`
)

func scanTree(from row) (merkle.Tree, error) {
	var size int64
	var edge []byte
	if err := from.Scan(&size, &edge); err != nil {
		return merkle.Tree{}, orNone(err, errNoState)
	}
	return merkle.ParseTree(size, edge)
}

func moveTree(ctx context.Context, tx *transaction, before int64, tree merkle.Tree) error {
	return changeOne(ctx, tx, errMoved, `UPDATE audit_state SET size = $1, edge = $2 WHERE id = 1 AND size = $3`,
		tree.Size(), tree.Edge(), before)
}

// Tree implements [merkle.Store].
func (l auditLog) Tree(ctx context.Context) (merkle.Tree, error) {
	tree, err := scanTree(l.source.QueryRowContext(ctx, selectTree))
	if err != nil {
		return merkle.Tree{}, fmt.Errorf("reading the end of the audit log: %w", err)
	}
	return tree, nil
}

// Entries implements [merkle.Store].
func (l auditLog) Entries(ctx context.Context, from int64, limit int) ([]merkle.Entry, error) {
	rows, err := l.source.QueryContext(ctx, `
		SELECT seq, entry, leaf_hash FROM audit_log WHERE seq >= $1 ORDER BY seq LIMIT $2`, from, limit)
	entries, err := scanAll(rows, err, func(r row) (e merkle.Entry, err error) {
		err = r.Scan(&e.Index, &e.Canonical, &e.LeafHash)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading audit log from %d: %w", from, err)
	}
	return entries, nil
}
