package keyformat

import (
	encodingasn1 "encoding/asn1"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"keyferry/shares/locked"
)

const (
	// maxDER is above the 144 bytes of a secp256k1 key in PKCS#8.
	maxDER = 256
	// pemLine is how many bytes make a line of 64 characters (RFC 7468 §2).
	pemLine = 48
)

func oidECPublicKey() encodingasn1.ObjectIdentifier { // RFC 5480 §2.1.1
	return encodingasn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
}

func oidSecp256k1() encodingasn1.ObjectIdentifier { // SEC 2 §A.2.1
	return encodingasn1.ObjectIdentifier{1, 3, 132, 0, 10}
}

// encodePKCS8 writes a "PRIVATE KEY" (RFC 5208 §5, RFC 7468 §10), in which the curve
// is named outside the ECPrivateKey.
func encodePKCS8(k privateKey) (*locked.Buffer, error) {
	return pemOf("PRIVATE KEY", func(der *cryptobyte.Builder) {
		der.AddASN1(asn1.SEQUENCE, func(info *cryptobyte.Builder) {
			info.AddASN1Int64(0)
			info.AddASN1(asn1.SEQUENCE, func(algorithm *cryptobyte.Builder) {
				algorithm.AddASN1ObjectIdentifier(oidECPublicKey())
				algorithm.AddASN1ObjectIdentifier(oidSecp256k1())
			})
			info.AddASN1(asn1.OCTET_STRING, func(key *cryptobyte.Builder) { k.addECPrivateKey(key, false) })
		})
	})
}

// encodeSEC1 writes an "EC PRIVATE KEY" (SEC 1 §C.4, RFC 5915 §4), as `openssl ec`
// does.
func encodeSEC1(k privateKey) (*locked.Buffer, error) {
	return pemOf("EC PRIVATE KEY", func(der *cryptobyte.Builder) { k.addECPrivateKey(der, true) })
}

// addECPrivateKey adds the structure of SEC 1 §C.4 with the public key, uncompressed.
func (k privateKey) addECPrivateKey(der *cryptobyte.Builder, withCurve bool) {
	der.AddASN1(asn1.SEQUENCE, func(key *cryptobyte.Builder) {
		key.AddASN1Int64(1)
		key.AddASN1OctetString(k.scalar)
		if withCurve {
			key.AddASN1(asn1.Tag(0).Constructed().ContextSpecific(), func(parameters *cryptobyte.Builder) {
				parameters.AddASN1ObjectIdentifier(oidSecp256k1())
			})
		}
		key.AddASN1(asn1.Tag(1).Constructed().ContextSpecific(), func(public *cryptobyte.Builder) {
			public.AddASN1BitString(k.public.Uncompressed())
		})
	})
}

// pemOf builds DER in locked memory, whose size is fixed so that it is never copied
// to the heap, and returns it as RFC 7468 text. encoding/pem would buffer it.
func pemOf(label string, build func(*cryptobyte.Builder)) (*locked.Buffer, error) {
	der, err := locked.New(maxDER)
	if err != nil {
		return nil, err
	}
	defer der.Destroy()
	locked.Do(func() {
		builder := cryptobyte.NewFixedBuilder(der.Bytes()[:0])
		build(builder)
		var built []byte
		built, err = builder.Bytes()
		der.Resize(len(built))
	})
	if err != nil {
		return nil, fmt.Errorf("encoding as DER: %w", err)
	}
	return armor(label, der.Bytes())
}

func armor(label string, der []byte) (*locked.Buffer, error) {
	begin, end := "-----BEGIN "+label+"-----\n", "-----END "+label+"-----\n"
	lines := (len(der) + pemLine - 1) / pemLine
	length := len(begin) + base64.StdEncoding.EncodedLen(len(der)) + lines + len(end)
	return filled(length, func(dst []byte) {
		dst = dst[copy(dst, begin):]
		for len(der) > 0 {
			line := der[:min(pemLine, len(der))]
			der = der[len(line):]
			base64.StdEncoding.Encode(dst, line)
			dst = dst[base64.StdEncoding.EncodedLen(len(line)):]
			dst = dst[copy(dst, "\n"):]
		}
		copy(dst, end)
	})
}
