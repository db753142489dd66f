//go:build cgo

package hsm_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

const (
	wrappingLabel = "keyferry share-wrapping v1"
	importLabel   = "keyferry import v1"
	identityLabel = "keyferry identity v1"
)

func TestCeremonyMakesThreeKeysAndRepeatingItChangesNothing(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Open(t, hsmtest.Blank(t))
	first, err := token.Init(ctx)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := token.SealShare(ctx, hsm.FirstWrappingKey, secret(t, "share"), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := token.Init(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, label := range []string{wrappingLabel, importLabel, identityLabel} {
		if first.Keys[i].Label != label || !first.Keys[i].Created {
			t.Errorf("first ceremony: %+v", first.Keys[i])
		}
		first.Keys[i].Created = false
	}
	if !reflect.DeepEqual(first, second) {
		t.Errorf("the second ceremony differs: %+v, %+v", first, second)
	}
	if _, err := token.OpenShare(ctx, hsm.FirstWrappingKey, blob, nil, 0); err != nil {
		t.Errorf("after the second ceremony: %v", err)
	}
}

func TestSoftHSMEnforcesEveryRestriction(t *testing.T) {
	report, err := hsmtest.Open(t, hsmtest.Blank(t)).Init(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range report.Keys {
		if len(key.NotEnforced) > 0 {
			t.Errorf("%s: %q", key.Label, key.NotEnforced)
		}
	}
}

func TestKeysSurviveReopening(t *testing.T) {
	ctx := context.Background()
	cfg := hsmtest.Blank(t)
	token := hsmtest.Open(t, cfg)
	if _, err := token.Init(ctx); err != nil {
		t.Fatal(err)
	}
	public := token.ImportPublicKey()
	blob, err := token.SealShare(ctx, hsm.FirstWrappingKey, secret(t, "share"), []byte("place"))
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	reopened := hsmtest.Open(t, cfg)
	mustEqual(t, "import key", reopened.ImportPublicKey(), public)
	plaintext, err := reopened.OpenShare(ctx, hsm.FirstWrappingKey, blob, []byte("place"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer plaintext.Destroy()
	mustEqual(t, "share", plaintext.Bytes(), []byte("share"))
}

func TestBlankTokenSaysToHoldTheCeremony(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Open(t, hsmtest.Blank(t))
	_, sealing := token.SealShare(ctx, hsm.FirstWrappingKey, secret(t, "share"), nil)
	_, opening := token.OpenShare(ctx, hsm.FirstWrappingKey, append([]byte{1}, make([]byte, 40)...), nil, 0)
	for doing, err := range map[string]error{"ready": token.Ready(ctx), "sealing": sealing, "opening": opening} {
		if !errors.Is(err, hsm.ErrNotInitialised) {
			t.Errorf("%s: %v", doing, err)
		}
	}
	if token.ImportPublicKey() != nil || token.Identity().Public() != nil {
		t.Error("a blank token shows public keys")
	}
}

func TestTokenIsReadyAfterTheCeremony(t *testing.T) {
	if err := hsmtest.Token(t).Ready(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestPrivateKeysCannotLeaveTheToken(t *testing.T) {
	token := hsmtest.Token(t)
	r := rawAccess(t, token.Label())
	session := r.session(t)
	keys := map[string]uint{wrappingLabel: pkcs11.CKO_SECRET_KEY, importLabel: pkcs11.CKO_PRIVATE_KEY, identityLabel: pkcs11.CKO_PRIVATE_KEY}
	wrapper, err := r.GenerateKey(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32), pkcs11.NewAttribute(pkcs11.CKA_WRAP, true),
	})
	if err != nil {
		t.Fatal(err)
	}
	for label, class := range keys {
		key := r.findOne(t, session, class, label)
		value := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil)}
		if _, err := r.GetAttributeValue(session, key, value); err != pkcs11.Error(pkcs11.CKR_ATTRIBUTE_SENSITIVE) {
			t.Errorf("%s: reading its value: %v", label, err)
		}
		wrap := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_WRAP_PAD, nil)}
		if _, err := r.WrapKey(session, wrap, wrapper, key); err != pkcs11.Error(pkcs11.CKR_KEY_UNEXTRACTABLE) {
			t.Errorf("%s: wrapping it: %v", label, err)
		}
		for _, change := range []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false),
			pkcs11.NewAttribute(pkcs11.CKA_WRAP, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, "another"),
		} {
			if err := r.SetAttributeValue(session, key, []*pkcs11.Attribute{change}); err == nil {
				t.Errorf("%s: attribute %#x was changed", label, change.Type)
			}
		}
	}
}

