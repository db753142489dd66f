package recovery

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"keyferry/shares"
	"keyferry/shares/statement"
)

// maxResponse is far above 255 shares of 281 bytes.
const maxResponse = 1 << 20

// Response is an export's answer. Only ParseResponse makes one that Recover takes.
type Response struct {
	Scheme     shares.Scheme
	PublicKey  shares.Point
	MinSigners int
	Shares     []SealedShare
	Statements []statement.JSON // what the signers say of their shares; may be missing
	// AuditReceipt is the server's proof that the export is recorded, as it came, for
	// who can read it; nil if there is none.
	AuditReceipt jsontext.Value
}

// SealedShare is one signer's envelope.
type SealedShare struct {
	SignerID string
	Envelope []byte
}

// responseBody has the members that must be there, and the one that may; others are
// ignored.
type responseBody struct {
	PublicKey          *string `json:"publicKey"`
	Protocol           *string `json:"protocol"`
	Curve              *string `json:"curve"`
	MinSigners         *uint32 `json:"minSigners"`
	EncryptedKeyShares *[]struct {
		SignerID          *string `json:"signerId"`
		EncryptedKeyShare *string `json:"encryptedKeyShare"`
	} `json:"encryptedKeyShares"`
	Statements   []statement.JSON `json:"statements"`
	AuditReceipt jsontext.Value   `json:"auditReceipt"`
}

// ParseResponse reads the answer of POST /keys/{keyId}/export. Repeated members,
// members in another case, invalid UTF-8 and anything after the value are refused.
// As clients in the field do, it takes the public key in either case of hex and in
// uncompressed form, base64 with or without padding, and signer ids that are empty
// or repeated. Errors wrap [ErrResponse], [shares.ErrScheme], [shares.ErrPoint] or
// [shares.ErrThreshold].
func ParseResponse(text []byte) (Response, error) {
	if len(text) > maxResponse {
		return Response{}, fmt.Errorf("%w: %d bytes", ErrResponse, len(text))
	}
	var body responseBody
	if err := json.Unmarshal(text, &body); err != nil {
		return Response{}, fmt.Errorf("%w: %w", ErrResponse, err)
	}
	if body.PublicKey == nil || body.Protocol == nil || body.Curve == nil || body.MinSigners == nil || body.EncryptedKeyShares == nil {
		return Response{}, fmt.Errorf("%w: a member is missing", ErrResponse)
	}
	return body.parse()
}

func (body responseBody) parse() (Response, error) {
	scheme, err := parseScheme(*body.Protocol, *body.Curve)
	if err != nil {
		return Response{}, err
	}
	publicKey, err := parsePublicKey(scheme.Curve(), *body.PublicKey)
	if err != nil {
		return Response{}, err
	}
	response := Response{Scheme: scheme, PublicKey: publicKey, MinSigners: int(*body.MinSigners), Statements: body.Statements, AuditReceipt: body.AuditReceipt}
	for i, share := range *body.EncryptedKeyShares {
		sealed, err := parseSealedShare(share.SignerID, share.EncryptedKeyShare)
		if err != nil {
			return Response{}, fmt.Errorf("%w: share %d: %w", ErrResponse, i+1, err)
		}
		response.Shares = append(response.Shares, sealed)
	}
	if err := response.checkThreshold(); err != nil {
		return Response{}, err
	}
	return response, nil
}

// parseScheme takes the spelling that Request lists and no alias of it.
func parseScheme(protocol, curve string) (shares.Scheme, error) {
	scheme, err := shares.ParseScheme(protocol, curve)
	if err == nil && scheme.Protocol() != protocol {
		return shares.Scheme{}, fmt.Errorf("%w: protocol %q was not asked for", shares.ErrScheme, protocol)
	}
	return scheme, err
}

func (r Response) checkThreshold() error {
	n := len(r.Shares)
	if r.MinSigners < shares.MinThreshold || r.MinSigners > n || n > shares.MaxShares {
		return fmt.Errorf("%w: %d shares, of which %d are needed", shares.ErrThreshold, n, r.MinSigners)
	}
	return nil
}

func parsePublicKey(curve shares.Curve, text string) (shares.Point, error) {
	encoded, err := hex.DecodeString(text)
	if err != nil {
		return shares.Point{}, fmt.Errorf("%w: publicKey is not hex", ErrResponse)
	}
	if len(encoded) == 65 {
		return curve.ParseUncompressedPoint(encoded)
	}
	return curve.ParsePoint(encoded)
}

func parseSealedShare(signerID, sealed *string) (SealedShare, error) {
	if signerID == nil || sealed == nil {
		return SealedShare{}, errors.New("a member is missing")
	}
	if _, err := decodeBase64(*signerID); err != nil {
		return SealedShare{}, fmt.Errorf("signerId: %w", err)
	}
	envelope, err := decodeBase64(*sealed)
	if err != nil {
		return SealedShare{}, fmt.Errorf("encryptedKeyShare: %w", err)
	}
	return SealedShare{*signerID, envelope}, nil
}

// decodeBase64 reads the standard alphabet with or without padding. Go's decoder
// skips line breaks; they are refused first.
func decodeBase64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("not standard base64")
	}
	decoded, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, errors.New("not standard base64")
	}
	return decoded, nil
}
