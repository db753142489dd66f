package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
)

func TestFirstEnrolmentStays(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		s := e.signer(t, place)
		first, second := signer.ID{1}, signer.ID{2}
		for _, id := range []signer.ID{first, second, first} {
			if got, err := s.Enrol(context.Background(), id); err != nil || got != first {
				t.Errorf("got %v, %v", got, err)
			}
		}
		if got, err := e.signer(t, place).Enrol(context.Background(), second); err != nil || got != first {
			t.Errorf("another handle: %v, %v", got, err)
		}
		execute(t, s.database, `UPDATE enrolment SET signer = 'me'`)
		if _, err := s.Enrol(context.Background(), first); err == nil {
			t.Error("an edited enrolment passed")
		}
	})
}

func TestSignersRecordStandsAndFallsWithItsChange(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		ctx := context.Background()
		use := node.Use{Action: [32]byte{1}, Digest: [32]byte{1}, ExpiresAt: start}
		other := node.Use{Action: [32]byte{1}, Digest: [32]byte{2}, ExpiresAt: start}
		for range 2 {
			if err := s.UseAction(ctx, use, entry(audit.ShareReleased)); err != nil {
				t.Fatal(err)
			}
			if err := s.Thaw(ctx, node.Everything(), entry(audit.SignerThawed)); err != nil { // it is not frozen
				t.Fatal(err)
			}
			if err := s.Freeze(ctx, node.Freeze{Scope: node.Key("key-1"), Since: start}, entry(audit.SignerFrozen)); err != nil {
				t.Fatal(err)
			}
			if err := s.DiscardShare(ctx, "key-1", entry(audit.ShareDiscarded)); err != nil { // there is none
				t.Fatal(err)
			}
		}
		if err := s.UseAction(ctx, other, entry(audit.ShareReleased)); !errors.Is(err, node.ErrUsed) {
			t.Fatal(err)
		}
		if err := s.CommitShare(ctx, "key-1", entry(audit.ShareCommitted)); !errors.Is(err, node.ErrNoShare) {
			t.Fatal(err)
		}
		if err := s.Thaw(ctx, node.Key("key-1"), entry(audit.SignerThawed)); err != nil {
			t.Fatal(err)
		}
		if err := s.Append(ctx, entry(audit.SignerRefused)); err != nil {
			t.Fatal(err)
		}
		entries, err := s.Entries(ctx, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []audit.Kind
		for _, one := range entries {
			var e audit.Entry
			if err := json.Unmarshal(one.Canonical, &e); err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, e.Kind)
		}
		want := []audit.Kind{audit.ShareReleased, audit.SignerFrozen, audit.ShareReleased, audit.SignerThawed, audit.SignerRefused}
		if !slices.Equal(kinds, want) {
			t.Errorf("got %v\nwant %v", kinds, want)
		}
	})
}

func TestEnrolledIsTheSignerOnlyOnceThereIsOne(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		if _, err := s.Enrolled(context.Background()); !errors.Is(err, ErrNotEnrolled) {
			t.Errorf("got %v", err)
		}
		id := signer.ID{1, 2, 3}
		if _, err := s.Enrol(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Enrolled(context.Background()); err != nil || got != id {
			t.Errorf("got %v, %v", got, err)
		}
	})
}
