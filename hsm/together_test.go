//go:build cgo

package hsm_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"sync"
	"testing"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

// one is a token with a share that it sealed.
type one struct {
	*hsm.Token
	blob []byte
}

func newOne(t testing.TB, sessions int) one {
	t.Helper()
	cfg := hsmtest.Blank(t)
	cfg.Sessions = sessions
	token := hsmtest.Open(t, cfg)
	if _, err := token.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
	blob, err := token.SealShare(context.Background(), hsm.FirstWrappingKey, secret(t, shareText), nil)
	if err != nil {
		t.Fatal(err)
	}
	return one{token, blob}
}

func (o one) open(ctx context.Context) error {
	plaintext, err := o.OpenShare(ctx, hsm.FirstWrappingKey, o.blob, nil, 0)
	if err != nil {
		return err
	}
	defer plaintext.Destroy()
	if string(plaintext.Bytes()) != shareText {
		return errors.New("it opened to something else")
	}
	return nil
}

func (o one) sign(ctx context.Context) error {
	_, err := o.Identity().In(ctx).Sign(rand.Reader, make([]byte, 32), crypto.SHA256)
	return err
}

// If each were handed over, a second worker would have come beside that of f.
func TestOperationsTogetherAreDoneByOneWorker(t *testing.T) {
	token := newOne(t, 4)
	before := hsm.Resting(token.Token)
	during := -1
	err := token.Together(context.Background(), func(ctx context.Context) error {
		err := errors.Join(token.open(ctx), token.sign(ctx), token.open(ctx))
		during = hsm.Resting(token.Token)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if after := hsm.Resting(token.Token); before != 1 || during != 0 || after != 1 {
		t.Errorf("workers at rest: %d before, %d during and %d after", before, during, after)
	}
}

func TestErrorsTogetherAreThoseOfTheOperations(t *testing.T) {
	token := newOne(t, 4)
	err := token.Together(context.Background(), func(ctx context.Context) error {
		_, err := token.OpenShare(ctx, hsm.FirstWrappingKey, token.blob, []byte("another place"), 0)
		if err := token.open(ctx); err != nil {
			t.Errorf("the next operation: %v", err)
		}
		return err
	})
	if !errors.Is(err, hsm.ErrBlob) {
		t.Error(err)
	}
}

func TestOperationsTogetherTakeTurnsWithOthers(t *testing.T) {
	token := newOne(t, 1)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := token.Together(context.Background(), func(ctx context.Context) error {
				return errors.Join(token.open(ctx), token.sign(ctx), token.open(ctx))
			})
			if err := errors.Join(err, token.open(context.Background())); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := hsm.Resting(token.Token); n < 1 || n > 2 {
		t.Errorf("%d workers rest where one session is used", n)
	}
}

func TestOtherTokensAndInnerErrandsWorkTogetherToo(t *testing.T) {
	token, other := newOne(t, 1), newOne(t, 1)
	err := token.Together(context.Background(), func(ctx context.Context) error {
		return errors.Join(
			other.open(ctx),
			token.Together(ctx, func(ctx context.Context) error { return errors.Join(token.open(ctx), other.sign(ctx)) }),
			other.Together(ctx, func(ctx context.Context) error { return errors.Join(token.open(ctx), other.sign(ctx)) }),
			token.sign(ctx),
		)
	})
	if err != nil {
		t.Error(err)
	}
}

// Operations on other goroutines wait for nobody, and neither does the errand for them.
func TestContextTakenAlongFromAnErrandWorks(t *testing.T) {
	token := newOne(t, 4)
	var taken context.Context
	var all sync.WaitGroup
	err := token.Together(context.Background(), func(ctx context.Context) error {
		taken = ctx
		for range 4 {
			all.Go(func() {
				for range 20 {
					if err := errors.Join(token.open(ctx), token.sign(ctx)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		return token.open(ctx)
	})
	all.Wait()
	if err := errors.Join(err, token.open(taken), token.sign(taken)); err != nil {
		t.Error(err)
	}
}

func TestPanicAmongOperationsIsTheCallers(t *testing.T) {
	token := newOne(t, 1)
	err := errors.New("of mine")
	func() {
		defer func() {
			if p := recover(); p != err {
				t.Errorf("recovered %v", p)
			}
		}()
		token.Together(context.Background(), func(ctx context.Context) error { panic(err) })
		t.Error("it did not panic")
	}()
	if err := token.open(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestNothingIsDoneTogetherForWhoHasGone(t *testing.T) {
	token := newOne(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := token.Together(ctx, token.open)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestExpendableCallersHandNothingOver(t *testing.T) {
	token, other := newOne(t, 1), newOne(t, 1)
	before := hsm.Resting(token.Token)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			ctx := hsm.Expendable(context.Background())
			for range 20 {
				err := errors.Join(token.open(ctx), other.sign(ctx), token.Together(ctx, func(ctx context.Context) error {
					return errors.Join(token.open(ctx), token.sign(ctx), other.open(ctx))
				}))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if after := hsm.Resting(token.Token); after != before {
		t.Errorf("%d workers rested before, %d after", before, after)
	}
}

func TestExpendableCallerIsToldThatItsContextEnded(t *testing.T) {
	token := newOne(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := token.open(hsm.Expendable(ctx)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Whoever recovers from it must not have lost a seat.
func TestOperationThatPanicsLeavesItsSeat(t *testing.T) {
	token := newOne(t, 1)
	panics := func(ctx context.Context) error {
		return hsm.Operate(ctx, token.Token, "panic", func() error { panic("of the operation") })
	}
	for name, operate := range map[string]func() error{
		"expendable": func() error { return panics(hsm.Expendable(context.Background())) },
		"together":   func() error { return token.Together(context.Background(), panics) },
	} {
		func() {
			defer func() {
				if p := recover(); p != "of the operation" {
					t.Errorf("%s: recovered %v", name, p)
				}
			}()
			operate()
			t.Errorf("%s: it did not panic", name)
		}()
		if status := token.Status(); status.Running != 0 || status.Hung != 0 {
			t.Errorf("%s: %+v", name, status)
		}
		if err := token.open(context.Background()); err != nil {
			t.Errorf("%s: the next operation: %v", name, err)
		}
	}
}
