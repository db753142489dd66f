//go:build linux && cgo

package faultp11_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

// The library of a remote module whose server was killed answers CKR_DEVICE_ERROR until
// it is initialised again.
func TestLibraryThatDiedIsInitialisedAgainWithoutALostRequest(t *testing.T) {
	b, neighbour := newBench(t, nil), newBench(t, nil)
	for name, use := range b.uses() {
		before := hsmtest.Module(t).Restarts()
		waitForRestart() // two restarts in a moment are refused
		plan(t, use.begins+" call=1 die=0x30")
		if err := use.do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if after := hsmtest.Module(t).Restarts(); after != before+1 {
			t.Errorf("%s: the library was initialised %d times", name, after-before)
		}
		if err := neighbour.open(); err != nil {
			t.Errorf("the neighbour after %s: %v", name, err)
		}
	}
}

// use is an operation, and the first function of the library that it calls.
type use struct {
	do     func() error
	begins string
}

func (b *bench) uses() map[string]use {
	return map[string]use{
		"open":  {b.open, "C_DecryptInit"},
		"seal":  {b.seal, "C_EncryptInit"},
		"hash":  {b.hash, "C_DeriveKey"},
		"sign":  {b.sign, "C_SignInit"},
		"ready": {b.ready, "C_EncryptInit"},
	}
}

func waitForRestart() { time.Sleep(1050 * time.Millisecond) }

func TestNeighboursAtWorkSurviveARestartOfTheLibrary(t *testing.T) {
	b, neighbour := newBench(t, nil), newBench(t, nil)
	stop := make(chan struct{})
	var working sync.WaitGroup
	for range 4 {
		working.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := errors.Join(neighbour.open(), neighbour.sign()); err != nil {
					t.Errorf("the neighbour: %v", err)
					return
				}
			}
		})
	}
	before := hsmtest.Module(t).Restarts()
	for range 3 {
		waitForRestart()
		plan(t, fmt.Sprintf("C_DecryptInit slot=%d call=1 die=0x30", b.slot))
		if err := b.open(); err != nil {
			t.Errorf("the token: %v", err)
		}
	}
	close(stop)
	working.Wait()
	if n := hsmtest.Module(t).Restarts() - before; n != 3 {
		t.Errorf("%d restarts", n)
	}
}

// A token directory that is taken away and put back is what a token that is pulled out
// is for SoftHSM.
func TestTokenThatIsGoneIsRefusedFastAndServesAgainWhenItIsBack(t *testing.T) {
	b, neighbour := newBench(t, nil), newBench(t, nil)
	waitForRestart()
	here := tokenDirectory(t, b)
	away := filepath.Join(filepath.Dir(filepath.Dir(here)), "away") // out of SoftHSM's sight
	if err := os.Rename(here, away); err != nil {
		t.Fatal(err)
	}
	b.loseSessions(t)
	var err error
	for range 3 {
		if err = b.open(); err == nil {
			t.Fatal("opened a share without a token")
		}
	}
	if !errors.Is(err, hsm.ErrNotAsked) || !errors.Is(err, hsm.ErrTokenGone) && !errors.Is(err, hsm.ErrKeysChanged) {
		t.Errorf("a token that is gone: %v", err)
	}
	if status := b.Status(); status.Breaker != hsm.BreakerOpen || status.Cause == nil {
		t.Errorf("status: %+v", status)
	}
	start := time.Now()
	_ = b.open()
	if took := time.Since(start); took > 100*time.Millisecond {
		t.Errorf("a refusal took %v", took)
	}
	if err := neighbour.open(); err != nil {
		t.Errorf("the neighbour: %v", err)
	}
	if err := os.Rename(away, here); err != nil {
		t.Fatal(err)
	}
	soon(t, "the token", b.open)
	if err := errors.Join(b.sign(), b.hash(), neighbour.open()); err != nil {
		t.Error(err)
	}
	if status := b.Status(); status.Breaker != hsm.BreakerClosed || status.Cause != nil || status.Reconnects == 0 {
		t.Errorf("status: %+v", status)
	}
}

func TestServerThatIsDownForAWhileComesBack(t *testing.T) {
	b := newBench(t, nil)
	plan(t, "* return=0x30")
	if err := b.open(); !errors.Is(err, hsm.ErrTokenGone) {
		t.Errorf("while it is down: %v", err)
	}
	calls := total(t)
	for range 100 {
		if err := b.open(); !errors.Is(err, hsm.ErrNotAsked) || !errors.Is(err, hsm.ErrTokenGone) {
			t.Fatalf("while the breaker is open: %v", err)
		}
	}
	if more := total(t) - calls; more > 0 && b.Status().Breaker == hsm.BreakerOpen && more > 200 {
		t.Errorf("%d calls were made for 100 refusals", more)
	}
	plan(t)
	soon(t, "the token", b.open)
}

