package store

import (
	"context"
	"fmt"

	"keyferry/server/audit/merkle"

	"golang.org/x/mod/sumdb/tlog"
)

// Hashes implements [merkle.Store].
func (l auditLog) Hashes(ctx context.Context, positions []int64) ([]merkle.Hash, error) {
	found := map[int64]merkle.Hash{}
	var leaves, nodes []int64
	for _, position := range positions {
		if level, number := tlog.SplitStoredHashIndex(position); level == 0 {
			leaves = append(leaves, number)
		} else {
			nodes = append(nodes, position)
		}
	}
	for len(leaves) > 0 || len(nodes) > 0 {
		someLeaves, someNodes := min(len(leaves), leavesPerQuery), min(len(nodes), nodesPerQuery)
		if err := l.findHashes(ctx, leaves[:someLeaves], nodes[:someNodes], found); err != nil {
			return nil, fmt.Errorf("reading hashes of the audit log: %w", err)
		}
		leaves, nodes = leaves[someLeaves:], nodes[someNodes:]
	}
	hashes := make([]merkle.Hash, len(positions))
	for i, position := range positions {
		hash, ok := found[position]
		if !ok {
			return nil, fmt.Errorf("the audit log lacks the hash at position %d", position)
		}
		hashes[i] = hash
	}
	return hashes, nil
}

// How many hashes one query finds: enough for most proofs, whose leaves are the sibling
// of an entry and the last one.
const (
	leavesPerQuery = 4
	nodesPerQuery  = 32
)

// selectHashes finds leaves' hashes, which stand beside their entries, and those of
// nodes, in one way to the database and back.
const selectHashes = `
	SELECT 0, seq, leaf_hash FROM audit_log WHERE seq IN ($1, $2, $3, $4)
	UNION ALL
	SELECT 1, position, hash FROM audit_nodes WHERE position IN (
		$5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
		$21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36
	)`

// findHashes adds the hashes of these leaves and nodes to found, under their positions.
func (l auditLog) findHashes(ctx context.Context, leaves, nodes []int64, found map[int64]merkle.Hash) error {
	rows, err := l.source.QueryContext(ctx, selectHashes, append(fillUp(leaves, leavesPerQuery), fillUp(nodes, nodesPerQuery)...)...)
	_, err = scanAll(rows, err, func(r row) (struct{}, error) {
		var kind int
		var at int64
		var column []byte
		if err := r.Scan(&kind, &at, &column); err != nil {
			return struct{}{}, err
		}
		if kind == 0 {
			at = tlog.StoredHashIndex(0, at)
		}
		hash, err := bytes32("hash", column)
		found[at] = hash
		return struct{}{}, err
	})
	return err
}

// fillUp returns the values for so many placeholders. What is left over stands for no row.
func fillUp(numbers []int64, placeholders int) []any {
	args := make([]any, placeholders)
	for i := range args {
		args[i] = int64(-1)
		if i < len(numbers) {
			args[i] = numbers[i]
		}
	}
	return args
}
