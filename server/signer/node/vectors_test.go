//go:build cgo

package node_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/fault"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/recovery"
)

// importVector is an import that must be accepted, with its signers' private keys.
// The list of signers is in no order.
type importVector struct {
	Protocol, Curve            string
	MinSigners                 int
	SecretKeyHex, PublicKeyHex string
	Signers                    []vectorSigner
	RequestBodyJSON            string `json:"requestBodyJson"`
}

type vectorSigner struct{ SignerID, EncryptionKey, DecryptionKeyScalarHex string }

// refusedVector is an import that must be refused, by the signers of the import
// vector with that number.
type refusedVector struct {
	ID, Kind     string
	ImportVector int
	Body         json.RawMessage
	Expect       struct{ Server string }
}

// loadVectors returns every import vector of the file, and fails unless all are there.
func loadVectors(t *testing.T) (accepted []importVector, refused []refusedVector) {
	t.Helper()
	text, err := os.ReadFile("../../../shares/testdata/dfns-wire.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Import   []importVector
		Negative []refusedVector
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	refused = slices.DeleteFunc(file.Negative, func(v refusedVector) bool { return v.Kind != "importRequest" })
	if len(file.Import) != 4 || len(refused) != 11 {
		t.Fatalf("%d import vectors and %d that are refused, instead of 4 and 11", len(file.Import), len(refused))
	}
	return file.Import, refused
}

func (c *vectorCluster) importBody(t *testing.T, body string) (keyring.Key, error) {
	t.Helper()
	return c.service.Import(context.Background(), c.Prove(t, signer.ImportPath, c.renamed.Replace(body)))
}

// rows counts what the databases have of keys: in the server's, and in each signer's.
func (c *vectorCluster) rows(t *testing.T) string {
	t.Helper()
	text := fmt.Sprintf("%d keys, %d open imports, shares", count(t, c.Dir, "server.db", "keys"), count(t, c.Dir, "server.db", "imports"))
	for i := range c.Nodes {
		text += fmt.Sprintf(" %d", count(t, c.Dir, fmt.Sprintf("signer-%d.db", i), "shares"))
	}
	return text
}

func count(t *testing.T, dir, file, table string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, file)+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil {
		t.Fatalf("counting %s in %s: %v", table, file, err)
	}
	return n
}

const (
	nothing = "0 keys, 0 open imports, shares 0 0 0 0 0"
	oneKey  = "1 keys, 0 open imports, shares 1 1 1 1 1"
)

func TestTokensTakeImportVectorsAndGiveTheirKeysBack(t *testing.T) {
	accepted, _ := loadVectors(t)
	for _, v := range accepted {
		t.Run(v.Protocol+"/"+v.Curve, func(t *testing.T) {
			c := newVectorCluster(t, v)
			key, err := c.importBody(t, v.RequestBodyJSON)
			if err != nil {
				t.Fatal(err)
			}
			if key.PublicKey.Hex() != v.PublicKeyHex || key.Scheme.String() != v.Protocol+"/"+v.Curve ||
				key.MinSigners != v.MinSigners || key.Signers != len(v.Signers) {
				t.Errorf("imported %+v", key)
			}
			if rows := c.rows(t); rows != oneKey {
				t.Errorf("stored %s", rows)
			}
			if got := c.exportSecret(t, key); got != v.SecretKeyHex {
				t.Error("the export gives another private key")
			}
		})
	}
}

// exportSecret exports a key as its owner does and returns the private key in hex.
func (c *vectorCluster) exportSecret(t *testing.T, key keyring.Key) string {
	t.Helper()
	recovered := c.Recover(t, c.service, key.ID, key.Scheme, recovery.Options{PublicKey: key.PublicKey, Strict: true})
	defer recovered.Destroy()
	return hex.EncodeToString(recovered.Secret.Bytes())
}

// refusal is why a vector is refused: by the parser, which both sides use, or by a
// signer that opened its share.
type refusal struct {
	says  string // the parser, to the client
	cause error  // at the signer, told to nobody
}

// refusals has every negative import vector, so that none passes for another's reason.
func refusals() map[string]refusal {
	return map[string]refusal{
		"imp-missing-signer":       {says: "exactly one share for each"},
		"imp-duplicate-signer":     {says: "names a signer twice"},
		"imp-unknown-signer":       {says: "exactly one share for each"},
		"imp-scheme":               {says: "not a supported scheme"},
		"imp-shares-swapped":       {cause: envelope.ErrOpen},
		"imp-secret-not-public":    {cause: shares.ErrPolynomial},
		"imp-public-shares-differ": {cause: shares.ErrPolynomial}, // one of the lists is not even consistent
		"imp-public-shares-short":  {cause: shares.ErrPlaintext},
		"imp-degree-too-high":      {cause: shares.ErrPolynomial},
		"imp-version-2":            {cause: shares.ErrPlaintext},
		"imp-min-signers-2":        {cause: shares.ErrPolynomial},
	}
}

// explains reports whether err is this refusal, in a form that the client may see.
func (r refusal) explains(err error) bool {
	if fault.KindOf(err) != fault.Invalid {
		return false
	}
	if r.cause != nil {
		return errors.Is(err, node.ErrBadShare) && errors.Is(err, r.cause)
	}
	return r.says != "" && strings.Contains(err.Error(), r.says)
}

func TestNegativeImportVectorsAreRefusedAndLeaveNothing(t *testing.T) {
	accepted, refused := loadVectors(t)
	c := newVectorCluster(t, accepted[0])
	wanted := refusals()
	for _, v := range refused {
		t.Run(v.ID, func(t *testing.T) {
			if v.ImportVector != 0 || v.Expect.Server != "400" {
				t.Fatalf("the vector is for signers %d and expects %s", v.ImportVector, v.Expect.Server)
			}
			_, err := c.importBody(t, string(v.Body))
			if !wanted[v.ID].explains(err) {
				t.Errorf("got %v", err)
			}
			if begun := audit.IsRecorded(err); begun != (wanted[v.ID].cause != nil) {
				t.Errorf("the import was begun: %v", begun)
			}
			if rows := c.rows(t); rows != nothing {
				t.Errorf("left behind %s", rows)
			}
		})
	}
	if key, err := c.importBody(t, accepted[0].RequestBodyJSON); err != nil || c.rows(t) != oneKey {
		t.Errorf("the good import after them: %v, %v", key.ID, err)
	}
}

// A server that asks without having looked gets the same answer from the signers: all
// refuse what the parser refuses, and at least one refuses a bad share.
func TestSignersRefuseNegativeImportVectorsByThemselves(t *testing.T) {
	accepted, refused := loadVectors(t)
	c := newVectorCluster(t, accepted[0])
	wanted := refusals()
	for _, v := range refused {
		action := c.Sign(t, signer.ImportPath, c.renamed.Replace(string(v.Body)))
		refusing := 0
		for _, one := range c.Nodes {
			_, err := one.Prepare(context.Background(), signer.Request{Action: action})
			if err == nil {
				continue
			}
			refusing++
			if !wanted[v.ID].explains(err) {
				t.Errorf("%s: got %v", v.ID, err)
			}
		}
		if wanted[v.ID].cause == nil && refusing != len(c.Nodes) || refusing == 0 {
			t.Errorf("%s: refused by %d signers", v.ID, refusing)
		}
	}
}
