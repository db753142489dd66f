//go:build cgo

package hsmtest

import (
	"context"
	"crypto/ecdsa"
	"encoding/asn1"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/miekg/pkcs11"

	"keyferry/hsm"
)

// KnownKeys are private keys that a test chooses, where a real token would make its
// own: a signer's id follows from the one, what was sealed to it opens with the other.
type KnownKeys struct {
	Import   *secp256k1.PrivateKey
	Identity *ecdsa.PrivateKey // P-256
}

// TokenWithKeys returns a fresh token that has the known keys, under the names and with
// the restrictions that the key ceremony gives its own. The ceremony is held on top of
// them: it must take both for its own, find nothing to report, and add the rest.
func TokenWithKeys(t testing.TB, known KnownKeys) *hsm.Token {
	t.Helper()
	cfg := Blank(t)
	token := Open(t, cfg)
	putKeys(t, cfg.Label, known)
	report, err := token.Init(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range report.Keys {
		if key.Created != (key.Role == "share-wrapping") || len(key.NotEnforced) > 0 {
			t.Fatalf("the key ceremony did not take the known keys: %+v", key)
		}
	}
	return token
}

// putKeys writes both pairs past package hsm, which has no way to put a key that
// somebody knows into a token. The login of the open token is the whole process's.
func putKeys(t testing.TB, label string, known KnownKeys) {
	t.Helper()
	p11 := pkcs11.New(Path(t))
	if p11 == nil {
		t.Fatal("SoftHSM does not load a second time")
	}
	defer p11.Destroy()
	session, err := p11.OpenSession(slotOf(t, p11, label), pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		t.Fatal(err)
	}
	defer p11.CloseSession(session)
	for _, pair := range known.pairs(t) {
		for _, template := range [][]*pkcs11.Attribute{pair.public(), pair.private()} {
			if _, err := p11.CreateObject(session, template); err != nil {
				t.Fatalf("creating %q: %v", pair.label, err)
			}
		}
	}
}

func slotOf(t testing.TB, p11 *pkcs11.Ctx, label string) uint {
	t.Helper()
	slots, err := p11.GetSlotList(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, slot := range slots {
		if info, err := p11.GetTokenInfo(slot); err == nil && info.Label == label {
			return slot
		}
	}
	t.Fatalf("no token %q", label)
	return 0
}

// pair is a key pair as a token stores it.
type pair struct {
	label, id      string
	mechanism      uint   // the only one that it may be used by
	curve          []byte // object identifier, DER
	point          []byte // SEC1, uncompressed
	scalar         []byte // 32 bytes, big-endian
	derives, signs bool
}

// pairs gives the object identifiers 1.3.132.0.10 (SEC 2 §A.2.1) and
// 1.2.840.10045.3.1.7 (RFC 5480 §2.1.1.1) in DER.
func (k KnownKeys) pairs(t testing.TB) []pair {
	t.Helper()
	point, err := k.Identity.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	scalar, err := k.Identity.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return []pair{{
		label: "keyferry import v1", id: "keyferry/import/1", mechanism: pkcs11.CKM_ECDH1_DERIVE, derives: true,
		curve: []byte{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a},
		point: k.Import.PubKey().SerializeUncompressed(), scalar: k.Import.Serialize(),
	}, {
		label: "keyferry identity v1", id: "keyferry/identity/1", mechanism: pkcs11.CKM_ECDSA, signs: true,
		curve: []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07},
		point: point, scalar: scalar,
	}}
}

// public has the point inside a DER OCTET STRING (PKCS#11 v2.40 mechanisms §2.3.3).
func (p pair) public() []*pkcs11.Attribute {
	point, _ := asn1.Marshal(p.point) // of a byte slice: cannot fail
	return append(p.named(pkcs11.CKO_PUBLIC_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, point),
		pkcs11.NewAttribute(pkcs11.CKA_VERIFY, p.signs),
	)
}

func (p pair) private() []*pkcs11.Attribute {
	return append(p.named(pkcs11.CKO_PRIVATE_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE, p.scalar),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_MODIFIABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_ALLOWED_MECHANISMS, p.mechanism),
		pkcs11.NewAttribute(pkcs11.CKA_DERIVE, p.derives),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN, p.signs),
		pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, false),
		pkcs11.NewAttribute(pkcs11.CKA_UNWRAP, false),
	)
}

func (p pair) named(class uint) []*pkcs11.Attribute {
	return []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, class),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_EC),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, p.label),
		pkcs11.NewAttribute(pkcs11.CKA_ID, p.id),
		pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, p.curve),
	}
}
