package recovery

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/locked/lockedtest"
)

// export is a key split among honest signers, who seal what they hold in Shares.
type export struct {
	context   *Context
	scheme    shares.Scheme
	t         int
	secretHex string
	publicKey shares.Point
	*shares.Dealing
}

const secretHex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func newExport(t testing.TB, scheme shares.Scheme, minSigners, n int) export {
	t.Helper()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Destroy)
	secret := lockedtest.Hex(t, secretHex)
	dealing, err := shares.Split(scheme.Curve(), secret, minSigners, n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dealing.Destroy)
	public, err := scheme.Curve().MulBase(secret)
	if err != nil {
		t.Fatal(err)
	}
	return export{c, scheme, minSigners, secretHex, public, dealing}
}

func signerID(position int) string { return fmt.Sprintf("c2lnbmVy%04d", position) }

// response seals the shares as they now are.
func (e export) response(t testing.TB) Response {
	t.Helper()
	r := Response{Scheme: e.scheme, PublicKey: e.publicKey, MinSigners: e.t}
	for i, share := range e.Shares {
		plaintext, err := shares.EncodeExport(share.Curve, share.Index, share.Secret)
		if err != nil {
			t.Fatal(err)
		}
		defer plaintext.Destroy()
		sealed, err := e.context.EncryptionKey().Seal(plaintext)
		if err != nil {
			t.Fatal(err)
		}
		r.Shares = append(r.Shares, SealedShare{signerID(i + 1), sealed})
	}
	return r
}

func (e export) commitments() map[string]shares.Point {
	m := map[string]shares.Point{}
	for i, p := range e.Public {
		m[signerID(i+1)] = p
	}
	return m
}

// shift adds delta to the share at a position.
func (e export) shift(position int, delta *big.Int) {
	order, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	share := e.Shares[position-1].Secret.Bytes()
	value := new(big.Int).SetBytes(share)
	value.Add(value, delta).Mod(value, order).FillBytes(share)
}

func secp256k1Scheme() shares.Scheme { return shares.Schemes()[0] }

func badPositions(bad []BadShare) []int {
	var positions []int
	for _, b := range bad {
		positions = append(positions, b.Position)
	}
	slices.Sort(positions)
	return positions
}

func checkKey(t *testing.T, r *Recovered, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Destroy)
	if hex.EncodeToString(r.Secret.Bytes()) != secretHex {
		t.Fatal("another key")
	}
}

// checkNamed checks that the key came out, so many shares doubtful, and that these positions
// are named.
func checkNamed(t *testing.T, r *Recovered, err error, doubtful int, bad ...int) {
	t.Helper()
	checkKey(t, r, err)
	if !slices.Equal(badPositions(r.Bad), bad) || len(r.Doubtful) != doubtful {
		t.Fatalf("named %v, doubtful %v", r.Bad, r.Doubtful)
	}
}

func TestAnyThresholdOfHonestSignersIsEnough(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// The secret is above the other curves' orders.
		scheme := rapid.SampledFrom([]shares.Scheme{shares.Schemes()[0], shares.Schemes()[3]}).Draw(rt, "scheme")
		n := rapid.IntRange(2, 6).Draw(rt, "n")
		e := newExport(t, scheme, rapid.IntRange(2, n).Draw(rt, "t"), n)
		response := e.response(t)
		count := rapid.IntRange(e.t, n).Draw(rt, "count")
		response.Shares = rapid.Permutation(response.Shares).Draw(rt, "order")[:count]
		r, err := e.context.Recover(response, Options{PublicKey: e.publicKey, Commitments: e.commitments()})
		checkKey(t, r, err)
		if len(r.Bad)+len(r.Doubtful) != 0 || r.PublicKey != e.publicKey || r.Scheme != scheme {
			rt.Fatalf("bad %v, doubtful %v", r.Bad, r.Doubtful)
		}
		response.Shares = response.Shares[:e.t-1]
		if _, err := e.context.Recover(response, Options{}); !errors.Is(err, shares.ErrThreshold) {
			rt.Fatalf("one share less than the threshold: %v", err)
		}
	})
}

