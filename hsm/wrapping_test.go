//go:build cgo

package hsm_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

const second = hsm.FirstWrappingKey + 1

func mustMake(t *testing.T, token *hsm.Token, key hsm.WrappingKey) {
	t.Helper()
	state, err := token.MakeWrappingKey(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	if !state.Created || len(state.NotEnforced) > 0 {
		t.Fatalf("made %+v", state)
	}
}

func wrappingKeys(t *testing.T, token *hsm.Token) []hsm.WrappingKey {
	t.Helper()
	keys, err := token.WrappingKeys(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestShareOpensOnlyUnderTheKeyThatItWasSealedUnder(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Token(t)
	mustMake(t, token, second)
	for _, key := range []hsm.WrappingKey{hsm.FirstWrappingKey, second} {
		blob, err := token.SealShare(ctx, key, secret(t, "share"), nil)
		if err != nil {
			t.Fatal(err)
		}
		plaintext, err := token.OpenShare(ctx, key, blob, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, "share", plaintext.Bytes(), []byte("share"))
		plaintext.Destroy()
		other := hsm.FirstWrappingKey + second - key
		if _, err := token.OpenShare(ctx, other, blob, nil, 0); !errors.Is(err, hsm.ErrBlob) {
			t.Errorf("sealed under %d, opened under %d: %v", key, other, err)
		}
	}
}

func TestKeyThatIsNotThereIsNamed(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Token(t)
	_, sealing := token.SealShare(ctx, 7, secret(t, "share"), nil)
	_, opening := token.OpenShare(ctx, 7, append([]byte{1}, make([]byte, 40)...), nil, 0)
	for doing, err := range map[string]error{"trying": token.TryWrappingKey(ctx, 7), "sealing": sealing, "opening": opening} {
		if !errors.Is(err, hsm.ErrNoWrappingKey) || errors.Is(err, hsm.ErrTokenGone) || !strings.Contains(err.Error(), "v7") {
			t.Errorf("%s: %v", doing, err)
		}
	}
	if n := token.Status().Reconnects; n != 1 { // the ceremony's
		t.Errorf("asking for it caused logins: %d", n)
	}
}

// Another process makes and destroys keys: here it is another user of the same library.
func TestKeysMadeAndDestroyedElsewhereAreFoundOut(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Token(t)
	r := rawAccess(t, token.Label())
	session := r.session(t)
	_, err := r.GenerateKey(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, "keyferry share-wrapping v2"), pkcs11.NewAttribute(pkcs11.CKA_ID, "keyferry/share-wrapping/2"),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32), pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, true), pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, true),
	})
	if err != nil {
		t.Fatal(err)
	}
	blob, err := token.SealShare(ctx, second, secret(t, "share"), nil)
	if err != nil {
		t.Fatalf("under a key that the login has not seen: %v", err)
	}
	before, err := token.SealShare(ctx, hsm.FirstWrappingKey, secret(t, "share"), nil)
	if err != nil {
		t.Fatal(err)
	}
	session = r.session(t)
	if err := r.DestroyObject(session, r.findOne(t, session, pkcs11.CKO_SECRET_KEY, wrappingLabel)); err != nil {
		t.Fatal(err)
	}
	if _, err := token.OpenShare(ctx, hsm.FirstWrappingKey, before, nil, 0); !errors.Is(err, hsm.ErrNoWrappingKey) {
		t.Errorf("under a key that was destroyed: %v", err)
	}
	plaintext, err := token.OpenShare(ctx, second, blob, nil, 0)
	if err != nil {
		t.Fatalf("under the other: %v", err)
	}
	plaintext.Destroy()
}

