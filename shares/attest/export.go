package attest

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"keyferry/shares"
	"keyferry/shares/statement"
)

// Export is an export's answer, as far as statements speak of it.
type Export struct {
	Scheme     shares.Scheme
	PublicKey  shares.Point
	MinSigners int
	Shares     []Share
	Statements []statement.JSON
}

// Share is one sealed share.
type Share struct {
	SignerID   string
	Ciphertext []byte
}

type exportBody struct {
	PublicKey          string           `json:"publicKey"`
	Protocol           string           `json:"protocol"`
	Curve              string           `json:"curve"`
	MinSigners         int              `json:"minSigners"`
	EncryptedKeyShares []shareBody      `json:"encryptedKeyShares"`
	Statements         []statement.JSON `json:"statements"`
}

type shareBody struct {
	SignerID          string `json:"signerId"`
	EncryptedKeyShare string `json:"encryptedKeyShare"`
}

// ParseExport reads the answer of POST /keys/{keyId}/export with its additional member
// "statements". The public key is lower-case hex of the compressed point, a sealed
// share is padded standard base64, and there are at most 255 of them and as many
// statements; an alias of a protocol is read as the protocol. Errors wrap [ErrAnswer].
func ParseExport(text []byte) (Export, error) {
	var body exportBody
	if err := json.Unmarshal(text, &body); err != nil {
		return Export{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	export, err := body.parse()
	if err != nil {
		return Export{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return export, nil
}

func (b exportBody) parse() (Export, error) {
	if len(b.EncryptedKeyShares) > shares.MaxShares || len(b.Statements) > shares.MaxShares {
		return Export{}, errors.New("too many shares or statements")
	}
	e := Export{MinSigners: b.MinSigners, Statements: b.Statements}
	var err error
	if e.Scheme, err = shares.ParseScheme(b.Protocol, b.Curve); err != nil {
		return Export{}, err
	}
	if e.PublicKey, err = parsePublicKey(e.Scheme.Curve(), b.PublicKey); err != nil {
		return Export{}, err
	}
	for i, share := range b.EncryptedKeyShares {
		ciphertext, err := parseBase64(share.EncryptedKeyShare)
		if err != nil {
			return Export{}, fmt.Errorf("share %d: %w", i+1, err)
		}
		e.Shares = append(e.Shares, Share{share.SignerID, ciphertext})
	}
	return e, nil
}

func parsePublicKey(curve shares.Curve, text string) (shares.Point, error) {
	encoded, err := hex.DecodeString(text)
	if err != nil || hex.EncodeToString(encoded) != text {
		return shares.Point{}, errors.New("publicKey is not lower-case hex")
	}
	return curve.ParsePoint(encoded)
}

// parseBase64 takes the one canonical spelling, so that every client decodes it to the
// same bytes.
func parseBase64(text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(decoded) != text {
		return nil, errors.New("encryptedKeyShare is not padded standard base64")
	}
	return decoded, nil
}