func TestLiarIsNamedWithoutCommitments(t *testing.T) {
	for liar := 1; liar <= 5; liar++ {
		e := newExport(t, secp256k1Scheme(), 3, 5)
		e.shift(liar, big.NewInt(1))
		r, err := e.context.Recover(e.response(t), Options{})
		checkKey(t, r, err)
		if got := badPositions(r.Bad); !slices.Equal(got, []int{liar}) || len(r.Doubtful) != 0 ||
			!errors.Is(r.Bad[0], ErrOffPolynomial) || r.Bad[0].SignerID != signerID(liar) {
			t.Errorf("liar %d: named %v, doubtful %v", liar, r.Bad, r.Doubtful)
		}
	}
}

func TestStrictRecoveryGivesUpAtALiar(t *testing.T) {
	e := newExport(t, secp256k1Scheme(), 3, 5)
	e.shift(2, big.NewInt(1))
	if _, err := e.context.Recover(e.response(t), Options{Strict: true}); !errors.Is(err, ErrMismatch) {
		t.Errorf("mismatch: %v", err)
	}
	_, err := e.context.Recover(e.response(t), Options{Strict: true, Commitments: e.commitments()})
	var typed *Error
	if !errors.As(err, &typed) || !errors.Is(err, ErrCommitment) || !slices.Equal(badPositions(typed.Bad), []int{2}) {
		t.Errorf("commitment: %v", err)
	}
}

func TestCommitmentsNameAsManyLiarsAsCanBeSurvived(t *testing.T) {
	e := newExport(t, secp256k1Scheme(), 3, 5)
	e.shift(1, big.NewInt(1))
	e.shift(4, big.NewInt(7))
	r, err := e.context.Recover(e.response(t), Options{Commitments: e.commitments()})
	checkNamed(t, r, err, 0, 1, 4)
	if !errors.Is(r.Bad[0], ErrCommitment) {
		t.Errorf("named for %v", r.Bad[0])
	}
	e.shift(5, big.NewInt(9))
	_, err = e.context.Recover(e.response(t), Options{Commitments: e.commitments()})
	var typed *Error
	if !errors.As(err, &typed) || !errors.Is(err, shares.ErrThreshold) || !slices.Equal(badPositions(typed.Bad), []int{1, 4, 5}) {
		t.Errorf("three liars: %v", err)
	}
	for _, position := range []int{1, 4, 5} {
		if !strings.Contains(err.Error(), fmt.Sprintf("share %d of signer %q", position, signerID(position))) {
			t.Errorf("%q does not name signer %d", err, position)
		}
	}
}

func TestTwoLiarsWithoutCommitmentsAreSurvivedButNotNamed(t *testing.T) {
	e := newExport(t, secp256k1Scheme(), 3, 5)
	e.shift(1, big.NewInt(1))
	e.shift(4, big.NewInt(7))
	r, err := e.context.Recover(e.response(t), Options{})
	checkNamed(t, r, err, 5)
}

// Signers 1 and 2 shift their shares so that, together with signer 3, they still give
// the right key: the weights of 1, 2, 3 at 0 are 3, −3, 1. Whoever believed the first
// subset that fits would blame the honest 4 and 5.
func TestLiarsCannotHaveHonestSignersNamed(t *testing.T) {
	e := newExport(t, secp256k1Scheme(), 3, 5)
	e.shift(1, big.NewInt(11))
	e.shift(2, big.NewInt(11))
	r, err := e.context.Recover(e.response(t), Options{})
	checkNamed(t, r, err, 5)
	r, err = e.context.Recover(e.response(t), Options{Commitments: e.commitments()})
	checkNamed(t, r, err, 0, 1, 2)
}

