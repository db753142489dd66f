//go:build cgo

package metrics

import (
	"context"

	"keyferry/server/audit"
	"keyferry/server/transfer"
)

// journal counts what is recorded, once it is recorded.
type journal struct {
	transfer.Journal
	metrics *Metrics
}

// Journal returns the same journal, whose exports are counted as they end.
func (m *Metrics) Journal(j transfer.Journal) transfer.Journal { return journal{j, m} }

// FinishExport implements [transfer.Journal].
func (j journal) FinishExport(ctx context.Context, e transfer.Export, outcome audit.Outcome, entry audit.Entry) (audit.Place, error) {
	place, err := j.Journal.FinishExport(ctx, e, outcome, entry)
	if err == nil {
		j.metrics.exports.WithLabelValues(string(outcome), string(entry.Reason)).Inc()
	}
	return place, err
}

type log struct {
	audit.Log
	metrics *Metrics
}

// Log returns the same log, whose refusals are counted.
func (m *Metrics) Log(l audit.Log) audit.Log { return log{l, m} }

// Append implements [audit.Log].
func (l log) Append(ctx context.Context, e audit.Entry) error {
	err := l.Log.Append(ctx, e)
	if err == nil && e.Kind == audit.RequestRefused {
		l.metrics.refusals.WithLabelValues(string(e.Reason)).Inc()
	}
	return err
}
