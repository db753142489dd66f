//go:build cgo

package hsm_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

func TestUnknownTokenListsTheLabelsThatExist(t *testing.T) {
	cfg := hsmtest.Blank(t)
	module := hsmtest.Module(t)
	existing := cfg.Label
	cfg.Label = "no such token"
	_, err := module.Token(cfg)
	var missing *hsm.TokenNotFoundError
	if !errors.As(err, &missing) || missing.Label != cfg.Label || !slices.Contains(missing.Labels, existing) {
		t.Fatal(err)
	}
	if !strings.Contains(err.Error(), existing) {
		t.Errorf("the message does not name the token there is: %v", err)
	}
}

func TestTokensAppearAmongTheLabelsWhetherAnotherIsOpenOrNot(t *testing.T) {
	module := hsmtest.Module(t)
	first := hsmtest.Blank(t)
	open := hsmtest.Token(t)
	second := hsmtest.Blank(t)
	labels, err := module.Labels()
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{first.Label, open.Label(), second.Label} {
		if !slices.Contains(labels, label) {
			t.Errorf("%q is not among %q", label, labels)
		}
	}
	hsmtest.Open(t, second)
}

func TestTokenIsNotMadeTwice(t *testing.T) {
	cfg := hsmtest.Blank(t)
	if err := hsmtest.Module(t).CreateToken(cfg.Label, cfg.PIN, cfg.PIN); err == nil {
		t.Fatal("made a second token of that label")
	}
	hsmtest.Open(t, cfg)
}

func TestImpossibleTokensAreNotMade(t *testing.T) {
	module := hsmtest.Module(t)
	good, short := hsmtest.MakePIN(t, hsmtest.PIN), hsmtest.MakePIN(t, "123")
	before, err := module.Labels()
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"no label":        module.CreateToken("", good, good),
		"33 bytes":        module.CreateToken(strings.Repeat("x", 33), good, good),
		"blank at end":    module.CreateToken("x ", good, good),
		"short user PIN":  module.CreateToken("short", good, short),
		"no user PIN":     module.CreateToken("none", good, nil),
		"no officer PIN":  module.CreateToken("none", nil, good),
		"short admin PIN": module.CreateToken("short", short, good),
	} {
		if err == nil {
			t.Errorf("%s: made a token", name)
		}
	}
	after, err := module.Labels()
	if err != nil || !slices.Equal(before, after) {
		t.Errorf("labels before %q, after %q, %v", before, after, err)
	}
}

func TestTokenOpensOnceInAProcess(t *testing.T) {
	cfg := hsmtest.Blank(t)
	token := hsmtest.Open(t, cfg)
	if _, err := hsmtest.Module(t).Token(cfg); !errors.Is(err, hsm.ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	if err := hsmtest.Module(t).Close(); !errors.Is(err, hsm.ErrInUse) {
		t.Errorf("closed the module under a token: %v", err)
	}
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	hsmtest.Open(t, cfg)
}

func TestWrongPINIsReportedAndNotKept(t *testing.T) {
	cfg := hsmtest.Blank(t)
	right := cfg.PIN
	cfg.PIN = hsmtest.MakePIN(t, "wrong-pin-here")
	_, err := hsmtest.Module(t).Token(cfg)
	if !errors.Is(err, hsm.ErrWrongPIN) {
		t.Fatal(err)
	}
	if strings.Contains(err.Error(), "wrong-pin-here") {
		t.Error("the message has the PIN in it")
	}
	cfg.PIN = right
	hsmtest.Open(t, cfg)
}

// Whoever is logged in already makes C_Login succeed without looking at the PIN, so a
// second signer on the token must not get that far.
func TestWrongPINIsNoticedWhileOtherTokensAreOpen(t *testing.T) {
	hsmtest.Token(t)
	cfg := hsmtest.Blank(t)
	cfg.PIN = hsmtest.MakePIN(t, "wrong-pin-here")
	if _, err := hsmtest.Module(t).Token(cfg); !errors.Is(err, hsm.ErrWrongPIN) {
		t.Error(err)
	}
}

// The officer changes the PIN while a signer runs. The signer may find out once.
func TestPINRefusedLaterIsTriedOnce(t *testing.T) {
	token := hsmtest.Token(t)
	r := rawAccess(t, token.Label())
	session := r.session(t)
	if err := r.SetPIN(session, hsmtest.PIN, "another-pin-now"); err != nil {
		t.Fatal(err)
	}
	if err := r.CloseAllSessions(r.slot); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := roundTrip(t, token, "share"); !errors.Is(err, hsm.ErrWrongPIN) {
			t.Fatal(err)
		}
	}
	// Had it tried again, it would be in now that the PIN is right once more.
	session = r.session(t)
	if err := r.SetPIN(session, "another-pin-now", hsmtest.PIN); err != nil {
		t.Fatal(err)
	}
	if err := roundTrip(t, token, "share"); !errors.Is(err, hsm.ErrWrongPIN) {
		t.Errorf("the PIN was tried again: %v", err)
	}
}

func TestModuleSaysWhatIsWrongWithItsPath(t *testing.T) {
	for _, path := range []string{"", "/no/such/library.so", "/etc/hostname", "libc.so.6"} {
		if module, err := hsm.Open(path); err == nil {
			module.Close()
			t.Errorf("opened %q", path)
		}
	}
}

func TestClosedModuleRefuses(t *testing.T) {
	module, err := hsm.Open(hsmtest.Directory(t))
	if err != nil {
		t.Fatal(err)
	}
	if labels, err := module.Labels(); err != nil || len(labels) != 0 {
		t.Errorf("a fresh directory has tokens %q, %v", labels, err)
	}
	if err := errors.Join(module.Close(), module.Close()); err != nil {
		t.Fatal(err)
	}
	_, listing := module.Labels()
	_, opening := module.Token(hsm.TokenConfig{Label: "x", PIN: hsmtest.MakePIN(t, hsmtest.PIN)})
	if !errors.Is(listing, hsm.ErrClosed) || !errors.Is(opening, hsm.ErrClosed) {
		t.Errorf("listing: %v, opening: %v", listing, opening)
	}
}

func TestBadTokenConfigurationIsRefused(t *testing.T) {
	module := hsmtest.Module(t)
	cfg := hsmtest.Blank(t)
	for name, change := range map[string]func(*hsm.TokenConfig){
		"no label":          func(c *hsm.TokenConfig) { c.Label = "" },
		"no PIN":            func(c *hsm.TokenConfig) { c.PIN = nil },
		"negative sessions": func(c *hsm.TokenConfig) { c.Sessions = -1 },
		"negative wait":     func(c *hsm.TokenConfig) { c.Wait = -1 },
	} {
		bad := cfg
		change(&bad)
		if _, err := module.Token(bad); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	token := hsmtest.Open(t, cfg)
	if err := token.Ready(context.Background()); !errors.Is(err, hsm.ErrNotInitialised) {
		t.Error(err)
	}
}
