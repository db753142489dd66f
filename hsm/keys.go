//go:build cgo

package hsm

import (
	"fmt"

	"github.com/miekg/pkcs11"
)

// The roles of a signer's keys. With a version they make a key's label and id: a key
// that takes another's place gets the next version, and both can be told apart while
// both exist.
const (
	roleShareWrapping = "share-wrapping"
	roleImport        = "import"
	roleIdentity      = "identity"
)

// keyName is what CKA_LABEL and CKA_ID are made of.
type keyName struct {
	role    string
	version int
}

func (n keyName) label() string { return fmt.Sprintf("keyferry %s v%d", n.role, n.version) }
func (n keyName) id() string    { return fmt.Sprintf("keyferry/%s/%d", n.role, n.version) }

// attribute is one line of a key's template. Without an essential one a key is not
// safe to use; a module may refuse to be asked for an optional one.
type attribute struct {
	name      string
	kind      uint
	value     any
	essential bool
	optional  bool
}

// keySpec describes a key to make: the template of the secret or private key, and for a
// pair that of the public half.
type keySpec struct {
	name      keyName
	generate  uint // the mechanism
	private   []attribute
	public    []attribute // nil for a secret key
	forbidden forbiddenUse
}

// lastingKeys are those of which a token has one, for ever.
func lastingKeys() []keySpec { return []keySpec{importKey(), identityKey()} }

// shareWrappingKey seals shares at rest: AES-256, by GCM alone.
func shareWrappingKey(version WrappingKey) keySpec {
	return keySpec{
		name:     keyName{roleShareWrapping, int(version)},
		generate: pkcs11.CKM_AES_KEY_GEN,
		private: append(hidden(pkcs11.CKO_SECRET_KEY, pkcs11.CKK_AES, pkcs11.CKM_AES_GCM),
			attribute{name: "CKA_VALUE_LEN", kind: pkcs11.CKA_VALUE_LEN, value: 32},
			attribute{name: "CKA_ENCRYPT", kind: pkcs11.CKA_ENCRYPT, value: true},
			attribute{name: "CKA_DECRYPT", kind: pkcs11.CKA_DECRYPT, value: true},
			attribute{name: "CKA_WRAP", kind: pkcs11.CKA_WRAP, value: false},
			attribute{name: "CKA_UNWRAP", kind: pkcs11.CKA_UNWRAP, value: false},
			attribute{name: "CKA_SIGN", kind: pkcs11.CKA_SIGN, value: false},
			attribute{name: "CKA_VERIFY", kind: pkcs11.CKA_VERIFY, value: false},
			attribute{name: "CKA_DERIVE", kind: pkcs11.CKA_DERIVE, value: false},
		),
		forbidden: forbiddenUse{"AES-CBC with the share-wrapping key", encryptWithCBC},
	}
}

// importKey opens imported shares: secp256k1, by ECDH alone.
func importKey() keySpec {
	return keySpec{
		name:     keyName{roleImport, 1},
		generate: pkcs11.CKM_EC_KEY_PAIR_GEN,
		private: append(hidden(pkcs11.CKO_PRIVATE_KEY, pkcs11.CKK_EC, pkcs11.CKM_ECDH1_DERIVE),
			attribute{name: "CKA_DERIVE", kind: pkcs11.CKA_DERIVE, value: true},
			attribute{name: "CKA_SIGN", kind: pkcs11.CKA_SIGN, value: false},
			attribute{name: "CKA_DECRYPT", kind: pkcs11.CKA_DECRYPT, value: false},
			attribute{name: "CKA_UNWRAP", kind: pkcs11.CKA_UNWRAP, value: false},
		),
		public:    append(published(secp256k1Params()), attribute{name: "CKA_VERIFY", kind: pkcs11.CKA_VERIFY, value: false}),
		forbidden: forbiddenUse{"signing with the import key", signWithECDSA},
	}
}

// identityKey signs statements, the manifest and TLS handshakes: P-256, by ECDSA alone.
func identityKey() keySpec {
	return keySpec{
		name:     keyName{roleIdentity, 1},
		generate: pkcs11.CKM_EC_KEY_PAIR_GEN,
		private: append(hidden(pkcs11.CKO_PRIVATE_KEY, pkcs11.CKK_EC, pkcs11.CKM_ECDSA),
			attribute{name: "CKA_SIGN", kind: pkcs11.CKA_SIGN, value: true},
			attribute{name: "CKA_DERIVE", kind: pkcs11.CKA_DERIVE, value: false},
			attribute{name: "CKA_DECRYPT", kind: pkcs11.CKA_DECRYPT, value: false},
			attribute{name: "CKA_UNWRAP", kind: pkcs11.CKA_UNWRAP, value: false},
		),
		public:    append(published(p256Params()), attribute{name: "CKA_VERIFY", kind: pkcs11.CKA_VERIFY, value: true}),
		forbidden: forbiddenUse{"ECDH with the identity key", deriveWithP256},
	}
}

// hidden begins the template of a key that never leaves the token and that one
// mechanism may use. CKA_MODIFIABLE keeps its uses from being widened later.
func hidden(class, keyType, mechanism uint) []attribute {
	return []attribute{
		{name: "CKA_CLASS", kind: pkcs11.CKA_CLASS, value: class, essential: true},
		{name: "CKA_KEY_TYPE", kind: pkcs11.CKA_KEY_TYPE, value: keyType, essential: true},
		{name: "CKA_TOKEN", kind: pkcs11.CKA_TOKEN, value: true, essential: true},
		{name: "CKA_PRIVATE", kind: pkcs11.CKA_PRIVATE, value: true, essential: true},
		{name: "CKA_SENSITIVE", kind: pkcs11.CKA_SENSITIVE, value: true, essential: true},
		{name: "CKA_EXTRACTABLE", kind: pkcs11.CKA_EXTRACTABLE, value: false, essential: true},
		{name: "CKA_MODIFIABLE", kind: pkcs11.CKA_MODIFIABLE, value: false, optional: true},
		{name: "CKA_ALLOWED_MECHANISMS", kind: pkcs11.CKA_ALLOWED_MECHANISMS, value: mechanism, optional: true},
	}
}

// published begins the template of a public key.
func published(curve []byte) []attribute {
	return []attribute{
		{name: "CKA_TOKEN", kind: pkcs11.CKA_TOKEN, value: true},
		{name: "CKA_EC_PARAMS", kind: pkcs11.CKA_EC_PARAMS, value: curve},
	}
}

// Object identifiers in DER: 1.3.132.0.10 (SEC 2) and 1.2.840.10045.3.1.7 (RFC 5480).
func secp256k1Params() []byte { return []byte{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a} }

func p256Params() []byte {
	return []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}
}

// template is what the token is asked for. A list of one mechanism is encoded like the
// mechanism.
func (s keySpec) template(attributes []attribute, withOptional bool) []*pkcs11.Attribute {
	list := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, s.name.label()),
		pkcs11.NewAttribute(pkcs11.CKA_ID, s.name.id()),
	}
	for _, a := range attributes {
		if withOptional || !a.optional {
			list = append(list, pkcs11.NewAttribute(a.kind, a.value))
		}
	}
	return list
}
