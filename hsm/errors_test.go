//go:build cgo

package hsm

import (
	"errors"
	"strings"
	"testing"

	"github.com/miekg/pkcs11"
)

// PKCS#11's values as the standard and real modules give them.
func TestReturnValuesHaveTheirMeaning(t *testing.T) {
	for rv, want := range map[uint]error{
		0xA0: ErrWrongPIN, 0xA4: ErrWrongPIN, 0xA3: ErrWrongPIN, 0x70: ErrMechanismMissing, 0x140: ErrMechanismMissing,
		0x54: ErrMechanismMissing, 0xB1: ErrBusy, 0x30: ErrTokenGone, 0x32: ErrTokenGone, 0xE0: ErrTokenGone,
		0x190: ErrTokenGone, 0xB3: ErrTokenGone, 0x101: ErrTokenGone, 0x82: ErrTokenGone, 0x05: ErrTokenGone,
		0x90: ErrTokenGone, 0x31: ErrTokenGone, 0xD0: ErrRefused, 0x68: ErrRefused, 0x80000001: ErrRefused,
	} {
		err := explain("testing", pkcs11.Error(rv))
		if !errors.Is(err, want) {
			t.Errorf("%#x: %v", rv, err)
		}
		if !errors.Is(err, pkcs11.Error(rv)) || !strings.HasPrefix(err.Error(), "testing: ") {
			t.Errorf("%#x: the error hides what happened: %v", rv, err)
		}
	}
	if err := explain("testing", errors.New("no answer of a token")); kindOf(err) != nil {
		t.Errorf("%v has a kind", err)
	}
	if explain("testing", nil) != nil {
		t.Error("success became an error")
	}
}

func TestTokenNearItsLockIsNotTried(t *testing.T) {
	for _, flags := range []uint{pkcs11.CKF_USER_PIN_LOCKED, pkcs11.CKF_USER_PIN_FINAL_TRY, pkcs11.CKF_USER_PIN_FINAL_TRY | pkcs11.CKF_USER_PIN_COUNT_LOW} {
		if err := pinMayBeTried(pkcs11.TokenInfo{Flags: flags}); !errors.Is(err, ErrWrongPIN) {
			t.Errorf("flags %#x: %v", flags, err)
		}
	}
	if err := pinMayBeTried(pkcs11.TokenInfo{Flags: pkcs11.CKF_USER_PIN_COUNT_LOW}); err != nil {
		t.Error(err)
	}
}

func TestTokenWithTooFewSessionsIsRefused(t *testing.T) {
	cfg := TokenConfig{Sessions: 4}
	for allowed, fits := range map[uint]bool{0: true, ^uint(0): true, 11: true, 1000: true, 10: false, 1: false} {
		if err := cfg.fits(pkcs11.TokenInfo{MaxRwSessionCount: allowed}); (err == nil) != fits {
			t.Errorf("%d sessions: %v", allowed, err)
		}
	}
}

func TestTokenNotFoundSaysWhatThereIs(t *testing.T) {
	for _, example := range []struct {
		labels []string
		want   string
	}{
		{nil, `no token is labelled "a": the module has no initialised token`},
		{[]string{"b", "c"}, `no token is labelled "a": the module has "b", "c"`},
		{[]string{"a", "a", "b"}, `2 tokens are labelled "a": give each a label of its own`},
	} {
		err := &TokenNotFoundError{Label: "a", Labels: example.labels}
		if err.Error() != example.want {
			t.Errorf("got %s, want %s", err, example.want)
		}
	}
}
