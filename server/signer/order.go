package signer

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"keyferry/server/fault"
	"keyferry/server/keyring"
	"keyferry/server/strictjson"
	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/manifest"
)

const (
	maxSchemes = 64  // in one request; the API knows a handful
	maxName    = 100 // characters of a key's name
)

// malformed is the refusal of a request that says something impossible. The message
// is for whoever wrote it.
func malformed(format string, args ...any) error {
	return fault.New(fault.Invalid, "request.malformed", fmt.Sprintf(format, args...))
}

// ErrScheme refuses an export whose client cannot take the key's scheme.
var ErrScheme = fault.New(fault.Invalid, "export.scheme", "the key's protocol and curve are not among supportedSchemes")

// ExportOrder is the body of an export: to which key the shares go, and which
// schemes the client can take.
type ExportOrder struct {
	EncryptionKey envelope.EncryptionKey
	offered       []offer
}

// offer is one protocol and curve as the client spelled them.
type offer struct {
	Protocol string `json:"protocol" required:"true"`
	Curve    string `json:"curve" required:"true"`
}

// ParseExport reads an export's body.
func ParseExport(payload []byte) (ExportOrder, error) {
	var body struct {
		EncryptionKey    string  `json:"encryptionKey" required:"true"`
		SupportedSchemes []offer `json:"supportedSchemes" required:"true"`
	}
	if err := decode(payload, &body); err != nil {
		return ExportOrder{}, err
	}
	key, err := envelope.ParseEncryptionKey(body.EncryptionKey)
	if err != nil {
		return ExportOrder{}, malformed("encryptionKey is not an encryption key: %v", err)
	}
	if n := len(body.SupportedSchemes); n == 0 || n > maxSchemes {
		return ExportOrder{}, malformed("supportedSchemes must have 1 to %d entries", maxSchemes)
	}
	return ExportOrder{EncryptionKey: key, offered: body.SupportedSchemes}, nil
}

// Spelling returns the protocol's name for a key of this scheme, as the client
// listed it: the canonical name where it is among those offered, else the alias that
// is. Schemes that this service does not know are passed over.
func (o ExportOrder) Spelling(of shares.Scheme) (string, error) {
	alias := ""
	for _, offered := range o.offered {
		scheme, err := shares.ParseScheme(offered.Protocol, offered.Curve)
		if err != nil || scheme != of {
			continue
		}
		if offered.Protocol == scheme.Protocol() {
			return offered.Protocol, nil
		}
		alias = offered.Protocol
	}
	if alias == "" {
		return "", ErrScheme
	}
	return alias, nil
}

// ImportOrder is the body of an import: one sealed share for each signer.
type ImportOrder struct {
	Scheme     shares.Scheme
	MinSigners int
	Name       string
	Shares     []ImportedShare // sorted by the signers' raw ids: the i-th has index i+1
}

// ImportedShare is a share that the client sealed to a signer.
type ImportedShare struct {
	Signer     ID
	Ciphertext []byte
}

type importBody struct {
	Protocol           string `json:"protocol" required:"true"`
	Curve              string `json:"curve" required:"true"`
	MinSigners         int    `json:"minSigners" required:"true"`
	Name               string `json:"name"`
	MasterKey          bool   `json:"masterKey"`
	EncryptedKeyShares []struct {
		SignerID          string `json:"signerId" required:"true"`
		EncryptedKeyShare string `json:"encryptedKeyShare" required:"true"`
	} `json:"encryptedKeyShares" required:"true"`
}