// What is under the others opens on; what is under it says what it misses.
func TestWrappingKeyThatVanishesIsReported(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Token(t)
	mustMake(t, token, second)
	older, err := token.SealShare(ctx, hsm.FirstWrappingKey, secret(t, "share"), nil)
	if err != nil {
		t.Fatal(err)
	}
	newer, err := token.SealShare(ctx, second, secret(t, "share"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := rawAccess(t, token.Label())
	session := r.session(t)
	if err := r.DestroyObject(session, r.findOne(t, session, pkcs11.CKO_SECRET_KEY, "keyferry share-wrapping v2")); err != nil {
		t.Fatal(err)
	}
	if _, err := token.OpenShare(ctx, second, newer, nil, 0); !errors.Is(err, hsm.ErrNoWrappingKey) {
		t.Errorf("under the one that vanished: %v", err)
	}
	plaintext, err := token.OpenShare(ctx, hsm.FirstWrappingKey, older, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	plaintext.Destroy()
}

func TestAWrappingKeyThatIsThereIsNotMadeAgain(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Token(t)
	mustMake(t, token, second)
	blob, err := token.SealShare(ctx, second, secret(t, "share"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.MakeWrappingKey(ctx, second); err == nil {
		t.Error("it was made again")
	}
	plaintext, err := token.OpenShare(ctx, second, blob, nil, 0)
	if err != nil {
		t.Fatalf("what is under it: %v", err)
	}
	plaintext.Destroy()
}

// Whoever makes a key can be killed at it, and what there is of it then stays.
func TestTokenOpensWithAHalfMadeWrappingKey(t *testing.T) {
	ctx := context.Background()
	cfg := hsmtest.Blank(t)
	token := hsmtest.Open(t, cfg)
	if _, err := token.Init(ctx); err != nil {
		t.Fatal(err)
	}
	r := rawAccess(t, token.Label())
	_, err := r.GenerateKey(r.session(t), []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, "keyferry share-wrapping v2"), pkcs11.NewAttribute(pkcs11.CKA_ID, "keyferry/share-wrapping/2"),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32),
		pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, false), pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, false),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	token = hsmtest.Open(t, cfg)
	if err := token.Ready(ctx); err != nil {
		t.Errorf("ready: %v", err)
	}
	if err := token.TryWrappingKey(ctx, hsm.FirstWrappingKey); err != nil {
		t.Errorf("the key that is whole: %v", err)
	}
	if err := token.TryWrappingKey(ctx, second); err == nil {
		t.Error("a key that can do nothing is said to work")
	}
	mustMake(t, token, 3)
	for _, key := range []hsm.WrappingKey{hsm.FirstWrappingKey, second} {
		if err := token.DestroyWrappingKey(ctx, key); err != nil {
			t.Error(err)
		}
	}
	if keys := wrappingKeys(t, token); !slices.Equal(keys, []hsm.WrappingKey{3}) {
		t.Errorf("the token has %v", keys)
	}
}

func TestOnlyNewerWrappingKeysAreMadeAndOnlyOlderOnesDestroyed(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Token(t)
	mustMake(t, token, 3)
	for _, key := range []hsm.WrappingKey{-1, 0, hsm.FirstWrappingKey, second} {
		if _, err := token.MakeWrappingKey(ctx, key); err == nil {
			t.Errorf("made v%d", key)
		}
	}
	for _, key := range []hsm.WrappingKey{3, 4} {
		if err := token.DestroyWrappingKey(ctx, key); err == nil {
			t.Errorf("destroyed v%d", key)
		}
	}
	for range 2 {
		if err := token.DestroyWrappingKey(ctx, hsm.FirstWrappingKey); err != nil {
			t.Fatal(err)
		}
	}
	if keys := wrappingKeys(t, token); !slices.Equal(keys, []hsm.WrappingKey{3}) {
		t.Errorf("the token has %v", keys)
	}
}

func TestCeremonyDoesNotBringADestroyedWrappingKeyBack(t *testing.T) {
	ctx := context.Background()
	cfg := hsmtest.Blank(t)
	token := hsmtest.Open(t, cfg)
	if _, err := token.Init(ctx); err != nil {
		t.Fatal(err)
	}
	mustMake(t, token, second)
	if err := token.DestroyWrappingKey(ctx, hsm.FirstWrappingKey); err != nil {
		t.Fatal(err)
	}
	report, err := token.Init(ctx)
	if err != nil || len(report.Keys) != 3 || report.Keys[0].Label != "keyferry share-wrapping v2" || report.Keys[0].Created {
		t.Errorf("got %+v, %v", report, err)
	}
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	if keys := wrappingKeys(t, hsmtest.Open(t, cfg)); !slices.Equal(keys, []hsm.WrappingKey{second}) {
		t.Errorf("the token has %v", keys)
	}
}
