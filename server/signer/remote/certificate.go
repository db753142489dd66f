package remote

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
	"time"
)

const (
	certificateLife = 7 * 24 * time.Hour
	renewBefore     = certificateLife / 2
	clockSkew       = 5 * time.Minute // by which the other side's clock may be behind
)

// Certificates is a key with a certificate that it signs for itself, anew before each
// one ends. A certificate says nothing but its key and its time: a stolen one is worth
// nothing without the key, and a stolen clock costs a week.
//
// The key may be one that signs other things, in a token: what TLS 1.3 signs begins
// with 64 blanks (RFC 8446 §4.4.3) and a certificate with the byte 30, whereas
// statements, receipts and manifests begin with the byte 00 of a length.
type Certificates struct {
	key crypto.Signer
	now func() time.Time

	mu   sync.Mutex
	last *tls.Certificate
}

// NewCertificates makes the first certificate.
func NewCertificates(key crypto.Signer, now func() time.Time) (*Certificates, error) {
	c := &Certificates{key: key, now: now}
	_, err := c.current()
	return c, err
}

// Pin is what the other side must know.
func (c *Certificates) Pin() (Pin, error) { return PinOf(c.key.Public()) }

func (c *Certificates) current() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.last != nil && now.Before(c.last.Leaf.NotAfter.Add(-renewBefore)) && !now.Before(c.last.Leaf.NotBefore) {
		return c.last, nil
	}
	fresh, err := selfSigned(c.key, now)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	c.last = fresh
	return fresh, nil
}

func selfSigned(key crypto.Signer, now time.Time) (*tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "keyferry"},
		NotBefore:    now.Add(-clockSkew), NotAfter: now.Add(certificateLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
