//go:build cgo

package hsm_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"testing"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

func TestIdentityKeysOfAllVersionsSign(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Token(t)
	if token.IdentityAt(2).Public() != nil || token.IdentityAt(0).Public() != nil {
		t.Fatal("there is a key before it is made")
	}
	for version := 2; version <= 3; version++ {
		state, err := token.MakeIdentity(ctx, version)
		if err != nil || !state.Created || len(state.NotEnforced) > 0 {
			t.Fatalf("%+v, %v", state, err)
		}
		if state, err = token.MakeIdentity(ctx, version); err != nil || state.Created {
			t.Errorf("made twice: %+v, %v", state, err)
		}
	}
	for version := 1; version <= 3; version++ {
		checkSignature(t, token.IdentityAt(version))
	}
	first := token.Identity().Public().(*ecdsa.PublicKey)
	if !first.Equal(token.IdentityAt(1).Public()) || first.Equal(token.IdentityAt(2).Public()) {
		t.Error("the first key is not the ceremony's, or the second is")
	}
	if err := token.Ready(ctx); err != nil {
		t.Error(err)
	}
}

func TestIdentityKeysSurviveReopening(t *testing.T) {
	ctx := context.Background()
	cfg := hsmtest.Blank(t)
	token := hsmtest.Open(t, cfg)
	if _, err := token.Init(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := token.MakeIdentity(ctx, 2); err != nil {
		t.Fatal(err)
	}
	public := token.IdentityAt(2).Public().(*ecdsa.PublicKey)
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	reopened := hsmtest.Open(t, cfg)
	if !public.Equal(reopened.IdentityAt(2).Public()) {
		t.Error("another key")
	}
	checkSignature(t, reopened.IdentityAt(2))
	checkSignature(t, reopened.Identity())
}

// Versions have no gaps, or the newest could not be found.
func TestIdentityKeyIsMadeBehindTheOneBefore(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Token(t)
	for _, version := range []int{-1, 0, 1, 3} {
		if _, err := token.MakeIdentity(ctx, version); !errors.Is(err, hsm.ErrNotInitialised) {
			t.Errorf("version %d: %v", version, err)
		}
	}
	if _, err := hsmtest.Open(t, hsmtest.Blank(t)).MakeIdentity(ctx, 2); !errors.Is(err, hsm.ErrNotInitialised) {
		t.Errorf("on a blank token: %v", err)
	}
}
