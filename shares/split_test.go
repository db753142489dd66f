package shares

import (
	"bytes"
	"errors"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"keyferry/shares/locked"
	"keyferry/shares/locked/lockedtest"
)

// drawSecret gives scalars of every size, the ends of the range included.
func drawSecret(t *rapid.T, curve Curve) *locked.Buffer {
	order := orderOf(curve)
	n := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "secret"))
	n.Mod(n, new(big.Int).Sub(order, big.NewInt(1))).Add(n, big.NewInt(1))
	b, err := locked.New(scalarSize)
	if err != nil {
		t.Fatal(err)
	}
	n.FillBytes(b.Bytes())
	return b
}

type splitKey struct {
	curve  Curve
	t      int
	secret *locked.Buffer
	*Dealing
}

func drawSplit(t *rapid.T) splitKey {
	curve := rapid.SampledFrom(allCurves).Draw(t, "curve")
	n := rapid.IntRange(2, 7).Draw(t, "n")
	k := splitKey{curve: curve, t: rapid.IntRange(2, n).Draw(t, "t"), secret: drawSecret(t, curve)}
	dealing, err := Split(curve, k.secret, k.t, n)
	if err != nil {
		t.Fatal(err)
	}
	k.Dealing = dealing
	return k
}

func (k splitKey) destroy() {
	k.secret.Destroy()
	k.Dealing.Destroy()
}

func drawShares(t *rapid.T, k splitKey, count int) []Share {
	return rapid.Permutation(k.Shares).Draw(t, "order")[:count]
}

func mustInterpolate(t *rapid.T, shares []Share) *locked.Buffer {
	secret, err := Interpolate(shares)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestAnyThresholdOfSharesGivesTheKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawSplit(t)
		defer k.destroy()
		some := drawShares(t, k, rapid.IntRange(k.t, len(k.Shares)).Draw(t, "count"))
		secret := mustInterpolate(t, some)
		defer secret.Destroy()
		if !bytes.Equal(secret.Bytes(), k.secret.Bytes()) {
			t.Fatal("another key")
		}
		want, errWant := k.curve.MulBase(secret)
		got, errGot := k.Public.PublicKey()
		if errWant != nil || errGot != nil || got != want {
			t.Fatalf("the commitments say %s (%v), the key %s (%v)", got, errGot, want, errWant)
		}
	})
}

func TestFewerSharesThanTheThresholdGiveAnotherKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawSplit(t)
		defer k.destroy()
		if k.t == 2 {
			if _, err := Interpolate(drawShares(t, k, 1)); !errors.Is(err, ErrThreshold) {
				t.Fatalf("one share: %v", err)
			}
			return
		}
		secret := mustInterpolate(t, drawShares(t, k, k.t-1))
		defer secret.Destroy()
		if bytes.Equal(secret.Bytes(), k.secret.Bytes()) {
			t.Fatal("the key")
		}
	})
}

func TestOneWrongShareGivesAnotherKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawSplit(t)
		defer k.destroy()
		k.Shares[0].Secret.Bytes()[31] ^= 1
		if k.curve.CheckScalar(k.Shares[0].Secret.Bytes()) != nil {
			t.Skip("the change left the range")
		}
		secret, err := Interpolate(k.Shares)
		if errors.Is(err, ErrScalar) {
			return // a small secret can become zero, which is refused
		}
		if err != nil {
			t.Fatal(err)
		}
		defer secret.Destroy()
		if bytes.Equal(secret.Bytes(), k.secret.Bytes()) {
			t.Fatal("the key")
		}
	})
}

func TestInterpolateAtGivesTheOtherSharesOfTheKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawSplit(t)
		defer k.destroy()
		other := rapid.SampledFrom(k.Shares).Draw(t, "other")
		got, err := InterpolateAt(drawShares(t, k, k.t), other.Index)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Destroy()
		if !bytes.Equal(got.Bytes(), other.Secret.Bytes()) {
			t.Fatal("another share")
		}
	})
}

func TestPublicSharesOfASplitPassForItsThresholdOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawSplit(t)
		defer k.destroy()
		for minSigners := 2; minSigners <= len(k.Public); minSigners++ {
			err := k.Public.Check(minSigners)
			if (err == nil) != (minSigners == k.t) || err != nil && !errors.Is(err, ErrPolynomial) {
				t.Fatalf("threshold %d of %d, checked for %d: %v", k.t, len(k.Public), minSigners, err)
			}
		}
	})
}

func TestPublicSharesThatWereTamperedWithAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawSplit(t)
		defer k.destroy()
		n := len(k.Public)
		hash := k.Public.Hash()
		i := rapid.IntRange(0, n-1).Draw(t, "i")
		a, err := k.Public[i].element()
		if err != nil {
			t.Fatal(err)
		}
		changed := a.plus(a)
		k.Public[i] = pointOf(k.curve, changed)
		if k.Public.Hash() == hash {
			t.Fatal("the hash did not notice")
		}
		// With t of t, any points lie on one polynomial.
		if err := k.Public.Check(k.t); k.t < n && !errors.Is(err, ErrPolynomial) {
			t.Fatalf("%d of %d: %v", k.t, n, err)
		}
	})
}

