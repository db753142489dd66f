//go:build linux && cgo

package faultp11_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

// kinds are the errors that callers know a return value's kind by.
func kind(c code) error {
	return map[string]error{
		"gone": hsm.ErrTokenGone, "pin": hsm.ErrWrongPIN, "mechanism": hsm.ErrMechanismMissing,
		"busy": hsm.ErrBusy, "in-use": hsm.ErrInUse, "blob": hsm.ErrBlob, "refused": hsm.ErrRefused,
	}[c.kind]
}

// met fails the test unless the function was called while the fault was planned.
func met(t *testing.T, f faulting, before int) {
	t.Helper()
	if stats(t).Calls[f.name] == before {
		t.Fatalf("%s was not called: the matrix tests nothing", f.name)
	}
}

// In the middle of work, a fault that a new login mends is not seen by anybody, and any
// other has its typed error; the next operation works.
func TestEveryFaultDuringWorkIsMendedOrTyped(t *testing.T) {
	b := newBench(t, nil)
	goroutines, memory := runtime.NumGoroutine()+1, lockedMemory(t) // one worker for each session may stay
	for _, scenario := range []string{"open", "seal", "hash", "sign"} {
		do := b.uses()[scenario].do
		for _, f := range of(t, scenario, false) {
			for _, c := range f.codes {
				before := stats(t).Calls[f.name]
				plan(t, f.once(c))
				err := do()
				met(t, f, before)
				if c.kind == "gone" && err != nil || c.kind != "gone" && err != nil && !errors.Is(err, kind(c)) {
					t.Errorf("%s once %s: %v", f.name, c.name, err)
				}
				if c.kind != "gone" && err == nil && !b.maySucceed(f, c) {
					t.Errorf("%s once %s was not noticed", f.name, c.name)
				}
				plan(t)
				if err := do(); err != nil {
					t.Fatalf("%s after %s: %v", scenario, c.name, err)
				}
				if strings.HasPrefix(c.name, "SESSION_") {
					b.loseSessions(t) // what the token calls closed is not closed again
					if err := do(); err != nil {
						t.Fatal(err)
					}
				}
				b.mustBeClean(t, f.name+" "+c.name)
			}
		}
	}
	if err := settle(goroutines); err != nil {
		t.Error(err)
	}
	if now := lockedMemory(t); now > memory+64 {
		t.Errorf("%d KiB of locked memory before, %d after", memory, now)
	}
}

// maySucceed lists what is asked again although it is not mended: a decryption that
// could mean a bad share.
func (b *bench) maySucceed(f faulting, c code) bool {
	ambiguous := []string{"ARGUMENTS_BAD", "DATA_INVALID", "DATA_LEN_RANGE"}
	return strings.HasPrefix(f.name, "C_Decrypt") && slices.Contains(ambiguous, c.name)
}

// mustBeClean counts sessions: two of ours, two of crypto11's, one that either keeps, and
// one of the module.
func (b *bench) mustBeClean(t *testing.T, after string) {
	t.Helper()
	if n := stats(t).Sessions; n > 7 {
		t.Errorf("after %s %d sessions are open", after, n)
	}
	if status := b.Status(); status.Running != 0 || status.Hung != 0 {
		t.Errorf("after %s: %+v", after, status)
	}
}

func TestEveryFaultDuringLoginIsMendedOrTyped(t *testing.T) {
	b := newBench(t, nil)
	for _, f := range of(t, "login", true) {
		for _, c := range f.codes {
			b.loseSessions(t)
			before := stats(t).Calls[f.name]
			plan(t, f.once(c))
			err := b.use(f)
			met(t, f, before)
			if err != nil && !errors.Is(err, kind(c)) && !b.loginMeans(f, err) {
				t.Errorf("%s once %s: %v", f.name, c.name, err)
			}
			plan(t)
			if errors.Is(err, hsm.ErrWrongPIN) {
				b.Token = reopen(t, b.Token) // never tries again by itself
			}
			soon(t, "the token after "+f.name+" "+c.name, b.open)
			if f.name != "C_CloseSession" { // that one leaves a session behind by itself
				b.mustBeClean(t, f.name+" "+c.name)
			}
		}
	}
}

// loginMeans: a token without information is passed over and then missing, a key whose
// attributes cannot be read is not safe to use, and a token that only says that it is
// logged in to shows no keys.
func (b *bench) loginMeans(f faulting, err error) bool {
	return f.name == "C_GetTokenInfo" && errors.Is(err, hsm.ErrTokenGone) ||
		(f.name == "C_GetAttributeValue" || f.name == "C_Login") && errors.Is(err, hsm.ErrKeysChanged)
}

// use does what calls the function: sessions are closed after trouble on them.
func (b *bench) use(f faulting) error {
	if f.name != "C_CloseSession" {
		return b.open()
	}
	if _, err := b.OpenShare(context.Background(), hsm.FirstWrappingKey, b.blob, []byte("another place"), 0); !errors.Is(err, hsm.ErrBlob) {
		return err
	}
	return nil
}

