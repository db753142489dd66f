package shares

import "fmt"

// Protocols, as the API spells them.
const (
	protocolCGGMP21      = "CGGMP21"
	protocolCGGMP24      = "CGGMP24" // the newer name of the same scheme; read, never written
	protocolFROST        = "FROST"
	protocolFROSTBitcoin = "FROST_BITCOIN"
)

// Scheme is a signing protocol together with its curve. Schemes are comparable;
// the zero Scheme is none and is refused wherever one is needed.
type Scheme struct {
	protocol string
	curve    Curve
}

// Schemes lists the supported schemes, in the order in which clients list them.
func Schemes() []Scheme {
	return []Scheme{
		{protocolCGGMP21, Secp256k1},
		{protocolCGGMP21, Stark},
		{protocolFROST, Ed25519},
		{protocolFROSTBitcoin, Secp256k1},
	}
}

// ParseScheme reads a protocol and a curve, in exact case. CGGMP24 is read as
// CGGMP21. Errors wrap [ErrScheme].
func ParseScheme(protocol, curve string) (Scheme, error) {
	canonical := protocol
	if protocol == protocolCGGMP24 {
		canonical = protocolCGGMP21
	}
	for _, s := range Schemes() {
		if s.protocol == canonical && s.curve.Name() == curve {
			return s, nil
		}
	}
	return Scheme{}, fmt.Errorf("%w: protocol %.32q on curve %.32q", ErrScheme, protocol, curve)
}

// Protocol returns CGGMP21, FROST or FROST_BITCOIN.
func (s Scheme) Protocol() string { return s.protocol }

// Curve returns the scheme's curve.
func (s Scheme) Curve() Curve { return s.curve }

// KeyScheme returns the API's name of what such a key signs: ECDSA, EdDSA or
// Schnorr; empty for the zero Scheme.
func (s Scheme) KeyScheme() string {
	switch s.protocol {
	case protocolCGGMP21:
		return "ECDSA"
	case protocolFROST:
		return "EdDSA"
	case protocolFROSTBitcoin:
		return "Schnorr"
	}
	return ""
}

// IsZero reports whether s is no scheme.
func (s Scheme) IsZero() bool { return s == Scheme{} }

// String returns protocol/curve, for example CGGMP21/secp256k1.
func (s Scheme) String() string {
	if s.IsZero() {
		return "no scheme"
	}
	return s.protocol + "/" + s.curve.Name()
}
