//go:build cgo

package rig

import (
	"context"
	"encoding/json"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/audit/merkle"
)

// Record returns a whole audit log, of the server's store or of a signer's.
func Record(t testing.TB, log interface {
	Entries(ctx context.Context, from int64, limit int) ([]merkle.Entry, error)
}) []audit.Entry {
	t.Helper()
	const most = 10_000
	stored, err := log.Entries(context.Background(), 0, most)
	must(t, err)
	entries := make([]audit.Entry, len(stored))
	for i, one := range stored {
		must(t, json.Unmarshal(one.Canonical, &entries[i]))
	}
	return entries
}