func TestThresholdsOutOfRangeAreRefused(t *testing.T) {
	secret := lockedtest.Bytes(t, scalarBytes(big.NewInt(5)))
	for _, bad := range [][2]int{{1, 1}, {1, 5}, {0, 5}, {-1, 5}, {6, 5}, {2, 256}, {2, 1}, {0, 0}} {
		if _, err := Split(Secp256k1, secret, bad[0], bad[1]); !errors.Is(err, ErrThreshold) {
			t.Errorf("split %v: %v", bad, err)
		}
	}
	d, err := Split(Ed25519, secret, 128, MaxShares)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Destroy()
	if err := d.Public.Check(128); err != nil {
		t.Errorf("128 of 255: %v", err)
	}
	if err := d.Public.Check(127); !errors.Is(err, ErrPolynomial) {
		t.Errorf("127 of 255: %v", err)
	}
}

func TestSecretsOutOfRangeAreNotSplit(t *testing.T) {
	for _, curve := range allCurves {
		for _, bad := range [][]byte{make([]byte, 32), scalarBytes(orderOf(curve)), make([]byte, 31), bytes.Repeat([]byte{1}, 33)} {
			if _, err := Split(curve, lockedtest.Bytes(t, bad), 2, 3); !errors.Is(err, ErrScalar) {
				t.Errorf("%s split %d bytes: %v", curve, len(bad), err)
			}
		}
	}
}

func TestSharesThatDoNotBelongTogetherAreRefused(t *testing.T) {
	secret := lockedtest.Bytes(t, scalarBytes(big.NewInt(5)))
	share := func(curve Curve, index Index) Share { return Share{curve, index, secret} }
	order := Index(scalarBytes(orderOf(Stark)))
	for name, c := range map[string]struct {
		shares []Share
		want   error
	}{
		"same index":     {[]Share{share(Stark, IndexOf(1)), share(Stark, IndexOf(1))}, ErrIndexes},
		"zero index":     {[]Share{share(Stark, IndexOf(1)), share(Stark, IndexOf(0))}, ErrIndexes},
		"negative index": {[]Share{share(Stark, IndexOf(1)), share(Stark, IndexOf(-1))}, ErrIndexes},
		"order as index": {[]Share{share(Stark, IndexOf(1)), share(Stark, order)}, ErrIndexes},
		"two curves":     {[]Share{share(Stark, IndexOf(1)), share(Ed25519, IndexOf(2))}, ErrCurve},
		"no curve":       {[]Share{share(0, IndexOf(1)), share(0, IndexOf(2))}, ErrCurve},
		"none":           {nil, ErrThreshold},
		"no secret":      {[]Share{share(Stark, IndexOf(1)), {Stark, IndexOf(2), nil}}, ErrScalar},
	} {
		if _, err := Interpolate(c.shares); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// f(x) = x has shares 1 and 2, and gives the secret 0.
func TestInterpolatedZeroIsRefused(t *testing.T) {
	one, two := lockedtest.Bytes(t, scalarBytes(big.NewInt(1))), lockedtest.Bytes(t, scalarBytes(big.NewInt(2)))
	shares := []Share{{Secp256k1, IndexOf(1), one}, {Secp256k1, IndexOf(2), two}}
	if _, err := Interpolate(shares); !errors.Is(err, ErrScalar) {
		t.Errorf("secret zero: %v", err)
	}
	var public PublicShares
	for _, s := range shares {
		p, err := s.Public()
		if err != nil {
			t.Fatal(err)
		}
		public = append(public, p)
	}
	if _, err := public.PublicKey(); !errors.Is(err, ErrPoint) {
		t.Errorf("identity as public key: %v", err)
	}
}

func TestPublicSharesOfTwoCurvesAreRefused(t *testing.T) {
	one := lockedtest.Bytes(t, scalarBytes(big.NewInt(1)))
	a, _ := Secp256k1.MulBase(one)
	b, _ := Ed25519.MulBase(one)
	if err := (PublicShares{a, b}).Check(2); !errors.Is(err, ErrCurve) {
		t.Errorf("two curves: %v", err)
	}
	if _, err := (PublicShares{}).PublicKey(); !errors.Is(err, ErrThreshold) {
		t.Errorf("none: %v", err)
	}
}

func TestHashTellsPublicSharesApart(t *testing.T) {
	one, two := lockedtest.Bytes(t, scalarBytes(big.NewInt(1))), lockedtest.Bytes(t, scalarBytes(big.NewInt(2)))
	a, _ := Secp256k1.MulBase(one)
	b, _ := Secp256k1.MulBase(two)
	c, _ := Stark.MulBase(one)
	seen := map[[32]byte]int{}
	for i, p := range []PublicShares{{}, {a}, {b}, {a, b}, {b, a}, {a, a}, {c}, {a, b, a}} {
		if j, ok := seen[p.Hash()]; ok {
			t.Errorf("lists %d and %d have the same hash", i, j)
		}
		seen[p.Hash()] = i
	}
}

func TestSplittingTwiceGivesDifferentShares(t *testing.T) {
	for _, curve := range allCurves {
		secret := lockedtest.Bytes(t, scalarBytes(big.NewInt(5)))
		a, errA := Split(curve, secret, 2, 3)
		b, errB := Split(curve, secret, 2, 3)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		defer a.Destroy()
		defer b.Destroy()
		if bytes.Equal(a.Shares[0].Secret.Bytes(), b.Shares[0].Secret.Bytes()) {
			t.Errorf("%s: the same share twice", curve)
		}
	}
}