// All five together still give the right key (weights 5, −10, …), and yet two lie.
func TestLiesThatCancelOutAreNoticed(t *testing.T) {
	e := newExport(t, secp256k1Scheme(), 3, 5)
	e.shift(1, big.NewInt(2))
	e.shift(2, big.NewInt(1))
	r, err := e.context.Recover(e.response(t), Options{})
	checkNamed(t, r, err, 5)
}

func TestWrongIndexIsNamed(t *testing.T) {
	e := newExport(t, secp256k1Scheme(), 3, 5)
	e.Shares[2].Index = shares.IndexOf(77)
	r, err := e.context.Recover(e.response(t), Options{Commitments: e.commitments()})
	checkKey(t, r, err)
	if !slices.Equal(badPositions(r.Bad), []int{3}) {
		t.Errorf("named %v", r.Bad)
	}
}

func TestEnvelopesThatDoNotOpenAreNamed(t *testing.T) {
	e := newExport(t, secp256k1Scheme(), 3, 5)
	response := e.response(t)
	response.Shares[1].Envelope = []byte("no envelope")
	response.Shares[3].Envelope = newExport(t, secp256k1Scheme(), 3, 5).response(t).Shares[3].Envelope
	r, err := e.context.Recover(response, Options{})
	checkKey(t, r, err)
	if !slices.Equal(badPositions(r.Bad), []int{2, 4}) || !errors.Is(r.Bad[0], envelope.ErrOpen) {
		t.Errorf("named %v", r.Bad)
	}
	if _, err := e.context.Recover(response, Options{Strict: true}); !errors.Is(err, envelope.ErrOpen) {
		t.Errorf("strict: %v", err)
	}
}

func TestSharesOfAnotherKeyGiveNothing(t *testing.T) {
	e, other := newExport(t, secp256k1Scheme(), 3, 5), newExport(t, secp256k1Scheme(), 3, 5)
	for i := range other.Public {
		other.shift(i+1, big.NewInt(1))
	}
	e.Dealing = other.Dealing
	_, err := e.context.Recover(e.response(t), Options{})
	var typed *Error
	if !errors.As(err, &typed) || !errors.Is(err, ErrMismatch) {
		t.Errorf("another key: %v", err)
	}
}

func TestKeyOtherThanThePinnedOneIsRefused(t *testing.T) {
	e := newExport(t, secp256k1Scheme(), 3, 5)
	response := e.response(t)
	if _, err := e.context.Recover(response, Options{PublicKey: e.Public[0]}); !errors.Is(err, ErrPinned) {
		t.Errorf("pinned to another key: %v", err)
	}
	response.PublicKey = e.Public[0]
	if _, err := e.context.Recover(response, Options{}); !errors.Is(err, ErrMismatch) {
		t.Errorf("response with another key: %v", err)
	}
}

func TestResponseThatWasNotParsedIsRefused(t *testing.T) {
	e := newExport(t, secp256k1Scheme(), 3, 5)
	if _, err := e.context.Recover(Response{}, Options{}); !errors.Is(err, ErrResponse) {
		t.Errorf("zero response: %v", err)
	}
	for _, minSigners := range []int{-1, 0, 1, 6} {
		response := e.response(t)
		response.MinSigners = minSigners
		if _, err := e.context.Recover(response, Options{}); !errors.Is(err, shares.ErrThreshold) {
			t.Errorf("%d of 5: %v", minSigners, err)
		}
	}
}

func TestBeyondTheSearchHonestSharesStillGiveTheKey(t *testing.T) {
	e := newExport(t, secp256k1Scheme(), 9, MaxSearch+1)
	r, err := e.context.Recover(e.response(t), Options{})
	checkKey(t, r, err)
	e.shift(1, big.NewInt(1))
	if _, err := e.context.Recover(e.response(t), Options{}); !errors.Is(err, ErrMismatch) {
		t.Errorf("liar among too many: %v", err)
	}
	r, err = e.context.Recover(e.response(t), Options{Commitments: e.commitments()})
	checkKey(t, r, err)
}
