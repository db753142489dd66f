package store

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyferry/server/signer/node"
	"keyferry/shares"
)

// newShare returns a share of n signers, each of whose points is good by itself.
func newShare(t *testing.T, scheme shares.Scheme, n int) node.Share {
	t.Helper()
	share := node.Share{
		Key: "key-1", Org: "or-1", Scheme: scheme, PublicKey: point(t, scheme.Curve(), 100),
		MinSigners: 2, Index: shares.IndexOf(2), Blob: []byte{1, 0, 255}, WrappingKey: 1,
	}
	for i := range n {
		share.Public = append(share.Public, point(t, scheme.Curve(), byte(i+1)))
	}
	return share
}

// sampleShare is one of secp256k1, of three signers.
func sampleShare(t *testing.T) node.Share {
	t.Helper()
	ecdsa, _ := schemes(t)
	return newShare(t, ecdsa, 3)
}

// storedShare is the same, which s has.
func storedShare(t *testing.T, s *Signer) node.Share {
	t.Helper()
	share := sampleShare(t)
	if err := s.AddShare(context.Background(), share); err != nil {
		t.Fatal(err)
	}
	return share
}

func compareShares(want, got node.Share) string {
	return cmp.Diff(want, got, cmp.Comparer(shares.Point.Equal), cmp.AllowUnexported(shares.Scheme{}))
}

func TestShareComesBackAsItWas(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ecdsa, eddsa := schemes(t)
		for _, scheme := range []shares.Scheme{ecdsa, eddsa} {
			s := e.signer(t, t.TempDir())
			want := newShare(t, scheme, 5)
			if err := s.AddShare(context.Background(), want); err != nil {
				t.Fatal(err)
			}
			got, err := s.Share(context.Background(), want.Org, want.Key)
			if diff := compareShares(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", scheme, err, diff)
			}
			if err := s.CommitShare(context.Background(), want.Key); err != nil {
				t.Fatal(err)
			}
			want.Committed = true
			got, err = s.Share(context.Background(), want.Org, want.Key)
			if diff := compareShares(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", scheme, err, diff)
			}
		}
	})
}

func TestShareThatIsThereStaysAsItIs(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		first := sampleShare(t)
		second := first
		second.Blob, second.Org, second.Committed = []byte("other"), "or-2", true
		for _, share := range []node.Share{first, second} {
			if err := s.AddShare(context.Background(), share); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Share(context.Background(), first.Org, first.Key)
		if diff := compareShares(first, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestMissingOrForeignShareIsNoShare(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		share := storedShare(t, s)
		if _, err := s.Share(context.Background(), "or-2", share.Key); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("foreign: %v", err)
		}
		for range 2 {
			if err := s.DiscardShare(context.Background(), share.Key); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Share(context.Background(), share.Org, share.Key); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("discarded: %v", err)
		}
		if err := s.CommitShare(context.Background(), share.Key); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("committed nothing: %v", err)
		}
	})
}

func TestCommittedShareIsNotDiscarded(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		share := storedShare(t, s)
		if err := s.CommitShare(context.Background(), share.Key); err != nil {
			t.Fatal(err)
		}
		if err := s.DiscardShare(context.Background(), share.Key); !errors.Is(err, node.ErrCommitted) {
			t.Errorf("got %v", err)
		}
		if got, err := s.Share(context.Background(), share.Org, share.Key); err != nil || !got.Committed {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestAQueryThatWasGivenUpIsNoDamage(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := s.Share(ctx, "or-1", "key-1"); err == nil || errors.Is(err, node.ErrUnreadable) || errors.Is(err, node.ErrNoShare) {
			t.Errorf("got %v", err)
		}
	})
}

func TestShareThatCouldNotBeReadIsNotStored(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		_, eddsa := schemes(t)
		for name, spoil := range map[string]func(*node.Share){
			"no scheme":                        func(share *node.Share) { share.Scheme = shares.Scheme{} },
			"no public key":                    func(share *node.Share) { share.PublicKey = shares.Point{} },
			"no public shares":                 func(share *node.Share) { share.Public = nil },
			"a missing public share":           func(share *node.Share) { share.Public[1] = shares.Point{} },
			"a public share of another curve":  func(share *node.Share) { share.Public[1] = point(t, eddsa.Curve(), 1) },
			"a public key on the other curve":  func(share *node.Share) { share.PublicKey = point(t, eddsa.Curve(), 1) },
			"nothing sealed (a column of nil)": func(share *node.Share) { share.Blob = nil },
		} {
			share := sampleShare(t)
			spoil(&share)
			if err := s.AddShare(context.Background(), share); err == nil {
				t.Errorf("stored with %s", name)
			}
		}
		if n := count(t, s.database, `SELECT count(*) FROM shares`); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestEditedShareIsAnError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		share := sampleShare(t)
		zeros := make([]byte, 65)
		for _, edit := range []struct {
			set  string
			args []any
		}{
			{`protocol = 'FROST'`, nil},
			{`curve = 'stark'`, nil},
			{`public_key = upper(public_key)`, nil},
			{`public_key = ''`, nil},
			{`share_index = substr(share_index, 2)`, nil},
			{`public_shares = substr(public_shares, 2)`, nil},
			{`share_index = $1`, []any{zeros[:32]}},
			{`public_shares = $1`, []any{zeros[:0]}},
			{`public_shares = $1`, []any{zeros}},
		} {
			if err := s.AddShare(context.Background(), share); err != nil {
				t.Fatal(err)
			}
			execute(t, s.database, `UPDATE shares SET `+edit.set, edit.args...)
			if _, err := s.Share(context.Background(), share.Org, share.Key); !errors.Is(err, node.ErrUnreadable) {
				t.Errorf("%s: got %v", edit.set, err)
			}
			if err := s.DiscardShare(context.Background(), share.Key); err != nil {
				t.Fatal(err)
			}
		}
	})
}
