package transfer

import (
	"context"
	"errors"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/challenge"
)

// Reconcile closes what a crash left open, before the service takes requests: exports
// that were begun stay counted and are recorded as interrupted; imports that were
// begun are abandoned, at the signers too. It can be repeated.
func (s *Service) Reconcile(ctx context.Context) error {
	exports, imports, err := s.Journal.Unfinished(ctx)
	if err != nil {
		return fmt.Errorf("looking for unfinished work: %w", err)
	}
	for _, e := range exports {
		entry := audit.Entry{
			Time: challenge.MillisOf(s.Now()), Kind: audit.ExportInterrupted,
			Org: e.Org, Key: string(e.Key), Export: e.ID, Outcome: audit.Failed,
		}
		if err := s.Journal.FinishExport(ctx, e, audit.Failed, entry); err != nil {
			return fmt.Errorf("closing export %s: %w", e.ID, err)
		}
		s.Log.Warn("an export was interrupted; its key counts as exported", "export", e.ID, "key", e.Key)
	}
	for _, i := range imports {
		if err := s.reconcileImport(ctx, i); err != nil {
			return fmt.Errorf("closing import of %s: %w", i.Key, err)
		}
		s.Log.Warn("an import was interrupted and is undone", "key", i.Key)
	}
	return nil
}

func (s *Service) reconcileImport(ctx context.Context, i Import) error {
	entry := audit.Entry{
		Time: challenge.MillisOf(s.Now()), Kind: audit.ImportAbandoned,
		Org: i.Org, Key: string(i.Key), Outcome: audit.Void, Reason: "import.interrupted",
	}
	if err := s.Journal.AbandonImport(ctx, i.Key, entry); err != nil && !errors.Is(err, ErrNotRunning) {
		return err
	}
	return s.discard(ctx, i.Key)
}