func TestTokenRefusesWrongUses(t *testing.T) {
	token := hsmtest.Token(t)
	r := rawAccess(t, token.Label())
	session := r.session(t)
	wrapping := r.findOne(t, session, pkcs11.CKO_SECRET_KEY, wrappingLabel)
	imports := r.findOne(t, session, pkcs11.CKO_PRIVATE_KEY, importLabel)
	identity := r.findOne(t, session, pkcs11.CKO_PRIVATE_KEY, identityLabel)
	mechanism := func(m uint, parameter any) []*pkcs11.Mechanism {
		return []*pkcs11.Mechanism{pkcs11.NewMechanism(m, parameter)}
	}
	_, wrapErr := r.WrapKey(session, mechanism(pkcs11.CKM_AES_KEY_WRAP_PAD, nil), wrapping, identity)
	ecdh := pkcs11.NewECDH1DeriveParams(pkcs11.CKD_NULL, nil, token.ImportPublicKey())
	_, deriveErr := r.DeriveKey(session, mechanism(pkcs11.CKM_ECDH1_DERIVE, ecdh), identity, nil)
	for use, err := range map[string]error{
		"ECB with the wrapping key":      r.EncryptInit(session, mechanism(pkcs11.CKM_AES_ECB, nil), wrapping),
		"CBC with the wrapping key":      r.DecryptInit(session, mechanism(pkcs11.CKM_AES_CBC, make([]byte, 16)), wrapping),
		"CMAC with the wrapping key":     r.SignInit(session, mechanism(pkcs11.CKM_AES_CMAC, nil), wrapping),
		"wrapping with the wrapping key": wrapErr,
		"signing with the import key":    r.SignInit(session, mechanism(pkcs11.CKM_ECDSA, nil), imports),
		"ECDH with the identity key":     deriveErr,
	} {
		if err == nil {
			t.Errorf("%s is possible", use)
		}
	}
}

// Somebody with the PIN puts a key of his own in place of ours, one that he can read.
func TestExtractableKeyUnderOurNameIsRefused(t *testing.T) {
	cfg := hsmtest.Blank(t)
	token := hsmtest.Open(t, cfg)
	r := rawAccess(t, token.Label())
	_, err := r.GenerateKey(r.session(t), []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, wrappingLabel), pkcs11.NewAttribute(pkcs11.CKA_ID, "keyferry/share-wrapping/1"),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32), pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, true), pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Init(context.Background()); !errors.Is(err, hsm.ErrKeysChanged) {
		t.Errorf("the ceremony: %v", err)
	}
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := hsmtest.Module(t).Token(cfg); !errors.Is(err, hsm.ErrKeysChanged) {
		t.Errorf("opening: %v", err)
	}
}

func TestSecondKeyOfTheSameNameIsRefused(t *testing.T) {
	token := hsmtest.Token(t)
	r := rawAccess(t, token.Label())
	_, err := r.GenerateKey(r.session(t), []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, wrappingLabel),
		pkcs11.NewAttribute(pkcs11.CKA_ID, "keyferry/share-wrapping/1"), pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Init(context.Background()); !errors.Is(err, hsm.ErrKeysChanged) {
		t.Errorf("the ceremony: %v", err)
	}
}

func TestHalfAKeyPairIsRefused(t *testing.T) {
	token := hsmtest.Token(t)
	r := rawAccess(t, token.Label())
	session := r.session(t)
	if err := r.DestroyObject(session, r.findOne(t, session, pkcs11.CKO_PUBLIC_KEY, importLabel)); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Init(context.Background()); !errors.Is(err, hsm.ErrKeysChanged) {
		t.Errorf("the ceremony: %v", err)
	}
	if n := len(r.find(t, session, pkcs11.CKO_PRIVATE_KEY, importLabel)); n != 1 {
		t.Errorf("%d private halves", n)
	}
}
