package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/signer/node"
)

// inStage brings a fresh store to a stage of a rotation from key 1 to key 2.
func inStage(t *testing.T, s *Signer, until node.Stage) node.WrappingKeys {
	t.Helper()
	keys := node.WrappingKeys{Current: 1, Stage: node.Settled}
	for _, next := range []node.WrappingKeys{
		{Current: 1, Other: 2, Stage: node.Making}, {Current: 2, Other: 1, Stage: node.Resealing},
		{Current: 2, Other: 1, Stage: node.Resealed}, {Current: 2, Other: 1, Stage: node.Destroying},
	} {
		if keys.Stage == until {
			return keys
		}
		if err := s.MoveWrapping(context.Background(), keys, next); err != nil {
			t.Fatal(err)
		}
		keys = next
	}
	return keys
}

func TestNewStoreSealsUnderTheFirstKey(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		keys, err := e.signer(t, t.TempDir()).WrappingKeys(context.Background())
		if want := (node.WrappingKeys{Current: 1, Stage: node.Settled}); err != nil || keys != want {
			t.Errorf("got %+v, %v", keys, err)
		}
	})
}

func TestShareUnderAReplacedKeyIsNotStored(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		share := sampleShare(t)
		inStage(t, s, node.Resealing)
		if err := s.AddShare(context.Background(), share, entry(audit.ShareStored)); !errors.Is(err, node.ErrKeyReplaced) {
			t.Errorf("under the former key: %v", err)
		}
		if n := count(t, s.database, `SELECT count(*) FROM shares`) + count(t, s.database, `SELECT count(*) FROM audit_log`); n != 0 {
			t.Errorf("%d rows are left of it", n)
		}
		share.WrappingKey = 2
		if err := s.AddShare(context.Background(), share); err != nil {
			t.Fatal(err)
		}
		got, err := s.Share(context.Background(), share.Org, share.Key)
		if diff := compareShares(share, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestRotationGoesOnOnlyFromWhereItStands(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		at := inStage(t, s, node.Resealing)
		for _, from := range []node.WrappingKeys{
			{}, {Current: 1, Stage: node.Settled}, {Current: 2, Other: 1, Stage: node.Resealed}, {Current: 2, Other: 3, Stage: node.Resealing},
		} {
			to := node.WrappingKeys{Current: 2, Other: 1, Stage: node.Destroying}
			if err := s.MoveWrapping(context.Background(), from, to, entry(audit.WrappingKeyDestroying)); !errors.Is(err, node.ErrMoved) {
				t.Errorf("from %+v: %v", from, err)
			}
		}
		if keys, err := s.WrappingKeys(context.Background()); err != nil || keys != at {
			t.Errorf("it stands at %+v, %v", keys, err)
		}
		if n := count(t, s.database, `SELECT count(*) FROM audit_log`); n != 0 {
			t.Errorf("%d entries about nothing", n)
		}
	})
}

func TestFormerKeyIsNotGivenUpWhileAShareIsUnderIt(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ctx := context.Background()
		s := e.signer(t, t.TempDir())
		share := storedShare(t, s)
		from := inStage(t, s, node.Resealing)
		to := from
		to.Stage = node.Resealed
		if err := s.MoveWrapping(ctx, from, to, entry(audit.RotationFinished)); !errors.Is(err, node.ErrStillSealed) {
			t.Errorf("with a share under the former key: %v", err)
		}
		execute(t, s.database, `UPDATE shares SET wrapping_key = 7`)
		if err := s.MoveWrapping(ctx, from, to, entry(audit.RotationFinished)); !errors.Is(err, node.ErrStillSealed) {
			t.Errorf("with a share under a key that nobody knows: %v", err)
		}
		if keys, err := s.WrappingKeys(ctx); err != nil || keys != from {
			t.Errorf("it moved all the same: %+v, %v", keys, err)
		}
		put, err := s.Reseal(ctx, []node.NewBlob{{Key: share.Key, Old: share.Blob, New: []byte("new"), WrappingKey: 2}})
		if err != nil || put != 1 {
			t.Fatalf("put %d, %v", put, err)
		}
		if err := s.MoveWrapping(ctx, from, to, entry(audit.RotationFinished)); err != nil {
			t.Error(err)
		}
		entries, err := s.Entries(ctx, 0, 10)
		if err != nil || len(entries) != 1 || !bytes.Contains(entries[0].Canonical, []byte(audit.RotationFinished)) {
			t.Errorf("on record: %v, %v", entries, err)
		}
	})
}

