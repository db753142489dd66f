//go:build linux && cgo

package bench

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
	"keyferry/shares/locked"
)

// An export opens five shares, each of them a text of this length, and the place that
// each is bound to has about this length.
const (
	signers    = 5
	textLength = 232
	aadLength  = 300
)

// bare is what an export cannot do without, and nothing else: five openings by five
// tokens, and five envelopes around what came out. No request, no consent, no record,
// no locked memory; secrets are left where they fall. It is what the server is
// measured against.
type bare struct {
	blobs   [signers][]byte
	aad     []byte
	slots   [signers]uint
	library *pkcs11.Ctx
	client  *secp256k1.PublicKey
}

func newBare(b *testing.B) *bare {
	b.Helper()
	client, err := secp256k1.GeneratePrivateKey()
	must(b, err)
	d := &bare{aad: random(aadLength), client: client.PubKey(), library: pkcs11.New(hsmtest.Path(b))}
	b.Cleanup(d.library.Destroy)
	for i := range signers {
		cfg := hsmtest.Blank(b)
		token := hsmtest.Open(b, cfg)
		_, err := token.Init(context.Background())
		must(b, err)
		d.blobs[i] = sealRandom(b, token, d.aad)
		d.slots[i] = d.slot(b, cfg.Label)
	}
	return d
}

func sealRandom(b *testing.B, token *hsm.Token, aad []byte) []byte {
	b.Helper()
	text, err := locked.New(textLength)
	must(b, err)
	defer text.Destroy()
	copy(text.Bytes(), random(textLength))
	blob, err := token.SealShare(context.Background(), hsm.FirstWrappingKey, text, aad)
	must(b, err)
	return blob
}

func (d *bare) slot(b *testing.B, label string) uint {
	b.Helper()
	slots, err := d.library.GetSlotList(true)
	must(b, err)
	for _, slot := range slots {
		if info, err := d.library.GetTokenInfo(slot); err == nil && info.Label == label {
			return slot
		}
	}
	b.Fatalf("no token %q", label)
	return 0
}

// opener is one caller's session with one token.
type opener struct {
	session pkcs11.SessionHandle
	key     pkcs11.ObjectHandle
}

// caller returns the loop's body for one of several that run at once.
func (d *bare) caller(b *testing.B) func() error {
	b.Helper()
	var openers [signers]opener
	for i, slot := range d.slots {
		session, err := d.library.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
		must(b, err)
		b.Cleanup(func() { d.library.CloseSession(session) })
		openers[i] = opener{session, d.wrappingKey(b, session)}
	}
	return func() error {
		for i, o := range openers {
			text, err := d.open(o, d.blobs[i])
			if err != nil {
				return err
			}
			if _, err := d.seal(text); err != nil {
				return err
			}
		}
		return nil
	}
}

func (d *bare) wrappingKey(b *testing.B, session pkcs11.SessionHandle) pkcs11.ObjectHandle {
	b.Helper()
	must(b, d.library.FindObjectsInit(session, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY)}))
	found, _, err := d.library.FindObjects(session, 2)
	must(b, errors.Join(err, d.library.FindObjectsFinal(session)))
	if len(found) != 1 {
		b.Fatalf("%d secret keys on a token", len(found))
	}
	return found[0]
}

func (d *bare) open(o opener, blob []byte) ([]byte, error) {
	gcm := pkcs11.NewGCMParams(blob[1:13], d.aad, 128)
	defer gcm.Free()
	if err := d.library.DecryptInit(o.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, gcm)}, o.key); err != nil {
		return nil, err
	}
	return d.library.Decrypt(o.session, blob[13:])
}

func (d *bare) seal(text []byte) ([]byte, error) {
	ephemeral, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		return nil, err
	}
	var point, shared secp256k1.JacobianPoint
	d.client.AsJacobian(&point)
	secp256k1.ScalarMultNonConst(&ephemeral.Key, &point, &shared)
	shared.ToAffine()
	secret := secp256k1.NewPublicKey(&shared.X, &shared.Y).SerializeCompressed()
	key, err := hkdf.Key(sha256.New, secret, nil, "benchmark", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	// As in the real envelope, the key is used once, so the nonce may be fixed.
	return append(gcm.Seal(nil, make([]byte, gcm.NonceSize()), text, nil), ephemeral.PubKey().SerializeCompressed()...), nil
}
