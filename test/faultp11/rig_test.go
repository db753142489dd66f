//go:build linux && cgo

package faultp11_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
	"keyferry/shares/locked"
	"keyferry/shares/locked/lockedtest"
	"keyferry/test/faultp11"
)

// faulty is the module that every test of this process loads, as PKCS#11 libraries are
// loaded once in a process. TestMain makes it.
var faulty *faultp11.Module

func TestMain(m *testing.M) {
	code, err := withFaultyModule(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withFaultyModule(run func() int) (int, error) {
	realModule, err := hsm.FindSoftHSM()
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "faultp11-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if faulty, err = faultp11.Build(dir); err != nil {
		return 0, err
	}
	for name, value := range faulty.Environment(realModule) {
		os.Setenv(name, value)
	}
	os.Setenv("KEYFERRY_PKCS11_MODULE", faulty.Path)
	return run(), nil
}

// long is set by `make torture`.
func long() bool { return os.Getenv("KEYFERRY_TORTURE") != "" }

// plan sets the faults, and takes them away when the test ends.
func plan(t testing.TB, rules ...string) {
	t.Helper()
	if err := faulty.Plan(rules...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := faulty.Plan(); err != nil {
			t.Error(err)
		}
	})
}

func stats(t testing.TB) faultp11.Stats {
	t.Helper()
	s, err := faulty.Stats()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bench is a token with something to do for each kind of operation.
type bench struct {
	*hsm.Token
	blob []byte
	peer *secp256k1.PrivateKey
	raw  *pkcs11.Ctx
	slot uint

	ctx context.Context // of its operations
}

const shareText = "a share as JSON, of about the length that one has: {\"index\":1,\"value\":\"0123456789abcdef\"}"

// newBench opens a fresh token; change may alter how, once its keys are made.
func newBench(t testing.TB, change func(*hsm.TokenConfig)) *bench {
	t.Helper()
	cfg := hsmtest.Blank(t)
	made := hsmtest.Open(t, cfg)
	if _, err := made.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
	if change == nil {
		return prepared(t, made)
	}
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	change(&cfg)
	return prepared(t, hsmtest.Open(t, cfg))
}

func prepared(t testing.TB, token *hsm.Token) *bench {
	t.Helper()
	b := &bench{Token: token, ctx: context.Background()}
	var err error
	if b.blob, err = b.SealShare(context.Background(), hsm.FirstWrappingKey, secret(t, shareText), []byte("place")); err != nil {
		t.Fatal(err)
	}
	if b.peer, err = secp256k1.GeneratePrivateKey(); err != nil {
		t.Fatal(err)
	}
	if b.raw = pkcs11.New(faulty.Path); b.raw == nil {
		t.Fatal("the module does not load")
	}
	t.Cleanup(b.raw.Destroy)
	b.slot = slotOf(t, b.raw, b.Label())
	return b
}

func slotOf(t testing.TB, raw *pkcs11.Ctx, label string) uint {
	t.Helper()
	slots, err := raw.GetSlotList(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, slot := range slots {
		if info, err := raw.GetTokenInfo(slot); err == nil && info.Label == label {
			return slot
		}
	}
	t.Fatalf("no token %q", label)
	return 0
}

func secret(t testing.TB, text string) *locked.Buffer {
	t.Helper()
	return lockedtest.Bytes(t, []byte(text))
}

// in gives the same bench, whose operations get the context.
func (b *bench) in(ctx context.Context) *bench {
	other := *b
	other.ctx = ctx
	return &other
}

func (b *bench) open() error {
	plaintext, err := b.OpenShare(b.ctx, hsm.FirstWrappingKey, b.blob, []byte("place"), 16)
	if err != nil {
		return err
	}
	defer plaintext.Destroy()
	if string(plaintext.Bytes()) != shareText {
		return errWrongResult
	}
	return nil
}

func (b *bench) seal() error {
	plaintext, err := locked.New(len(shareText))
	if err != nil {
		return err
	}
	defer plaintext.Destroy()
	copy(plaintext.Bytes(), shareText)
	_, err = b.SealShare(b.ctx, hsm.FirstWrappingKey, plaintext, []byte("place"))
	return err
}

// hash checks the token's hash against the same computed here.
func (b *bench) hash() error {
	dst, err := locked.New(64)
	if err != nil {
		return err
	}
	defer dst.Destroy()
	if err := b.HashSharedX(b.ctx, b.peer.PubKey().SerializeUncompressed(), []byte("a"), []byte("b"), dst); err != nil {
		if string(dst.Bytes()) != string(make([]byte, 64)) {
			return errors.New("an error left something behind")
		}
		return err
	}
	imported, err := secp256k1.ParsePubKey(b.ImportPublicKey())
	if err != nil {
		return err
	}
	x := secp256k1.GenerateSharedSecret(b.peer, imported)
	if sum := sha256.Sum256(append([]byte("a"), x...)); string(sum[:]) != string(dst.Bytes()[:32]) {
		return errWrongResult
	}
	return nil
}

func (b *bench) sign() error {
	digest := sha256.Sum256(b.blob)
	signature, err := b.Identity().In(b.ctx).Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(b.Identity().Public().(*ecdsa.PublicKey), digest[:], signature) {
		return errWrongResult
	}
	return nil
}

func (b *bench) ready() error { return b.Ready(b.ctx) }

// loseSessions has the next operation log in again.
func (b *bench) loseSessions(t testing.TB) {
	t.Helper()
	if err := b.raw.CloseAllSessions(b.slot); err != nil {
		t.Fatal(err)
	}
}

// errWrongResult is an operation that succeeded with a wrong result.
var errWrongResult = errors.New("a wrong result was given for a right one")

// soon repeats f until it succeeds, as long as a breaker's first pauses last.
func soon(t testing.TB, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	err := f()
	for err != nil && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
		err = f()
	}
	if err != nil {
		t.Errorf("%s does not work again: %v", what, err)
	}
}
