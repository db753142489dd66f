//go:build linux && cgo

package faultp11_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
	"keyferry/shares/locked"
)

const shortLimit = 400 * time.Millisecond

// impatient gives a token with one session that gives up calls early.
func impatient(t *testing.T) *bench {
	return newBench(t, func(cfg *hsm.TokenConfig) { cfg.Sessions, cfg.Wait, cfg.Limit = 1, time.Second, shortLimit })
}

// waitHanging waits until n calls hang.
func waitHanging(t *testing.T, n int) {
	t.Helper()
	deadline := time.Now().Add(3 * time.Second)
	for stats(t).Hanging != n {
		if time.Now().After(deadline) {
			t.Fatalf("%d calls hang, not %d", stats(t).Hanging, n)
		}
		time.Sleep(time.Millisecond)
	}
}

// awaitReturn waits until the token has no call that hangs.
func (b *bench) awaitReturn(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(3 * time.Second)
	for b.Status().Hung > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("status: %+v", b.Status())
		}
		time.Sleep(time.Millisecond)
	}
}

// With one session a replacement is needed for anybody else to be served.
func TestHungCallCostsItsCallerTheLimitAndNobodyElseAnything(t *testing.T) {
	b := impatient(t)
	for name, use := range b.uses() {
		if name == "ready" {
			continue // which begins like seal
		}
		plan(t, use.begins+" call=1 hang")
		start := time.Now()
		err := use.do()
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
		plan(t)
		b.awaitReturn(t)
	}
}

