//go:build cgo

package hsm_test

import (
	"context"
	"testing"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

// As much stack is wiped as the library was seen to use, several times over.
func TestWipedStackIsMeasuredOnTheLibraryAtHand(t *testing.T) {
	ctx, place := context.Background(), []byte("place")
	token := hsmtest.Token(t)
	for range 40 {
		blob, err := token.SealShare(ctx, hsm.FirstWrappingKey, secret(t, shareText), place)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := token.OpenShare(ctx, hsm.FirstWrappingKey, blob, place, 16)
		if err != nil {
			t.Fatal(err)
		}
		opened.Destroy()
	}
	deepest, wiped := hsm.Reaches(token)
	for i, act := range []string{"seal", "open"} {
		t.Logf("%s: the library reaches %d bytes into the stack, %d are wiped", act, deepest[i], wiped[i])
		if deepest[i] < 256 || deepest[i] >= 64<<10 {
			t.Errorf("%s: a library that reaches %d bytes into the stack", act, deepest[i])
		}
		if wiped[i] < 16<<10 || wiped[i] < min(4*deepest[i], 64<<10) || wiped[i] > 64<<10 {
			t.Errorf("%s: %d bytes are wiped", act, wiped[i])
		}
	}
}
