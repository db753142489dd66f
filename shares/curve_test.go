package shares

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
	dcrd "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"keyferry/shares/locked/lockedtest"
)

var allCurves = []Curve{Secp256k1, Stark, Ed25519}

func TestOrdersAreThoseOfTheLibraries(t *testing.T) {
	ed, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	for curve, want := range map[Curve]*big.Int{Secp256k1: dcrd.Params().N, Stark: fr.Modulus(), Ed25519: ed} {
		g, _ := curve.group()
		order := g.order()
		if new(big.Int).SetBytes(order[:]).Cmp(want) != 0 || !want.ProbablyPrime(20) {
			t.Errorf("%s has another order", curve)
		}
	}
}

func orderOf(curve Curve) *big.Int {
	g, _ := curve.group()
	order := g.order()
	return new(big.Int).SetBytes(order[:])
}

func scalarBytes(n *big.Int) []byte { return n.FillBytes(make([]byte, scalarSize)) }

func TestScalarsOutOfRangeAreRefused(t *testing.T) {
	for _, curve := range allCurves {
		order := orderOf(curve)
		last := new(big.Int).Sub(order, big.NewInt(1))
		for _, good := range []*big.Int{big.NewInt(1), last} {
			if err := curve.CheckScalar(scalarBytes(good)); err != nil {
				t.Errorf("%s: %x: %v", curve, good, err)
			}
		}
		all := bytes.Repeat([]byte{0xff}, 32)
		bad := [][]byte{nil, {1}, make([]byte, 32), scalarBytes(order), scalarBytes(new(big.Int).Add(order, big.NewInt(1))), all, append(scalarBytes(last), 0)}
		for _, scalar := range bad {
			if err := curve.CheckScalar(scalar); !errors.Is(err, ErrScalar) {
				t.Errorf("%s: %x: %v", curve, scalar, err)
			}
		}
	}
}

func TestMulBaseOfOneIsTheGeneratorAndOfMinusOneItsNegative(t *testing.T) {
	generators := map[Curve]string{
		Secp256k1: "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
		Stark:     "0301ef15c18599971b7beced415a40f0c7deacfd9b0d1819e03d723d8bc943cfca",
		Ed25519:   "5866666666666666666666666666666666666666666666666666666666666666",
	}
	for curve, want := range generators {
		g, err := curve.MulBase(lockedtest.Bytes(t, scalarBytes(big.NewInt(1))))
		if err != nil || !strings.HasPrefix(g.Hex(), want) {
			t.Errorf("%s: generator %s, error %v", curve, g, err)
		}
		minus, err := curve.MulBase(lockedtest.Bytes(t, scalarBytes(new(big.Int).Sub(orderOf(curve), big.NewInt(1)))))
		if err != nil {
			t.Fatal(err)
		}
		a, _ := g.element()
		b, _ := minus.element()
		if !a.plus(b).isIdentity() || !a.plus(a.negated()).isIdentity() || a.plus(a).isIdentity() {
			t.Errorf("%s: the group's laws do not hold", curve)
		}
		if twice := pointOf(curve, a.plus(a)); twice != pointOf(curve, a.times(big.NewInt(2))) {
			t.Errorf("%s: G+G is not 2·G", curve)
		}
	}
}

func TestPointsReadBackInBothForms(t *testing.T) {
	for _, curve := range allCurves {
		p, err := curve.MulBase(lockedtest.Bytes(t, scalarBytes(big.NewInt(77))))
		if err != nil {
			t.Fatal(err)
		}
		a, errA := curve.ParsePoint(p.Bytes())
		b, errB := curve.ParseUncompressedPoint(p.Uncompressed())
		if errA != nil || errB != nil || !a.Equal(p) || !b.Equal(p) || a.IsZero() || len(p.Uncompressed()) != curve.uncompressedSize() {
			t.Errorf("%s: %v %v", curve, errA, errB)
		}
	}
}

func TestUnacceptablePointsAreRefused(t *testing.T) {
	x := "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	y := "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
	starkPrime := hex.EncodeToString(scalarBytes(fp.Modulus()))
	zero := strings.Repeat("00", 32)
	bad := map[Curve][]string{
		Secp256k1: {
			"", "00", x, "02" + zero + "00", "04" + x + y, "05" + x, "00" + x, "02" + zero[:62] + "05",
			"02" + strings.Repeat("ff", 32), "02" + x[:62], "02" + x + "00", strings.Repeat("00", 33),
		},
		Stark: {
			"", "00", zero, "02" + starkPrime, "02" + strings.Repeat("ff", 32), "04" + zero, strings.Repeat("00", 33), "05" + zero,
		},
		Ed25519: {
			"", zero[:62], zero + "00",
			"01" + zero[:62],        // identity
			"01" + zero[:60] + "80", // identity with the sign bit
			zero,                    // order 4
			"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
			"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
			"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // y = p+1, not canonical
			"5866666666666666666666666666666666666666666666666666666666666667",
			"0200000000000000000000000000000000000000000000000000000000000000", // not on the curve
		},
	}
	for curve, encodings := range bad {
		for _, encoding := range encodings {
			if p, err := curve.ParsePoint(unhex(t, encoding)); !errors.Is(err, ErrPoint) {
				t.Errorf("%s took %q for %s: %v", curve, encoding, p, err)
			}
		}
	}
	for _, encoding := range []string{"04" + x + x, "06" + x + y, "07" + x + y, "02" + x, "04" + x, x + y, strings.Repeat("00", 65)} {
		if _, err := Secp256k1.ParseUncompressedPoint(unhex(t, encoding)); !errors.Is(err, ErrPoint) {
			t.Errorf("secp256k1 took %s", encoding)
		}
	}
	for _, encoding := range []string{"04" + zero + zero, "04" + starkPrime + zero, "06" + zero + zero} {
		if _, err := Stark.ParseUncompressedPoint(unhex(t, encoding)); !errors.Is(err, ErrPoint) {
			t.Errorf("stark took %s", encoding)
		}
	}
}

