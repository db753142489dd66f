package envelope

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"testing"

	dcrd "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"keyferry/shares/internal/vectors"
	"keyferry/shares/locked"
)

// fakeToken does in Go what a token does inside.
type fakeToken struct{ key *DecryptionKey }

func (f fakeToken) HashSharedX(_ context.Context, peer, first, second []byte, dst *locked.Buffer) error {
	if len(peer) != 65 || peer[0] != 0x04 || dst.Len() != 64 {
		return errors.New("another call than the contract's")
	}
	point, err := dcrd.ParsePubKey(peer)
	if err != nil {
		return err
	}
	var shared [pointSize]byte
	scalar := (*[scalarSize]byte)(f.key.scalar.Bytes())
	if err := (dcrdAgreement{}).share(scalar, (*[pointSize]byte)(point.SerializeCompressed()), &shared); err != nil {
		return err
	}
	for i, prefix := range [][]byte{first, second} {
		hash := sha256.Sum256(append(bytes.Clone(prefix), shared[1:]...))
		copy(dst.Bytes()[i*sha256.Size:], hash[:])
	}
	return nil
}

type brokenToken struct{}

var errBroken = errors.New("token gone")

func (brokenToken) HashSharedX(context.Context, []byte, []byte, []byte, *locked.Buffer) error {
	return errBroken
}

func TestOpenWithTokenOpensImportVectors(t *testing.T) {
	opened := 0
	for _, v := range vectors.Load(t).Import {
		for _, s := range v.Shares {
			token := fakeToken{decryptionKey(t, v.Signer(s.SignerID).DecryptionKeyScalarHex)}
			plaintext, err := OpenWithToken(t.Context(), token, unbase64(t, s.Ciphertext))
			if err != nil {
				t.Fatalf("%s share %d: %v", v.Curve, s.Index, err)
			}
			if string(plaintext.Bytes()) != s.Plaintext {
				t.Errorf("%s share %d opens differently", v.Curve, s.Index)
			}
			plaintext.Destroy()
			opened++
		}
	}
	if opened != 20 {
		t.Errorf("%d vectors", opened)
	}
}

func TestOpenWithTokenFindsEitherParity(t *testing.T) {
	key := generate(t)
	parities := map[byte]bool{}
	for range 64 {
		sealed, err := key.EncryptionKey().Seal(sealable(t, []byte("content")))
		if err != nil {
			t.Fatal(err)
		}
		plaintext, err := OpenWithToken(t.Context(), fakeToken{key}, sealed)
		if err != nil {
			t.Fatal(err)
		}
		if string(plaintext.Bytes()) != "content" {
			t.Error("another content")
		}
		plaintext.Destroy()
		var shared [pointSize]byte
		peer := (*[pointSize]byte)(sealed[len(sealed)-pointSize:])
		if err := (dcrdAgreement{}).share((*[scalarSize]byte)(key.scalar.Bytes()), peer, &shared); err != nil {
			t.Fatal(err)
		}
		parities[shared[0]] = true
	}
	if !parities[0x02] || !parities[0x03] {
		t.Errorf("64 envelopes had the parities %v only", parities)
	}
}

func TestOpenWithTokenTellsItsErrorsFromTheEnvelopes(t *testing.T) {
	key := generate(t)
	sealed, err := key.EncryptionKey().Seal(sealable(t, []byte("content")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenWithToken(t.Context(), brokenToken{}, sealed); !errors.Is(err, errBroken) || errors.Is(err, ErrOpen) {
		t.Errorf("broken token: %v", err)
	}
	sealed[0] ^= 1
	if _, err := OpenWithToken(t.Context(), fakeToken{key}, sealed); err != ErrOpen {
		t.Errorf("tampered envelope: %v", err)
	}
}
