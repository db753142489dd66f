package shares

import (
	"encoding/hex"
	"strings"
	"testing"

	"keyferry/shares/internal/vectors"
	"keyferry/shares/locked/lockedtest"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func curveNamed(t testing.TB, name string) Curve {
	t.Helper()
	c, err := ParseCurve(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every negative vector has a kind that one of the packages tests in full.
func TestEveryKindOfNegativeVectorIsTested(t *testing.T) {
	tested := map[string]bool{"encryptionKey": true, "ciphertext": true, "exportResponse": true, "importRequest": true}
	for _, v := range vectors.Load(t).Negative {
		if !tested[v.Kind] {
			t.Errorf("%s is of kind %q, which no test reads", v.ID, v.Kind)
		}
	}
}

func TestExportPlaintextsMatchVectors(t *testing.T) {
	for _, v := range vectors.Load(t).Export {
		curve := curveNamed(t, v.Curve)
		var all []Share
		for _, s := range v.Shares {
			plaintext, err := EncodeExport(curve, IndexOf(s.Index), lockedtest.Bytes(t, unhex(t, s.SecretHex)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(plaintext.Destroy)
			if string(plaintext.Bytes()) != s.Plaintext || plaintext.Cap()-plaintext.Len() < SealRoom {
				t.Errorf("%s share %d: encoded differently, or without room", v.Curve, s.Index)
			}
			share, err := ParseExport(plaintext, curve)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(share.Destroy)
			public, err := share.Public()
			if err != nil || public.Hex() != s.PublicShareHex || share.Index.Hex() != s.IndexScalarHex {
				t.Errorf("%s share %d: public share %s, index %s, error %v", v.Curve, s.Index, public, share.Index, err)
			}
			all = append(all, share)
		}
		checkInterpolation(t, all, v.SecretKeyHex, v.PublicKeyHex)
	}
}

func checkInterpolation(t *testing.T, all []Share, secretHex, publicKeyHex string) {
	t.Helper()
	for _, some := range [][]Share{all, all[:3], all[2:], {all[4], all[0], all[2]}} {
		secret, err := Interpolate(some)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(secret.Destroy)
		if hex.EncodeToString(secret.Bytes()) != secretHex {
			t.Errorf("%d shares of %s give another secret", len(some), some[0].Curve)
		}
		public, err := some[0].Curve.MulBase(secret)
		if err != nil || public.Hex() != publicKeyHex {
			t.Errorf("public key %s, error %v", public, err)
		}
	}
}

func TestPolynomialsMatchVectors(t *testing.T) {
	f := vectors.Load(t)
	for _, v := range f.Export {
		checkPolynomial(t, v.Curve, v.PolynomialHex, v.Shares)
	}
	for _, v := range f.Import {
		checkPolynomial(t, v.Curve, v.PolynomialHex, v.Shares)
	}
}

func checkPolynomial(t *testing.T, curve string, coefficients []string, shares []vectors.Share) {
	t.Helper()
	polynomial := lockedtest.Bytes(t, unhex(t, strings.Join(coefficients, "")))
	for _, s := range shares {
		value, err := evaluate(curveNamed(t, curve), polynomial, IndexOf(s.Index))
		if err != nil {
			t.Fatal(err)
		}
		defer value.Destroy()
		if hex.EncodeToString(value.Bytes()) != s.SecretHex {
			t.Errorf("%s: f(%d) differs", curve, s.Index)
		}
	}
}

func TestImportPlaintextsMatchVectors(t *testing.T) {
	for _, v := range vectors.Load(t).Import {
		curve := curveNamed(t, v.Curve)
		var public PublicShares
		for _, s := range v.Shares {
			point, err := curve.ParseUncompressedPoint(unhex(t, s.PublicShareHex))
			if err != nil {
				t.Fatal(err)
			}
			if s.PublicShareCompressedHex != "" && point.Hex() != s.PublicShareCompressedHex {
				t.Errorf("%s share %d compresses to %s", v.Curve, s.Index, point)
			}
			public = append(public, point)
		}
		if key, err := public.PublicKey(); err != nil || key.Hex() != v.PublicKeyHex {
			t.Errorf("%s: public key %s, error %v", v.Curve, key, err)
		}
		for _, s := range v.Shares {
			checkImportPlaintext(t, curve, v, s, public)
		}
	}
}

func checkImportPlaintext(t *testing.T, curve Curve, v vectors.Import, s vectors.Share, public PublicShares) {
	t.Helper()
	plaintext, err := EncodeImport(curve, lockedtest.Bytes(t, unhex(t, s.SecretHex)), public)
	if err != nil {
		t.Fatal(err)
	}
	defer plaintext.Destroy()
	if string(plaintext.Bytes()) != s.Plaintext || plaintext.Cap()-plaintext.Len() < SealRoom {
		t.Errorf("%s share %d: encoded differently, or without room", v.Curve, s.Index)
	}
	share, err := ParseImport(plaintext, curve, len(v.Shares))
	if err != nil {
		t.Fatal(err)
	}
	defer share.Destroy()
	if share.Public.Hash() != public.Hash() {
		t.Error("public shares read back differently")
	}
	if err := share.Check(s.Index, v.MinSigners); err != nil {
		t.Errorf("%s share %d: %v", v.Curve, s.Index, err)
	}
	if err := share.Check(s.Index%len(v.Shares)+1, v.MinSigners); err == nil {
		t.Errorf("%s share %d passes for another signer's", v.Curve, s.Index)
	}
}
