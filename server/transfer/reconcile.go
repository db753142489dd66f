package transfer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"keyferry/server/audit"
	"keyferry/server/challenge"
)

// maxSkew is by how much the clocks of processes that share a journal may differ.
const maxSkew = time.Minute

// LongestAct is how old what was begun must be, for any process to be sure that nobody
// is at it any more: an import asks the signers twice.
func (s *Service) LongestAct() time.Duration { return 2*s.Timeout + 3*journalTime + maxSkew }

// Reconcile closes what crashes left open: exports that were begun stay counted and are
// recorded as interrupted; imports that were begun are abandoned. Then it settles. It can
// be repeated, by several processes at once.
//
// Only what was begun so long ago is closed; with zero, everything. That is for a process
// that is alone with the journal and takes no requests yet. Any other, and this one later
// on, must leave alone what may still be under way: see [Service.LongestAct].
func (s *Service) Reconcile(ctx context.Context, age time.Duration) error {
	exports, imports, err := s.Journal.Unfinished(ctx)
	if err != nil {
		return fmt.Errorf("looking for unfinished work: %w", err)
	}
	isOver := func(begun time.Time) bool { return age == 0 || s.Now().Sub(begun) > age }
	for _, e := range exports {
		if !isOver(e.BegunAt) {
			continue
		}
		if err := s.closeInterrupted(ctx, e); err != nil {
			return fmt.Errorf("closing export %s: %w", e.ID, err)
		}
	}
	for _, i := range imports {
		if !isOver(i.BegunAt) {
			continue
		}
		if err := s.abandonInterrupted(ctx, i); err != nil {
			return fmt.Errorf("closing import of %s: %w", i.Key, err)
		}
	}
	return s.Settle(ctx)
}

func (s *Service) closeInterrupted(ctx context.Context, e Export) error {
	entry := audit.Entry{
		Time: challenge.MillisOf(s.Now()), Kind: audit.ExportInterrupted,
		Org: e.Org, Key: string(e.Key), Export: e.ID, Outcome: audit.Failed,
	}
	_, err := s.Journal.FinishExport(ctx, e, audit.Failed, entry)
	if errors.Is(err, ErrNotRunning) { // another process was faster
		return nil
	}
	if err == nil {
		s.Log.Warn("an export was interrupted; its key counts as exported", "export", e.ID, "key", e.Key)
	}
	return err
}

func (s *Service) abandonInterrupted(ctx context.Context, i Import) error {
	if i.Abandoned {
		return nil
	}
	entry := audit.Entry{
		Time: challenge.MillisOf(s.Now()), Kind: audit.ImportAbandoned,
		Org: i.Org, Key: string(i.Key), Outcome: audit.Void, Reason: "import.interrupted",
	}
	err := s.Journal.AbandonImport(ctx, i.Key, entry)
	if errors.Is(err, ErrNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	s.Log.Warn("an import was interrupted and is undone", "key", i.Key)
	return nil
}

// Settle brings the signers to what the journal has decided, where they could not be
// reached then: they commit keys that are there, and discard the shares of imports that
// were abandoned. What they still cannot do is logged and stays for the next time; an
// error is the journal's. It may run beside requests.
func (s *Service) Settle(ctx context.Context) error {
	commits, err := s.Journal.Uncommitted(ctx)
	if err != nil {
		return fmt.Errorf("looking for uncommitted keys: %w", err)
	}
	for _, c := range commits {
		if err := s.commit(ctx, c); err != nil {
			s.Log.Warn("not all signers have committed a key yet", "key", c.Key, "error", err)
		}
	}
	_, imports, err := s.Journal.Unfinished(ctx)
	if err != nil {
		return fmt.Errorf("looking for abandoned imports: %w", err)
	}
	for _, i := range imports {
		if !i.Abandoned {
			continue
		}
		if err := s.discard(ctx, i.Key); err != nil {
			s.Log.Warn("signers could not discard an abandoned import yet", "key", i.Key, "error", err)
		}
	}
	return nil
}
