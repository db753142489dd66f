//go:build cgo

package hsm_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

// roundTrip seals and opens a text of its own.
func roundTrip(t testing.TB, token *hsm.Token, text string) error {
	ctx := context.Background()
	blob, err := token.SealShare(ctx, hsm.FirstWrappingKey, secret(t, text), []byte(text))
	if err != nil {
		return err
	}
	plaintext, err := token.OpenShare(ctx, hsm.FirstWrappingKey, blob, []byte(text), 0)
	if err != nil {
		return err
	}
	defer plaintext.Destroy()
	if string(plaintext.Bytes()) != text {
		return fmt.Errorf("opened another share than was sealed")
	}
	return nil
}

// at runs f in n goroutines and reports what they return.
func at(t testing.TB, n int, f func(int) error) {
	t.Helper()
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			if err := f(i); err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
		})
	}
	running.Wait()
}

func TestSixteenCallersShareTwoSessions(t *testing.T) {
	token := hsmtest.Token(t)
	signer := token.Identity()
	at(t, 16, func(i int) error {
		for j := range 20 {
			if err := roundTrip(t, token, fmt.Sprintf("share %d of caller %d", j, i)); err != nil {
				return err
			}
			if _, err := signer.Sign(rand.Reader, make([]byte, 32), crypto.SHA256); err != nil {
				return err
			}
		}
		return nil
	})
	// Two of ours and two of crypto11's, the anchor, the one crypto11 keeps, the module's.
	if n := rawAccess(t, token.Label()).openSessions(t); n < 2 || n > 7 {
		t.Errorf("%d sessions are open", n)
	}
}

// single gives a token with one session.
func single(t *testing.T, wait time.Duration) *hsm.Token {
	cfg := hsmtest.Blank(t)
	cfg.Sessions, cfg.Wait = 1, wait
	token := hsmtest.Open(t, cfg)
	if _, err := token.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
	return token
}

func TestWaitForASessionIsBounded(t *testing.T) {
	token := single(t, 50*time.Millisecond)
	release := hsm.Occupy(t, token)
	defer release()
	start := time.Now()
	_, err := token.SealShare(context.Background(), hsm.FirstWrappingKey, secret(t, "share"), nil)
	if !errors.Is(err, hsm.ErrBusy) || time.Since(start) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	if err := token.Close(); !errors.Is(err, hsm.ErrBusy) {
		t.Errorf("closing while an operation runs: %v", err)
	}
}

func TestWaitForASessionEndsWithTheContext(t *testing.T) {
	token := single(t, time.Hour)
	release := hsm.Occupy(t, token)
	defer release()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := token.SealShare(ctx, hsm.FirstWrappingKey, secret(t, "share"), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	ended, cancelNow := context.WithCancel(context.Background())
	cancelNow()
	if _, err := token.SealShare(ended, hsm.FirstWrappingKey, secret(t, "share"), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSessionsClosedUnderneathAreReplaced(t *testing.T) {
	token := hsmtest.Token(t)
	r := rawAccess(t, token.Label())
	uses := map[string]func() error{
		"seal and open": func() error { return roundTrip(t, token, "share") },
		"hash":          func() error { checkHashes(t, token, newPeer(t)); return nil },
		"sign":          func() error { checkSignature(t, token.Identity()); return nil },
		"ready":         func() error { return token.Ready(context.Background()) },
		"ceremony":      func() error { _, err := token.Init(context.Background()); return err },
	}
	for name, use := range uses {
		if err := use(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := r.CloseAllSessions(r.slot); err != nil {
			t.Fatal(err)
		}
		if err := use(); err != nil {
			t.Errorf("%s after all sessions were closed: %v", name, err)
		}
	}
}

func TestLogoutUnderneathIsMended(t *testing.T) {
	token := hsmtest.Token(t)
	r := rawAccess(t, token.Label())
	for range 3 {
		if err := roundTrip(t, token, "share"); err != nil {
			t.Fatal(err)
		}
		session := r.session(t)
		if err := r.Logout(session); err != nil {
			t.Fatal(err)
		}
		r.CloseSession(session)
		checkSignature(t, token.Identity())
	}
}

func TestCallersAtTheSameTimeSurviveClosedSessions(t *testing.T) {
	token, neighbour := hsmtest.Token(t), hsmtest.Token(t)
	r := rawAccess(t, token.Label())
	for range 5 {
		if err := r.CloseAllSessions(r.slot); err != nil {
			t.Fatal(err)
		}
		at(t, 8, func(i int) error {
			return errors.Join(roundTrip(t, token, fmt.Sprint("share ", i)), roundTrip(t, neighbour, "neighbour"))
		})
	}
	if n := r.openSessions(t); n < 2 || n > 7 {
		t.Errorf("%d sessions are open", n)
	}
}

func TestKeyDeletedElsewhereIsReported(t *testing.T) {
	token := hsmtest.Token(t)
	if err := roundTrip(t, token, "share"); err != nil {
		t.Fatal(err)
	}
	r := rawAccess(t, token.Label())
	session := r.session(t)
	if err := r.DestroyObject(session, r.findOne(t, session, pkcs11.CKO_SECRET_KEY, wrappingLabel)); err != nil {
		t.Fatal(err)
	}
	if err := roundTrip(t, token, "share"); !errors.Is(err, hsm.ErrKeysChanged) {
		t.Errorf("a deleted key: %v", err)
	}
}

func TestClosedTokenRefusesAndLeavesNothing(t *testing.T) {
	cfg := hsmtest.Blank(t)
	keeper := hsmtest.Open(t, hsmtest.Blank(t)) // keeps the library initialised, for the count
	before := runtime.NumGoroutine()
	token := hsmtest.Open(t, cfg)
	if _, err := token.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
	at(t, 8, func(int) error { return roundTrip(t, token, "share") })
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	if n := rawAccess(t, token.Label()).openSessions(t); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	if after := hsm.GoroutinesDownTo(before); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
	if err := roundTrip(t, token, "share"); !errors.Is(err, hsm.ErrClosed) {
		t.Errorf("sealing: %v", err)
	}
	if err := token.Ready(context.Background()); !errors.Is(err, hsm.ErrClosed) {
		t.Errorf("ready: %v", err)
	}
	if err := token.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if err := keeper.Ready(context.Background()); !errors.Is(err, hsm.ErrNotInitialised) {
		t.Errorf("the other token: %v", err)
	}
}