func total(t testing.TB) (sum int) {
	for _, n := range stats(t).Calls {
		sum += n
	}
	return sum
}

func TestWrongPINIsTriedOnceHoweverOftenItIsAsked(t *testing.T) {
	b := newBench(t, nil)
	plan(t, "C_Login return=0xA0")
	b.loseSessions(t)
	before := stats(t).Calls["C_Login"]
	for range 20 {
		if err := b.open(); !errors.Is(err, hsm.ErrWrongPIN) {
			t.Fatal(err)
		}
	}
	time.Sleep(600 * time.Millisecond) // longer than a breaker's first pauses
	if err := b.open(); !errors.Is(err, hsm.ErrWrongPIN) {
		t.Error(err)
	}
	if tries := stats(t).Calls["C_Login"] - before; tries != 1 {
		t.Errorf("the PIN was tried %d times", tries)
	}
}

// CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED and CKR_FUNCTION_CANCELED: the
// session is spoiled, the request is not lost.
func TestSpoiledSessionIsReplaced(t *testing.T) {
	b := newBench(t, nil)
	for _, code := range []string{"0x90", "0x91", "0x50"} {
		plan(t, "C_DecryptInit call=1 return="+code, "C_SignInit call=1 return="+code, "C_DigestKey call=1 return="+code)
		if err := errors.Join(b.open(), b.sign(), b.hash()); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// One CKR_GENERAL_ERROR does not make a good share look like a bad one.
func TestPassingTroubleIsNotBlamedOnTheShare(t *testing.T) {
	b := newBench(t, nil)
	for _, code := range []string{"0x05", "0x06", "0x30", "0x20", "0x07"} {
		plan(t, "C_Decrypt call=1 return="+code)
		if err := b.open(); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestImpossibleAnswersAreNotBelieved(t *testing.T) {
	b := newBench(t, nil)
	for _, rule := range []string{"C_Decrypt call=1 short", "C_Encrypt call=1 short"} {
		plan(t, rule)
		if err := errors.Join(b.open(), b.seal()); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	}
	plan(t, "C_Decrypt wrong")
	if err := b.ready(); !errors.Is(err, hsm.ErrTokenGone) {
		t.Errorf("a token that decrypts to something else: %v", err)
	}
	plan(t)
	soon(t, "the token", b.open)
}

func TestTokenWithoutASessionToSpareIsBusyAndNotDead(t *testing.T) {
	b := newBench(t, nil)
	plan(t, "C_OpenSession return=0xB1")
	b.loseSessions(t)
	for range 5 {
		if err := b.open(); !errors.Is(err, hsm.ErrBusy) || errors.Is(err, hsm.ErrNotAsked) {
			t.Fatal(err)
		}
	}
	plan(t)
	if err := b.open(); err != nil {
		t.Errorf("with sessions to spare: %v", err)
	}
}

// Nothing is left of tokens that fail in every way while they are opened.
func TestTokenThatFailsWhileItIsOpenedLeavesNothing(t *testing.T) {
	keeper := newBench(t, nil)
	cfg := hsmtest.Blank(t)
	before, goroutines := stats(t).Sessions, runtime.NumGoroutine()
	for _, function := range []string{"C_Login", "C_OpenSession", "C_FindObjectsInit", "C_FindObjects"} {
		plan(t, fmt.Sprintf("%s slot=%d return=0x30", function, slotOf(t, keeper.raw, cfg.Label)))
		if _, err := hsmtest.Module(t).Token(cfg); !errors.Is(err, hsm.ErrTokenGone) {
			t.Errorf("%s: %v", function, err)
		}
		if now := stats(t).Sessions; now != before {
			t.Errorf("%s: %d sessions before, %d after", function, before, now)
		}
	}
	plan(t)
	if err := settle(goroutines); err != nil {
		t.Error(err)
	}
	if err := hsmtest.Open(t, cfg).Ready(context.Background()); !errors.Is(err, hsm.ErrNotInitialised) {
		t.Errorf("the token without faults: %v", err)
	}
}

// settle waits until there are no more goroutines than before.
func settle(before int) error {
	deadline := time.Now().Add(3 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}