func TestHungCallsAreBounded(t *testing.T) {
	b := impatient(t)
	sessions := stats(t).Sessions
	plan(t, "C_DecryptInit hang")
	for range 12 {
		if err := b.open(); !errors.Is(err, hsm.ErrTokenGone) {
			t.Fatal(err)
		}
	}
	status, counted := b.Status(), stats(t)
	if status.Hung != 2 || status.Breaker != hsm.BreakerOpen || counted.Hanging != 2 {
		t.Errorf("%d calls hang; status: %+v", counted.Hanging, status)
	}
	if counted.Sessions > sessions+2 {
		t.Errorf("%d sessions before, %d now", sessions, counted.Sessions)
	}
	start := time.Now()
	if err := b.sign(); !errors.Is(err, hsm.ErrNotAsked) || !errors.Is(err, hsm.ErrHung) || time.Since(start) > shortLimit/2 {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	plan(t)
	b.awaitReturn(t)
	soon(t, "the token", b.open)
}

// The token writes into what the caller would have got, long after he went and wiped
// everything of his. The page under it must still be there.
func TestMemoryOfAHungCallLivesUntilItReturns(t *testing.T) {
	b := impatient(t)
	for name, rule := range map[string]string{"open": "C_Decrypt call=1 hang", "seal": "C_Encrypt call=1 hang", "hash": "C_DigestFinal call=1 hang"} {
		plan(t, rule)
		if err := b.uses()[name].do(); !errors.Is(err, hsm.ErrHung) {
			t.Fatalf("%s: %v", name, err)
		}
		waitHanging(t, 1)
		churn(t)
		plan(t)
		b.awaitReturn(t)
		if err := errors.Join(b.open(), b.seal(), b.hash()); err != nil {
			t.Errorf("after %s returned: %v", name, err)
		}
	}
}

// churn reuses what memory was given back, and checks that nobody else writes there.
func churn(t *testing.T) {
	t.Helper()
	runtime.GC()
	for range 200 {
		buffer, err := locked.New(256)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range buffer.Bytes() {
			if c != 0 {
				t.Fatalf("byte %d of a fresh buffer is %#x", i, c)
			}
		}
		defer buffer.Destroy()
	}
}

func TestLibraryIsNotInitialisedAgainUnderAHungCall(t *testing.T) {
	b, neighbour := impatient(t), newBench(t, nil)
	waitForRestart()
	plan(t, "C_DecryptInit call=1 hang")
	if err := b.open(); !errors.Is(err, hsm.ErrHung) {
		t.Fatal(err)
	}
	finalized := stats(t).Calls["C_Finalize"]
	plan(t, "C_DecryptInit hang", "C_SignInit call=1 die=0x30")
	if err := neighbour.sign(); !errors.Is(err, hsm.ErrTokenGone) {
		t.Errorf("a dead library: %v", err)
	}
	if n := stats(t).Calls["C_Finalize"]; n != finalized {
		t.Errorf("the library was ended under a call")
	}
	plan(t)
	b.awaitReturn(t)
	waitForRestart()
	soon(t, "the neighbour", neighbour.sign)
	soon(t, "the token", b.open)
}

func TestLoginThatHangsIsBoundedToo(t *testing.T) {
	b, neighbour := impatient(t), newBench(t, nil)
	b.loseSessions(t)
	plan(t, "C_Login hang")
	for range 6 {
		if err := b.open(); !errors.Is(err, hsm.ErrTokenGone) {
			t.Fatal(err)
		}
		if err := neighbour.open(); err != nil {
			t.Errorf("the neighbour: %v", err)
		}
	}
	if n := stats(t).Hanging; n != 1 {
		t.Errorf("%d logins hang", n)
	}
	plan(t)
	b.awaitReturn(t)
	soon(t, "the token", b.open)
}

// The token's answer comes late, and holds all the same: tokens lock after a few attempts.
func TestPINThatIsRefusedLateIsNotTriedAgain(t *testing.T) {
	b := impatient(t)
	b.changePIN(t)
	b.loseSessions(t)
	before := stats(t).Calls["C_Login"]
	plan(t, "C_Login hang")
	if err := b.open(); !errors.Is(err, hsm.ErrHung) {
		t.Fatal(err)
	}
	plan(t)
	b.awaitReturn(t)
	for range 3 {
		time.Sleep(300 * time.Millisecond) // longer than a breaker's first pause
		if err := b.open(); !errors.Is(err, hsm.ErrWrongPIN) {
			t.Error(err)
		}
	}
	if tries := stats(t).Calls["C_Login"] - before; tries != 1 {
		t.Errorf("the PIN was tried %d times", tries)
	}
}

// changePIN makes the one that the token was opened with a wrong one.
func (b *bench) changePIN(t *testing.T) {
	t.Helper()
	session, err := b.raw.OpenSession(b.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.raw.SetPIN(session, hsmtest.PIN, "another-"+hsmtest.PIN); err != nil {
		t.Fatal(err)
	}
}

func TestTokenDoesNotCloseUnderAHungCall(t *testing.T) {
	b := impatient(t)
	plan(t, "C_Decrypt call=1 hang")
	if err := b.open(); !errors.Is(err, hsm.ErrHung) {
		t.Fatal(err)
	}
	if err := b.Close(); !errors.Is(err, hsm.ErrHung) {
		t.Errorf("closed under a call: %v", err)
	}
	if err := b.open(); !errors.Is(err, hsm.ErrClosed) {
		t.Errorf("while it cannot close: %v", err)
	}
	plan(t)
	b.awaitReturn(t)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestCallerWhoGoesLeavesNothingBehind(t *testing.T) {
	b := newBench(t, func(cfg *hsm.TokenConfig) { cfg.Sessions = 2 })
	before := runtime.NumGoroutine() + 1 // one worker for each session may stay
	plan(t, "C_Decrypt delay=400")
	var leaving sync.WaitGroup
	for range 8 {
		leaving.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
			defer cancel()
			if _, err := b.OpenShare(ctx, hsm.FirstWrappingKey, b.blob, []byte("place"), 0); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("left early: %v", err)
			}
		})
	}
	leaving.Wait()
	plan(t)
	if err := settle(before); err != nil {
		t.Error(err)
	}
	soon(t, "an idle token", func() error {
		if status := b.Status(); status.Running != 0 || status.Hung != 0 || status.Breaker != hsm.BreakerClosed {
			return fmt.Errorf("status: %+v", status)
		}
		return nil
	})
	if err := b.open(); err != nil {
		t.Error(err)
	}
}
