package trust

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"keyferry/server/identity"
)

// Reload brings what is installed into force, each organisation for itself. Where a
// document is missing or bad, or its change cannot be recorded, what was in force
// stays so, and the error says whose and why: taking a file away revokes nothing. A
// document that is in force already costs a comparison.
func (t *Trust) Reload(ctx context.Context) error {
	t.reloading.Lock()
	defer t.reloading.Unlock()
	errs := []error{t.checkStrays(ctx)}
	for _, org := range slices.Sorted(maps.Keys(t.Roots)) {
		if err := t.reload(ctx, org); err != nil {
			errs = append(errs, fmt.Errorf("trust of organisation %s, serial %d stays in force: %w", org, t.Serial(org), err))
		}
	}
	return errors.Join(errs...)
}

// checkStrays reports documents of organisations that the operator pinned no root for.
// They mean nothing, which whoever installed them should know.
func (t *Trust) checkStrays(ctx context.Context) error {
	orgs, err := t.Documents.Organisations(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, org := range orgs {
		if t.Roots[org].IsZero() {
			errs = append(errs, fmt.Errorf("the trust document of organisation %s is not used: no root key is pinned for it", org))
		}
	}
	return errors.Join(errs...)
}

func (t *Trust) reload(ctx context.Context, org identity.OrgID) error {
	file, err := t.Documents.Installed(ctx, org)
	if err != nil {
		return err
	}
	current, ok := t.entry(org)
	if ok && bytes.Equal(current.signed.file, file) {
		return nil
	}
	signed, err := VerifyFor(file, t.Roots[org], t.Deployment, org)
	if err != nil {
		return err
	}
	if !ok {
		return t.bring(ctx, signed, changeOf(Document{}, signed))
	}
	if err := signed.document.Supersedes(current.signed.document); err != nil {
		return err
	}
	return t.bring(ctx, signed, changeOf(current.signed.document, signed))
}

// bring counts the serial, then records the change, then brings it into force: a crash
// between any two repeats the rest at the next start.
func (t *Trust) bring(ctx context.Context, s Signed, change Change) error {
	if err := t.Serials.Advance(ctx, change.Org, change.To, change.Hash); err != nil {
		return fmt.Errorf("recording serial %d: %w", change.To, err)
	}
	if err := t.Record(ctx, change); err != nil {
		return fmt.Errorf("recording the change to serial %d: %w", change.To, err)
	}
	next := maps.Clone(*t.inForce.Load())
	next[change.Org] = newEntry(s)
	t.inForce.Store(&next)
	return nil
}

// Install verifies a signed file against the root that is pinned for its organisation,
// installs it and brings it into force. It is for documents that somebody carries
// here, who is not believed.
func (t *Trust) Install(ctx context.Context, file []byte) error {
	d, err := Peek(file)
	if err != nil {
		return err
	}
	root := t.Roots[d.Org]
	if root.IsZero() {
		return fmt.Errorf("no root key is pinned for organisation %q", d.Org)
	}
	signed, err := VerifyFor(file, root, t.Deployment, d.Org)
	if err != nil {
		return err
	}
	if current, ok := t.entry(d.Org); ok {
		if err := signed.document.Supersedes(current.signed.document); err != nil {
			return err
		}
	}
	if _, err := t.Documents.Install(ctx, signed); err != nil {
		return err
	}
	t.reloading.Lock()
	defer t.reloading.Unlock()
	return t.reload(ctx, d.Org)
}

// Watch reloads every so often until ctx ends, and reports each outcome that differs
// from the one before, nil included: a bad file is told once, and so is its end.
// Files are read and compared, since their times can be the same for two contents.
func (t *Trust) Watch(ctx context.Context, every time.Duration, report func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	last := fmt.Sprint(error(nil))
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := t.Reload(ctx)
		if ctx.Err() != nil {
			return
		}
		if text := fmt.Sprint(err); text != last {
			report(err)
			last = text
		}
	}
}
