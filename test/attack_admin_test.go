//go:build cgo

package test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"keyferry/server/identity"
)

// admin runs `keyferry admin` against the running server's directory and returns what
// it says of what it made.
func (s *stage) admin(t *testing.T, arguments ...string) map[string]string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, append([]string{"admin", "--dir", s.dir, "--json"}, arguments...)...)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		t.Fatalf("admin %v: %v\n%s", arguments, err, &complaint)
	}
	var said map[string]any
	if err := json.Unmarshal(output, &said); err != nil {
		t.Fatalf("admin %v said %s", arguments, output)
	}
	texts := map[string]string{}
	for name, value := range said {
		if text, ok := value.(string); ok {
			texts[name] = text
		}
	}
	return texts
}

// hire makes an account with a credential, a token and the permissions.
func (s *stage) hire(t *testing.T, org string, key crypto.Signer, permissions ...identity.Permission) *account {
	t.Helper()
	a := &account{stage: s, org: org, key: key}
	a.id = s.admin(t, "account", "create", "--org", org, "--name", "account")["id"]
	if len(permissions) > 0 {
		grant := []string{"permission", "grant", "--account", a.id}
		for _, p := range permissions {
			grant = append(grant, "--permission", string(p))
		}
		s.admin(t, grant...)
	}
	a.credential = s.register(t, a.id, key)
	a.token = s.admin(t, "token", "issue", "--account", a.id)["token"]
	return a
}

// register adds a credential of a key and returns its id.
func (s *stage) register(t *testing.T, account string, key crypto.Signer, flags ...string) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return s.registerPEM(t, account, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), flags...)
}

func (s *stage) registerPEM(t *testing.T, account, publicKey string, flags ...string) string {
	t.Helper()
	file := writeFile(t, publicKey)
	return s.admin(t, append([]string{"credential", "add", "--account", account, "--public-key", file}, flags...)...)["id"]
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func privatePEM(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