func TestOnlyTheBlobThatWasReadIsReplaced(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ctx := context.Background()
		s := e.signer(t, t.TempDir())
		share := storedShare(t, s)
		if err := s.CommitShare(ctx, share.Key); err != nil {
			t.Fatal(err)
		}
		inStage(t, s, node.Resealing)
		put, err := s.Reseal(ctx, []node.NewBlob{
			{Key: share.Key, Old: []byte("another"), New: []byte("x"), WrappingKey: 2},
			{Key: "key-none", Old: share.Blob, New: []byte("x"), WrappingKey: 2},
		})
		if err != nil || put != 0 {
			t.Errorf("put %d, %v", put, err)
		}
		put, err = s.Reseal(ctx, []node.NewBlob{{Key: share.Key, Old: share.Blob, New: []byte("new"), WrappingKey: 2}})
		if err != nil || put != 1 {
			t.Errorf("put %d, %v", put, err)
		}
		share.Blob, share.WrappingKey, share.Committed = []byte("new"), 2, true
		got, err := s.Share(ctx, share.Org, share.Key)
		if diff := compareShares(share, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

// A process may be left behind by a rotation, and wake up at another stage or another one.
func TestSharesAreResealedOnlyUnderTheKeyOfTheMoment(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ctx := context.Background()
		for _, stage := range []node.Stage{node.Settled, node.Making, node.Resealing, node.Resealed, node.Destroying} {
			s := e.signer(t, t.TempDir())
			share := storedShare(t, s)
			execute(t, s.database, `UPDATE shares SET wrapping_key = 2`) // so that every stage can be come to
			keys := inStage(t, s, stage)
			for _, key := range []hsm.WrappingKey{1, 2, 3} {
				put, err := s.Reseal(ctx, []node.NewBlob{{Key: share.Key, Old: share.Blob, New: share.Blob, WrappingKey: key}})
				allowed := stage == node.Resealing && key == keys.Current
				if allowed != (err == nil && put == 1) || !allowed && !errors.Is(err, node.ErrMoved) {
					t.Errorf("%s, under v%d: put %d, %v", stage, key, put, err)
				}
			}
		}
	})
}

func TestSharesAreListedInPartsWithoutAGap(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ctx := context.Background()
		s := e.signer(t, t.TempDir())
		share := sampleShare(t)
		var want []node.ShareName
		for i := range 7 {
			share.Key = keyring.KeyID(fmt.Sprintf("key-%d", i))
			want = append(want, node.ShareName{Org: share.Org, Key: share.Key})
			if err := s.AddShare(ctx, share); err != nil {
				t.Fatal(err)
			}
		}
		var got []node.ShareName
		var last keyring.KeyID
		for _, size := range []int{3, 3, 1, 0} {
			part, err := s.ShareNames(ctx, last, 3)
			if err != nil || len(part) != size {
				t.Fatalf("%d behind %q: %v", len(part), last, err)
			}
			got = append(got, part...)
			last = got[len(got)-1].Key
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
	})
}

// SQLite takes any value in any column. Such a row must not be listed again and again.
func TestShareWhoseNameIsNoTextIsAnError(t *testing.T) {
	s := sqliteEngine().signer(t, t.TempDir())
	storedShare(t, s)
	for _, edit := range []string{`CAST(key_id AS BLOB)`, `x'ff'`, `x''`} {
		execute(t, s.database, `UPDATE shares SET key_id = `+edit)
		if names, err := s.ShareNames(context.Background(), "", 10); !errors.Is(err, node.ErrUnreadable) {
			t.Errorf("%s: got %v, %v", edit, names, err)
		}
	}
}

func TestOneProcessAtATimeRotates(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		first, second := e.signer(t, place), e.signer(t, place)
		for range 2 {
			release, err := first.LockRotation(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := second.LockRotation(context.Background()); !errors.Is(err, ErrRotating) {
				t.Errorf("two at a time: %v", err)
			}
			if err := release(); err != nil {
				t.Fatal(err)
			}
			first, second = second, first
		}
	})
}

func TestEditedRotationIsAnError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		for _, edit := range []string{
			`stage = 'done'`, `stage = 'settled', other_key = 1`, `stage = 'resealed', other_key = 0`, `stage = 'settled', other_key = 0, current_key = 0`,
		} {
			execute(t, s.database, `UPDATE wrapping SET `+edit)
			if keys, err := s.WrappingKeys(context.Background()); !errors.Is(err, node.ErrUnreadable) {
				t.Errorf("%s: got %+v, %v", edit, keys, err)
			}
		}
	})
}

// What was stored before shares named their key is under the first.
func TestSharesOfBeforeAreUnderTheFirstKey(t *testing.T) {
	place := t.TempDir()
	writes, readers, err := openSQLite(context.Background(), filepath.Join(place, "signer.db"))
	if err != nil {
		t.Fatal(err)
	}
	provider, err := newProvider(sqlite(), writes, signerKind)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(context.Background(), 50); err != nil {
		t.Fatal(err)
	}
	want := sampleShare(t)
	public, err := publicSharesColumn(want)
	if err != nil {
		t.Fatal(err)
	}
	insert := `INSERT INTO shares (key_id, org, protocol, curve, public_key, min_signers, share_index, public_shares, sealed, committed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, TRUE)`
	values := []any{want.Key, want.Org, want.Scheme.Protocol(), want.Scheme.Curve().Name(), want.PublicKey.Hex(), want.MinSigners, want.Index[:], public, want.Blob}
	if _, err := writes.Exec(insert, values...); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(writes.Close(), readers.Close()); err != nil {
		t.Fatal(err)
	}
	s := sqliteEngine().signer(t, place)
	want.Committed = true
	got, err := s.Share(context.Background(), want.Org, want.Key)
	if diff := compareShares(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	values[0] = "key-2"
	if _, err := s.writes.Exec(insert, values...); err == nil {
		t.Error("a program of before stores a share without saying under which key")
	}
}