// ParseImport reads an import's body. Whether the signers are those of the cluster,
// and the shares good, is not known yet.
func ParseImport(payload []byte) (ImportOrder, error) {
	var body importBody
	if err := decode(payload, &body); err != nil {
		return ImportOrder{}, err
	}
	scheme, err := shares.ParseScheme(body.Protocol, body.Curve)
	switch n := len(body.EncryptedKeyShares); {
	case err != nil:
		return ImportOrder{}, malformed("protocol and curve are not a supported scheme")
	case body.MasterKey:
		return ImportOrder{}, malformed("masterKey is not supported")
	case utf8.RuneCountInString(body.Name) > maxName:
		return ImportOrder{}, malformed("name is longer than %d characters", maxName)
	case strings.ContainsFunc(body.Name, unicode.IsControl):
		return ImportOrder{}, malformed("name has a control character")
	case n == 0 || n > shares.MaxShares:
		return ImportOrder{}, malformed("encryptedKeyShares must have one entry for each signer")
	case body.MinSigners < shares.MinThreshold || body.MinSigners > n:
		return ImportOrder{}, malformed("minSigners must be between %d and the number of shares", shares.MinThreshold)
	}
	sealed, err := body.shares()
	if err != nil {
		return ImportOrder{}, err
	}
	return ImportOrder{Scheme: scheme, MinSigners: body.MinSigners, Name: body.Name, Shares: sealed}, nil
}

func (b importBody) shares() ([]ImportedShare, error) {
	var sealed []ImportedShare
	for i, entry := range b.EncryptedKeyShares {
		id, err := manifest.ParseID(entry.SignerID)
		if err != nil {
			return nil, malformed("encryptedKeyShares[%d].signerId: %v", i, err)
		}
		ciphertext, err := decodeBase64(entry.EncryptedKeyShare)
		if err != nil {
			return nil, malformed("encryptedKeyShares[%d].encryptedKeyShare: %v", i, err)
		}
		sealed = append(sealed, ImportedShare{Signer: id, Ciphertext: ciphertext})
	}
	slices.SortFunc(sealed, func(a, b ImportedShare) int { return a.Signer.Compare(b.Signer) })
	for i := range sealed[1:] {
		if sealed[i].Signer == sealed[i+1].Signer {
			return nil, malformed("encryptedKeyShares names a signer twice")
		}
	}
	return sealed, nil
}

// IsFor checks that there is exactly one share for each signer of the cluster, whose
// ids are sorted.
func (o ImportOrder) IsFor(cluster []ID) error {
	named := make([]ID, len(o.Shares))
	for i, share := range o.Shares {
		named[i] = share.Signer
	}
	if !slices.Equal(named, cluster) {
		return malformed("encryptedKeyShares must have exactly one share for each of the cluster's %d signers", len(cluster))
	}
	return nil
}

// decodeBase64 refuses what Go's decoder would overlook: line breaks and stray bits.
func decodeBase64(text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(decoded) != text {
		return nil, errors.New("expected padded standard base64")
	}
	return decoded, nil
}

func decode(payload []byte, into any) error {
	err := strictjson.Decode(payload, into)
	if shape, ok := errors.AsType[*strictjson.Error](err); ok {
		return malformed("%s", shape.Error())
	}
	return err
}

// The paths of the requests that signers act on.
const (
	ImportPath   = "/keys/import"
	keysPrefix   = "/keys/"
	walletPrefix = "/wallets/" // older clients export the wallet of a key
	exportSuffix = "/export"
)

// ErrOtherPath says that a signed action is not about what it was presented for.
var ErrOtherPath = errors.New("the action is about another request")

// ExportedKey returns the key that the path of an export names.
func ExportedKey(method, path string) (keyring.KeyID, error) {
	named, isExport := strings.CutSuffix(path, exportSuffix)
	if method != "POST" || !isExport {
		return "", ErrOtherPath
	}
	if id, ok := strings.CutPrefix(named, keysPrefix); ok && !strings.Contains(id, "/") {
		return keyring.ParseKeyID(id)
	}
	if id, ok := strings.CutPrefix(named, walletPrefix); ok && !strings.Contains(id, "/") {
		return keyring.ParseWalletID(id)
	}
	return "", ErrOtherPath
}
