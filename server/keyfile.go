//go:build cgo

package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"keyferry/config"
	"keyferry/server/identity"
	"keyferry/server/useraction"
)

// maxKeyFile is far above any private key in PEM.
const maxKeyFile = 64 << 10

// openTokens returns the issuer of access tokens, and of challenge identifiers, whose
// key is derived from that of the tokens.
func openTokens(c Config) (*identity.Tokens, *useraction.Identifiers, error) {
	key, err := openTokenKey(c.TokenKeyFile, "the key for access tokens")
	if err != nil {
		return nil, nil, err
	}
	tokens, err := identity.NewTokens(key, c.Deployment, c.Now)
	if err != nil {
		return nil, nil, err
	}
	identifiers, err := useraction.NewIdentifiers(key, c.Deployment)
	return tokens, identifiers, err
}

// openTokenKey returns the P-256 key in a file, which is made at first use.
func openTokenKey(path, what string) (*ecdsa.PrivateKey, error) {
	key, err := loadTokenKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeTokenKey(path); err != nil {
			return nil, fmt.Errorf("making %s: %w", what, err)
		}
		key, err = loadTokenKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return key, nil
}

func loadTokenKey(path string) (*ecdsa.PrivateKey, error) {
	parsed, err := loadKey(path)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%s does not hold a P-256 key", path)
	}
	return key, nil
}

// loadKey returns what the parser of PKCS#8 does, or nil for what it cannot read. Its
// error is not passed on, since it may quote the key.
func loadKey(path string) (any, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("%s is not a PEM file of PKCS#8 (BEGIN PRIVATE KEY)", path)
	}
	key, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
	return key, nil
}

func makeTokenKey(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	return makeKey(path, key)
}

// makeKey gives the file its name only when it is complete, and never takes the place
// of another: of two processes that make it, both then use the first one's.
func makeKey(path string, key any) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	defer clear(der)
	file, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	err = pem.Encode(file, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// readPrivate reads a file that holds a secret. Its group may read it: that is how
// containers are handed secrets. Nobody else may, and only its owner may write it.
func readPrivate(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o037 != 0 {
		return nil, fmt.Errorf("%s: mode %04o lets others at it: chmod 0600 it", path, mode)
	}
	return io.ReadAll(io.LimitReader(file, maxKeyFile))
}

func loadCertificate(c config.TLS) (tls.Certificate, error) {
	key, err := readPrivate(c.KeyFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("the TLS key: %w", err)
	}
	defer clear(key)
	chain, err := os.ReadFile(c.CertificateFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("the TLS certificate: %w", err)
	}
	certificate, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("the TLS certificate %s and its key: %w", c.CertificateFile, err)
	}
	return certificate, nil
}
