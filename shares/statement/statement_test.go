package statement

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"keyferry/shares"
	"keyferry/shares/manifest"
	"keyferry/shares/manifest/manifesttest"
)

// Points of secp256k1: the generator and its double (SEC 2 §2.4.1).
const (
	generator = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	double    = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
)

func point(t *testing.T, text string) shares.Point {
	t.Helper()
	encoded, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := shares.Secp256k1.ParsePoint(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func example(t *testing.T) Statement {
	t.Helper()
	scheme, err := shares.ParseScheme("CGGMP21", "secp256k1")
	if err != nil {
		t.Fatal(err)
	}
	return Statement{
		Deployment: "d", Organisation: "or-1", Key: "key-1", Scheme: scheme, PublicKey: point(t, generator), MinSigners: 3,
		Index: shares.IndexOf(2), Commitment: point(t, double), VectorHash: [32]byte{1}, EncryptionKeyHash: [32]byte{2},
		CiphertextHash: [32]byte{3}, ActionHash: [32]byte{4}, Time: 5,
	}
}

// changes returns statements that differ from the example in one field each.
func changes(t *testing.T) map[string]Statement {
	t.Helper()
	changed := map[string]Statement{}
	kind := reflect.TypeFor[Statement]()
	for i := range kind.NumField() {
		s := example(t)
		field := reflect.ValueOf(&s).Elem().Field(i)
		switch v := field.Addr().Interface().(type) {
		case *string:
			*v += "x"
		case *int:
			*v++
		case *int64:
			*v++
		case *[32]byte:
			v[31] ^= 1
		case *shares.Index:
			*v = shares.IndexOf(3)
		case *shares.Point:
			*v = point(t, map[bool]string{true: double, false: generator}[v.Hex() == generator])
		case *shares.Scheme:
			*v, _ = shares.ParseScheme("FROST_BITCOIN", "secp256k1")
		default:
			t.Fatalf("no change for %s", kind.Field(i).Name)
		}
		changed[kind.Field(i).Name] = s
	}
	return changed
}

func TestEveryFieldIsSigned(t *testing.T) {
	member, identity := manifesttest.NewMember(t, "d")
	signed, err := Sign(example(t), member.ID, identity)
	if err != nil {
		t.Fatal(err)
	}
	if err := signed.Verify(member); err != nil {
		t.Fatal(err)
	}
	for name, changed := range changes(t) {
		forged := signed
		forged.Statement = changed
		if err := forged.Verify(member); !errors.Is(err, ErrStatement) {
			t.Errorf("%s can be changed: %v", name, err)
		}
	}
}

func TestAStatementOfAnotherSignerIsRefused(t *testing.T) {
	member, identity := manifesttest.NewMember(t, "d")
	other, otherIdentity := manifesttest.NewMember(t, "d")
	for name, signed := range map[string]func() (Signed, error){
		"signed by another":       func() (Signed, error) { return Sign(example(t), member.ID, otherIdentity) },
		"said for another":        func() (Signed, error) { return Sign(example(t), other.ID, identity) },
		"said by no known signer": func() (Signed, error) { return Sign(example(t), other.ID, otherIdentity) },
	} {
		s, err := signed()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(member); !errors.Is(err, ErrStatement) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := (Signed{}).Verify(manifest.Member{}); !errors.Is(err, ErrStatement) {
		t.Errorf("nothing said by nobody: %v", err)
	}
	if _, err := Sign(Statement{}, member.ID, identity); err == nil {
		t.Error("signed nothing")
	}
}

func TestCheckNamesWhatDiffers(t *testing.T) {
	want := example(t)
	if err := want.Check(want); err != nil {
		t.Error(err)
	}
	if err := want.Check(Statement{}); err != nil {
		t.Errorf("compared with nothing: %v", err)
	}
	for name, other := range changes(t) {
		err := other.Check(want)
		if name == "Time" {
			if err != nil {
				t.Errorf("the time is compared: %v", err)
			}
			continue
		}
		if !errors.Is(err, ErrStatement) {
			t.Errorf("%s may differ: %v", name, err)
		}
	}
}

func TestAStatementSurvivesItsJSON(t *testing.T) {
	member, identity := manifesttest.NewMember(t, "d")
	signed, err := Sign(example(t), member.ID, identity)
	if err != nil {
		t.Fatal(err)
	}
	back, err := signed.JSON().Parse()
	if err != nil || !reflect.DeepEqual(back, signed) {
		t.Fatalf("came back as %+v, %v", back, err)
	}
	for name, spoil := range map[string]func(j *JSON){
		"an alias":              func(j *JSON) { j.Protocol = "CGGMP24" },
		"an unknown curve":      func(j *JSON) { j.Curve = "p256" },
		"a point off the curve": func(j *JSON) { j.PublicKey = "02" + j.VectorHash },
		"no commitment":         func(j *JSON) { j.Commitment = "" },
		"capital hex":           func(j *JSON) { j.Commitment = strings.ToUpper(j.Commitment) },
		"a short hash":          func(j *JSON) { j.ActionHash = j.ActionHash[2:] },
		"an index of zero":      func(j *JSON) { j.Index = strings.Repeat("0", 64) },
		"no signer":             func(j *JSON) { j.SignerID = "" },
	} {
		j := signed.JSON()
		spoil(&j)
		if s, err := j.Parse(); !errors.Is(err, ErrStatement) || s.Signature != nil {
			t.Errorf("%s: read as %+v, %v", name, s, err)
		}
	}
}

// A statement stays its signer's when another identity key has taken the place of the one
// that signed it, and is nobody's by a key that its verifier has not heard of.
func TestStatementOutlivesItsIdentityKey(t *testing.T) {
	first, key := manifesttest.NewMember(t, "d")
	nextKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	next, err := first.Successor("d", key, nextKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, by := range map[string]*ecdsa.PrivateKey{"old": key, "new": nextKey} {
		signed, err := Sign(example(t), first.ID, by)
		if err != nil {
			t.Fatal(err)
		}
		if err := signed.Verify(next); err != nil {
			t.Errorf("by the %s key: %v", name, err)
		}
		if err := signed.Verify(first); (err == nil) != (name == "old") {
			t.Errorf("by the %s key, to who knows the old one alone: %v", name, err)
		}
	}
}
