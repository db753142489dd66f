package keyformat

import (
	"fmt"
	"slices"
	"strings"

	"keyferry/shares"
	"keyferry/shares/locked"
)

// Format is a way to write a private key. The zero Format is none and is refused.
type Format uint8

// The formats.
const (
	Hex Format = iota + 1
	Raw
	WIF
	WIFTestnet
	EthereumKeystore
	PEM
	PEMSEC1
	Starknet
	StarknetKeystore
	Expanded
	ExpandedHex
)

// encoding is what each format's file provides.
type encoding struct {
	name     string
	curves   []shares.Curve
	encrypts bool
	encode   func(privateKey) (*locked.Buffer, error)
}

func (f Format) encoding() (encoding, error) {
	every := []shares.Curve{shares.Secp256k1, shares.Stark, shares.Ed25519}
	secp256k1, stark, ed25519 := every[:1], every[1:2], every[2:]
	switch f {
	case Hex:
		return encoding{name: "hex", curves: every, encode: encodeHex}, nil
	case Raw:
		return encoding{name: "raw", curves: every, encode: encodeRaw}, nil
	case WIF:
		return encoding{name: "wif", curves: secp256k1, encode: encodeWIF}, nil
	case WIFTestnet:
		return encoding{name: "wif-testnet", curves: secp256k1, encode: encodeWIFTestnet}, nil
	case EthereumKeystore:
		return encoding{name: "ethereum-keystore", curves: secp256k1, encrypts: true, encode: encodeEthereumKeystore}, nil
	case PEM:
		return encoding{name: "pem", curves: secp256k1, encode: encodePKCS8}, nil
	case PEMSEC1:
		return encoding{name: "pem-sec1", curves: secp256k1, encode: encodeSEC1}, nil
	case Starknet:
		return encoding{name: "starknet", curves: stark, encode: encodeStarknet}, nil
	case StarknetKeystore:
		return encoding{name: "starknet-keystore", curves: stark, encrypts: true, encode: encodeStarknetKeystore}, nil
	case Expanded:
		return encoding{name: "expanded", curves: ed25519, encode: encodeExpanded}, nil
	case ExpandedHex:
		return encoding{name: "expanded-hex", curves: ed25519, encode: encodeExpandedHex}, nil
	}
	return encoding{}, ErrFormat
}

// AllFormats lists the formats in the order in which help texts name them.
func AllFormats() []Format {
	return []Format{Hex, Raw, WIF, WIFTestnet, EthereumKeystore, PEM, PEMSEC1, Starknet, StarknetKeystore, Expanded, ExpandedHex}
}

// Formats lists the formats that take a key of the given curve; none for the zero
// Curve.
func Formats(curve shares.Curve) []Format {
	return slices.DeleteFunc(AllFormats(), func(f Format) bool { return !f.takes(curve) })
}

// ParseFormat reads a format's name, in exact case. Errors wrap [ErrFormat] and list
// the names.
func ParseFormat(name string) (Format, error) {
	for _, f := range AllFormats() {
		if f.String() == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("%w %.32q: it is one of %s", ErrFormat, name, names(AllFormats()))
}

// String returns the name; empty for what is no format.
func (f Format) String() string {
	e, _ := f.encoding()
	return e.name
}

// Encrypts reports whether the file is encrypted under a password.
func (f Format) Encrypts() bool {
	e, _ := f.encoding()
	return e.encrypts
}

func (f Format) takes(curve shares.Curve) bool {
	e, _ := f.encoding()
	return slices.Contains(e.curves, curve)
}

func names(formats []Format) string {
	list := make([]string, len(formats))
	for i, f := range formats {
		list[i] = f.String()
	}
	return strings.Join(list, ", ")
}