// Half of all x coordinates have no y. The others have two, told apart by the prefix.
func TestStarkPointsAreDecompressed(t *testing.T) {
	found := 0
	for x := range 40 {
		encoded := append([]byte{0x02}, scalarBytes(big.NewInt(int64(x)))...)
		even, err := Stark.ParsePoint(encoded)
		encoded[0] = 0x03
		odd, errOdd := Stark.ParsePoint(encoded)
		if (err == nil) != (errOdd == nil) || err != nil && !errors.Is(err, ErrPoint) {
			t.Fatalf("x = %d: %v, %v", x, err, errOdd)
		}
		if err != nil {
			continue
		}
		found++
		a, _ := even.element()
		b, _ := odd.element()
		if even == odd || !a.plus(b).isIdentity() || odd.String() != hex.EncodeToString(encoded) {
			t.Errorf("x = %d: %s and %s", x, even, odd)
		}
	}
	if found < 5 || found > 35 {
		t.Errorf("%d of 40 are points", found)
	}
}

// A point of the whole curve: the generator plus a point of order 2.
func TestEd25519PointOutsideThePrimeOrderGroupIsRefused(t *testing.T) {
	generator := unhex(t, "5866666666666666666666666666666666666666666666666666666666666666")
	g, err := Ed25519.ParsePoint(generator)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := Ed25519.ParsePoint(mixedOrderPoint(t, g)); !errors.Is(err, ErrPoint) {
		t.Errorf("took %s: %v", p, err)
	}
}

func TestZeroValuesAreRefused(t *testing.T) {
	one := lockedtest.Bytes(t, scalarBytes(big.NewInt(1)))
	for _, curve := range []Curve{0, 77} {
		_, errPoint := curve.ParsePoint(make([]byte, 33))
		_, errImport := curve.ParseUncompressedPoint(make([]byte, 65))
		_, errMul := curve.MulBase(one)
		_, errSplit := Split(curve, one, 2, 3)
		_, errExport := EncodeExport(curve, IndexOf(1), one)
		_, errParse := ParseExport(one, curve)
		_, errParseImport := ParseImport(one, curve, 3)
		for i, err := range []error{errPoint, errImport, errMul, errSplit, errExport, errParse, errParseImport} {
			if !errors.Is(err, ErrCurve) {
				t.Errorf("call %d took curve %d: %v", i, curve, err)
			}
		}
		if curve.Name() != "" {
			t.Errorf("curve %d has the name %q", curve, curve)
		}
	}
	if !(Point{}).IsZero() || (Point{}).Hex() != "" {
		t.Error("the zero Point looks like a point")
	}
	if _, err := Secp256k1.MulBase(nil); !errors.Is(err, ErrScalar) {
		t.Errorf("MulBase of nothing: %v", err)
	}
	if err := (PublicShares{{}, {}, {}}).Check(2); !errors.Is(err, ErrCurve) {
		t.Errorf("zero points: %v", err)
	}
}

func TestSchemesParseInExactCaseOnly(t *testing.T) {
	keySchemes := []string{"ECDSA", "ECDSA", "EdDSA", "Schnorr"}
	for i, s := range Schemes() {
		parsed, err := ParseScheme(s.Protocol(), s.Curve().Name())
		if err != nil || parsed != s || s.KeyScheme() != keySchemes[i] {
			t.Errorf("%s: %v %s", s, err, s.KeyScheme())
		}
	}
	alias, err := ParseScheme("CGGMP24", "stark")
	if err != nil || alias.String() != "CGGMP21/stark" {
		t.Errorf("CGGMP24: %s %v", alias, err)
	}
	for _, bad := range [][2]string{{"", ""}, {"cggmp21", "secp256k1"}, {"CGGMP21", "Secp256k1"}, {"CGGMP21", "ed25519"}, {"FROST", "secp256k1"}, {"FROST_BITCOIN", "stark"}, {"KU23", "secp256k1"}, {"GG18", "secp256k1"}} {
		if s, err := ParseScheme(bad[0], bad[1]); !errors.Is(err, ErrScheme) || !s.IsZero() {
			t.Errorf("took %v for %s", bad, s)
		}
	}
	if (Scheme{}).String() != "no scheme" || (Scheme{}).KeyScheme() != "" {
		t.Error("the zero Scheme looks like a scheme")
	}
}
