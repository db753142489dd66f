//go:build cgo

package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"keyferry/server/audit"
	"keyferry/server/audit/merkle"
)

// listing chooses entries.
type listing struct {
	from           int64
	limit          int
	kind, key, org string
}

func newAuditList(in logs) *cobra.Command {
	var l listing
	cmd := &cobra.Command{Use: "list", Short: "List entries, the newest unless --from says where to begin", Args: cobra.NoArgs}
	cmd.RunE = in(func(ctx context.Context, log merkle.Log) (result, error) { return l.run(ctx, log) })
	cmd.Flags().Int64Var(&l.from, "from", -1, "index of the first entry to look at; without it, the last ones are listed")
	cmd.Flags().IntVar(&l.limit, "limit", 50, "how many entries to list at most")
	cmd.Flags().StringVar(&l.kind, "kind", "", "only entries of this kind, such as export.finished")
	cmd.Flags().StringVar(&l.key, "key", "", "only entries about this key")
	cmd.Flags().StringVar(&l.org, "org", "", "only entries of this organisation")
	return cmd
}

// line is an entry with its place.
type line struct {
	index int64
	audit.Entry
}

func (l listing) run(ctx context.Context, log merkle.Log) (records, error) {
	if l.limit < 1 {
		return nil, usage("--limit: at least 1")
	}
	var found []line
	err := l.walk(ctx, log, func(one line) bool {
		if l.matches(one) {
			found = append(found, one)
		}
		return len(found) < l.limit
	})
	if l.from < 0 {
		slices.Reverse(found)
	}
	var rows records
	for _, one := range found {
		rows = append(rows, record{
			{"index", one.index}, {"time", date(one.Time.Time())}, {"kind", one.Kind}, {"organisation", one.Org}, {"user", one.User},
			{"key", one.Key}, {"outcome", one.Outcome}, {"reason", one.Reason},
		})
	}
	return rows, err
}

func (l listing) matches(one line) bool {
	return (l.kind == "" || l.kind == string(one.Kind)) && (l.key == "" || l.key == one.Key) && (l.org == "" || l.org == string(one.Org))
}

// pageOfEntries is how many entries are read at a time.
const pageOfEntries = 500

// walk hands on entries until it is told to stop: from an index upwards, or from the
// last one down.
func (l listing) walk(ctx context.Context, log merkle.Log, more func(line) bool) error {
	tree, err := log.Store.Tree(ctx)
	if err != nil {
		return err
	}
	first, end := l.from, tree.Size()
	for {
		if l.from < 0 {
			first = max(0, end-pageOfEntries)
		}
		page, err := readLines(ctx, log, first, int(min(pageOfEntries, end-first)))
		if err != nil || len(page) == 0 {
			return err
		}
		if l.from < 0 {
			slices.Reverse(page)
			end = first
		} else {
			first += int64(len(page))
		}
		for _, one := range page {
			if !more(one) {
				return nil
			}
		}
	}
}

func readLines(ctx context.Context, log merkle.Log, first int64, limit int) ([]line, error) {
	if limit <= 0 {
		return nil, nil
	}
	entries, err := log.Store.Entries(ctx, first, limit)
	if err != nil {
		return nil, err
	}
	page := make([]line, len(entries))
	for i, e := range entries {
		page[i].index = e.Index
		if err := json.Unmarshal(e.Canonical, &page[i].Entry); err != nil {
			return nil, fmt.Errorf("reading audit entry %d: %w", e.Index, err)
		}
	}
	return page, nil
}
