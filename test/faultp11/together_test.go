//go:build linux && cgo

package faultp11_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"keyferry/hsm"
)

// With one session a replacement is needed for anybody else to be served. What hangs is
// the second operation: the first has done its work where the second one hangs.
func TestHungCallAmongOthersCostsTheLimitAndNobodyElseAnything(t *testing.T) {
	b := impatient(t)
	for name := range b.uses() {
		if name == "ready" {
			continue // which begins like seal
		}
		ended, began := make(chan error, 1), b.uses()[name].begins
		start := time.Now()
		err := b.Together(context.Background(), func(ctx context.Context) error {
			in := b.in(ctx)
			if err := errors.Join(in.open(), in.sign()); err != nil {
				t.Errorf("before %s hangs: %v", name, err)
			}
			plan(t, began+" call=1 hang")
			start = time.Now()
			err := in.uses()[name].do()
			ended <- err
			return err
		})
		took := time.Since(start)
		if !errors.Is(err, hsm.ErrHung) || !errors.Is(err, hsm.ErrTokenGone) || took < shortLimit || took > shortLimit+time.Second {
			t.Errorf("%s: after %v: %v", name, took, err)
		}
		if err := errors.Join(b.open(), b.seal(), b.hash(), b.sign(), b.ready()); err != nil {
			t.Errorf("others while %s hangs: %v", name, err)
		}
		if status := b.Status(); status.Hung != 1 || status.Breaker != hsm.BreakerClosed {
			t.Errorf("status while %s hangs: %+v", name, status)
		}
		if len(ended) != 0 {
			t.Errorf("%s did not hang", name)
		}
		plan(t)
		if err := <-ended; !errors.Is(err, hsm.ErrHung) {
			t.Errorf("what was left behind was told that %s ended with %v", name, err)
		}
		b.awaitReturn(t)
	}
}

// What is left behind must not go on as if somebody waited.
func TestOperationAfterTheHungOneWorksOrSaysWhy(t *testing.T) {
	b := impatient(t)
	plan(t, "C_DecryptInit call=1 hang")
	after := make(chan error, 1)
	err := b.Together(context.Background(), func(ctx context.Context) error {
		in := b.in(ctx)
		err := in.open()
		after <- in.seal()
		return err
	})
	if !errors.Is(err, hsm.ErrHung) {
		t.Fatal(err)
	}
	plan(t)
	if err := <-after; err == nil {
		t.Error("an operation was begun for somebody who has gone")
	}
	b.awaitReturn(t)
	if err := b.open(); err != nil {
		t.Error(err)
	}
}

func TestHungCallAmongOthersIsReportedInTime(t *testing.T) {
	seen := make(observed, 16)
	b := newBench(t, func(cfg *hsm.TokenConfig) { cfg.Limit, cfg.Observer = shortLimit, seen })
	seen.drain()
	plan(t, "C_DecryptInit call=1 hang")
	err := b.Together(context.Background(), func(ctx context.Context) error {
		in := b.in(ctx)
		return errors.Join(in.seal(), in.open())
	})
	if !errors.Is(err, hsm.ErrHung) {
		t.Fatal(err)
	}
	for _, want := range []string{"seal ok", "open hung"} {
		if got := <-seen; got != want {
			t.Errorf("%q was reported, not %q", got, want)
		}
	}
	plan(t)
	b.awaitReturn(t)
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "open ok" {
		t.Errorf("%q was reported of the next operation", got)
	}
}

// observed are operations with their outcomes.
type observed chan string

func (o observed) Operation(_, operation string, outcome hsm.Outcome, _ time.Duration) {
	o <- operation + " " + string(outcome)
}
func (observed) Reconnected(string)                      {}
func (observed) BreakerChanged(string, hsm.BreakerState) {}

func (o observed) drain() {
	for len(o) > 0 {
		<-o
	}
}

func TestWhoeverLeavesOperationsTogetherGoesAtOnce(t *testing.T) {
	b := newBench(t, nil)
	plan(t, "C_DecryptInit call=1 hang")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		waitHanging(t, 1)
		cancel()
	}()
	err := b.Together(ctx, func(ctx context.Context) error {
		in := b.in(ctx)
		in.open()
		err := in.sign()
		ended <- err
		return err
	})
	if !errors.Is(err, context.Canceled) || errors.Is(err, hsm.ErrHung) {
		t.Fatal(err)
	}
	plan(t)
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the next operation: %v", err)
	}
	soon(t, "the token", b.open)
	if status := b.Status(); status.Hung != 0 || status.Running != 0 {
		t.Errorf("%+v", status)
	}
}

func TestSessionsThatDieAmongOperationsTogetherAreReplaced(t *testing.T) {
	b := newBench(t, nil)
	err := b.Together(context.Background(), func(ctx context.Context) error {
		in := b.in(ctx)
		for range 3 {
			if err := errors.Join(in.open(), in.sign()); err != nil {
				return err
			}
			b.loseSessions(t)
		}
		return in.seal()
	})
	if err != nil {
		t.Error(err)
	}
}

// The goroutine can be left behind, but somebody waits for what is done on it.
func TestExpendableAmongOthersDoesNotKeepTheCaller(t *testing.T) {
	b := impatient(t)
	plan(t, "C_DecryptInit call=1 hang")
	ctx, cancel := context.WithTimeout(context.Background(), 10*shortLimit)
	defer cancel()
	err := b.Together(ctx, func(ctx context.Context) error { return b.in(hsm.Expendable(ctx)).open() })
	if !errors.Is(err, hsm.ErrHung) {
		t.Error(err)
	}
	plan(t)
	b.awaitReturn(t)
}

// Whoever holds a ceremony does not keep it in a call that hangs.
func TestCeremonyThatHangsAmongOthersCostsTheNextOneNothing(t *testing.T) {
	b := impatient(t)
	for name, hang := range map[string]func() error{
		"together": func() error {
			return b.Together(context.Background(), func(ctx context.Context) error {
				_, err := b.Init(ctx)
				return err
			})
		},
		"expendable": func() error {
			_, err := b.Init(hsm.Expendable(context.Background()))
			return err
		},
	} {
		plan(t, "C_FindObjectsInit call=1 hang")
		hung, next := make(chan error, 1), make(chan error, 1)
		go func() { hung <- hang() }()
		waitHanging(t, 1)
		go func() {
			_, err := b.Init(context.Background())
			next <- err
		}()
		select {
		case err := <-next:
			if err != nil {
				t.Errorf("%s: the next ceremony: %v", name, err)
			}
		case <-time.After(10 * shortLimit):
			t.Errorf("%s: the next ceremony waits for the one that hangs", name)
		}
		plan(t)
		if err := <-hung; !errors.Is(err, hsm.ErrHung) {
			t.Errorf("%s: %v", name, err)
		}
		b.awaitReturn(t)
	}
}