// reopen closes a token and opens it again.
func reopen(t *testing.T, token *hsm.Token) *hsm.Token {
	t.Helper()
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	return hsmtest.Open(t, hsm.TokenConfig{Label: token.Label(), PIN: hsmtest.MakePIN(t, hsmtest.PIN), Sessions: 2})
}

func TestEveryFaultDuringTheCeremonyIsTypedAndItCanBeHeldAgain(t *testing.T) {
	for _, f := range of(t, "ceremony", true) {
		for _, c := range f.codes {
			token := hsmtest.Open(t, hsmtest.Blank(t))
			before := stats(t).Calls[f.name]
			plan(t, f.once(c))
			report, err := token.Init(context.Background())
			met(t, f, before)
			if err != nil && (!errors.Is(err, kind(c)) || report != nil) || err != nil && c.kind == "gone" {
				t.Errorf("%s once %s: %v", f.name, c.name, err)
			}
			plan(t)
			if report, err = token.Init(context.Background()); err != nil || len(report.Keys) != 3 {
				t.Errorf("%s once %s, ceremony held again: %v", f.name, c.name, err)
			}
			if err := token.Ready(context.Background()); err != nil {
				t.Error(err)
			}
		}
	}
}

// The library is initialised for one call where no token is open. Whatever it answers to
// that, and to being ended, it can be initialised again.
func TestEveryFaultOfStartingAndEndingTheLibraryIsTyped(t *testing.T) {
	module := hsmtest.Module(t)
	for _, f := range of(t, "list", false) {
		for _, c := range f.codes {
			for _, when := range []string{" call=1 return=", " call=1-4 return="} {
				before := stats(t).Calls[f.name]
				plan(t, f.name+when+c.number)
				_, err := module.Labels()
				met(t, f, before)
				if err != nil && !errors.Is(err, kind(c)) {
					t.Errorf("%s%s%s: %v", f.name, when, c.name, err)
				}
				plan(t)
				if _, err := module.Labels(); err != nil {
					t.Errorf("after %s %s: %v", f.name, c.name, err)
				}
			}
		}
	}
}

func TestEveryFaultWhileATokenIsMadeIsTyped(t *testing.T) {
	module := hsmtest.Module(t)
	pin := hsmtest.MakePIN(t, hsmtest.PIN)
	for _, f := range of(t, "create", true) {
		for _, c := range f.codes {
			before := stats(t).Calls[f.name]
			plan(t, f.once(c))
			err := module.CreateToken(hsmtest.Label(), pin, pin)
			met(t, f, before)
			if err != nil && !errors.Is(err, kind(c)) || err == nil && f.name != "C_Logout" {
				t.Errorf("%s once %s: %v", f.name, c.name, err)
			}
			if err != nil && strings.Contains(err.Error(), hsmtest.PIN) {
				t.Error("the message has the PIN in it")
			}
			plan(t)
			if err := module.CreateToken(hsmtest.Label(), pin, pin); err != nil {
				t.Fatalf("after %s %s: %v", f.name, c.name, err)
			}
		}
	}
}

// A fault that stays makes every operation fail with its kind, and the token serves
// again when it is over. The breaker's pauses make this slow.
func TestFaultThatStaysIsTypedAndOverWhenItIsOver(t *testing.T) {
	b := newBench(t, nil)
	for _, scenario := range []string{"open", "seal", "hash", "sign"} {
		do := b.uses()[scenario].do
		for _, f := range of(t, scenario, true) {
			for _, c := range f.codes {
				plan(t, f.name+" return="+c.number)
				for range 4 {
					if err := do(); !errors.Is(err, kind(c)) && !b.blamed(f, err) {
						t.Errorf("%s always %s: %v", f.name, c.name, err)
					}
				}
				plan(t)
				soon(t, scenario+" after "+f.name+" "+c.name, do)
			}
		}
	}
}

// blamed: a decryption that is refused in words that can mean a bad share, by a token
// that fails its self-test too, is the token's fault, and by name.
func (b *bench) blamed(f faulting, err error) bool {
	return f.name == "C_Decrypt" && (errors.Is(err, hsm.ErrTokenGone) || errors.Is(err, hsm.ErrRefused))
}

// hsm calls nothing that the table does not have.
func TestTableHasEveryFunctionThatIsCalled(t *testing.T) {
	b := newBench(t, nil)
	for _, use := range b.uses() {
		if err := use.do(); err != nil {
			t.Fatal(err)
		}
	}
	known := map[string]bool{"C_GetInfo": true, "C_CloseAllSessions": true, "C_SetPIN": true} // these tests' own
	for _, f := range table(t) {
		known[f.name] = true
	}
	for name, calls := range stats(t).Calls {
		if calls > 0 && !known[name] {
			t.Errorf("%s is called and is not in the table", name)
		}
	}
}
