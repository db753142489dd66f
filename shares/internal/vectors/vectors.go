// Package vectors reads testdata/dfns-wire.json for the tests of the packages
// around it. See the README beside that file for where the vectors come from.
package vectors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
)

// File is the whole file.
type File struct {
	Client     Client
	Export     []Export
	Import     []Import
	EdDSASeeds []Seed `json:"eddsaSeeds"`
	Negative   []Negative
	Tolerance  []Tolerance
}

// Client is the exporting client's key.
type Client struct {
	DecryptionKeyScalarHex, DecryptionKeyBytesHex string
	EncryptionKeyHex, EncryptionKey               string
}

// Export is a whole export: 3 of 5.
type Export struct {
	Protocol, Curve                        string
	SecretKeyHex                           string
	PublicKeyHex, PublicKeyUncompressedHex string
	PolynomialHex                          []string
	Shares                                 []Share
	Request, Response                      json.RawMessage
	RecoveredKeyHex                        string
}

// Import is a whole import: 3 of 5.
type Import struct {
	Protocol, Curve            string
	MinSigners                 int
	SecretKeyHex, PublicKeyHex string
	Signers                    []Signer
	PolynomialHex              []string
	Shares                     []Share
	RequestBodyJSON            string `json:"requestBodyJson"`
}

// Signer is a signer with its private key.
type Signer struct{ SignerID, EncryptionKey, DecryptionKeyScalarHex string }

// Signer returns the signer of an id; the zero Signer if there is none.
func (v Import) Signer(signerID string) Signer {
	for _, s := range v.Signers {
		if s.SignerID == signerID {
			return s
		}
	}
	return Signer{}
}

// Share is one signer's part of an export or an import.
type Share struct {
	Index                                    int
	IndexScalarHex, SecretHex                string
	PublicShareHex, PublicShareCompressedHex string
	Plaintext                                string
	EphemeralScalarHex                       string
	SharedSecretPointHex                     string
	SignerID, Ciphertext                     string
	CiphertextLen                            int
}

// Seed is an Ed25519 seed with its scalar and public key.
type Seed struct{ SeedHex, ScalarHex, PublicKeyHex string }

// Negative is what must be refused.
type Negative struct {
	ID, Kind                     string
	EncryptionKey, Ciphertext    string
	DecryptionKeyScalarHex       string
	ClientDecryptionKeyScalarHex string
	Response, Body               json.RawMessage
	ImportVector                 int
	Expect                       struct{ Client, Server string }
}

// Tolerance is an unusual response that clients accept.
type Tolerance struct {
	ID                           string
	ClientDecryptionKeyScalarHex string
	Response                     json.RawMessage
	ExpectRecoveredKeyHex        string
}

// name is where the file is for package shares; the others are folders within it.
const name = "testdata/dfns-wire.json"

// Load reads the file and makes sure that none of it is missing.
func Load(t testing.TB) File {
	t.Helper()
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = os.ReadFile("../" + name)
	}
	if err != nil {
		t.Fatal(err)
	}
	var f File
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatalf("reading %s: %v", name, err)
	}
	counts := []int{len(f.Export), len(f.Import), len(f.EdDSASeeds), len(f.Negative), len(f.Tolerance)}
	if fmt.Sprint(counts) != "[4 4 4 89 10]" {
		t.Fatalf("%s has %v vectors", name, counts)
	}
	return f
}

// OfKind returns the negative vectors of one kind, and an error unless there are as
// many as expected.
func (f File) OfKind(kind string, want int) ([]Negative, error) {
	var list []Negative
	for _, v := range f.Negative {
		if v.Kind == kind {
			list = append(list, v)
		}
	}
	if len(list) != want {
		return nil, fmt.Errorf("%d vectors of kind %s instead of %d", len(list), kind, want)
	}
	return list, nil
}
