package store

import (
	"context"
	"fmt"
	"slices"

	"keyferry/server/audit/merkle"

	"golang.org/x/mod/sumdb/tlog"
)

// Hashes implements [merkle.Store]. Those of leaves stand beside their entries.
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
	if err := l.findHashes(ctx, selectLeaves, leaves, func(number int64) int64 { return tlog.StoredHashIndex(0, number) }, found); err != nil {
		return nil, err
	}
	if err := l.findHashes(ctx, selectNodes, nodes, func(position int64) int64 { return position }, found); err != nil {
		return nil, err
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

// hashesPerQuery is how many placeholders the queries for hashes have: enough for most
// proofs. A query for fewer repeats the last one.
const hashesPerQuery = 16

const (
	selectLeaves = `SELECT seq, leaf_hash FROM audit_log
		WHERE seq IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`
	selectNodes = `SELECT position, hash FROM audit_nodes
		WHERE position IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`
)

// findHashes adds the hashes of these rows to found, under the position of each.
func (l auditLog) findHashes(ctx context.Context, query string, rows []int64, position func(int64) int64, found map[int64]merkle.Hash) error {
	for some := range slices.Chunk(rows, hashesPerQuery) {
		args := make([]any, hashesPerQuery)
		for i := range args {
			args[i] = some[min(i, len(some)-1)]
		}
		rows, err := l.source.QueryContext(ctx, query, args...)
		_, err = scanAll(rows, err, func(r row) (struct{}, error) {
			var at int64
			var column []byte
			if err := r.Scan(&at, &column); err != nil {
				return struct{}{}, err
			}
			hash, err := bytes32("hash", column)
			found[position(at)] = hash
			return struct{}{}, err
		})
		if err != nil {
			return fmt.Errorf("reading hashes of the audit log: %w", err)
		}
	}
	return nil
}
