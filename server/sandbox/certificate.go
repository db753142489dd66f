//go:build cgo

package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"time"

	"keyferry/config"
)

const (
	certificateLife = 365 * 24 * time.Hour
	// renewBefore leaves a sandbox that runs for as long as its token holds a
	// certificate that is still good.
	renewBefore = tokenLifetime
)

// ensureCertificate makes an authority and a certificate for the host unless good
// ones are there.
func (l layout) ensureCertificate(host string, now time.Time) (config.TLS, error) {
	files := config.TLS{CertificateFile: l.at(certificateFile), KeyFile: l.at(tlsKeyFile)}
	if l.goodCertificate(files, host, now) {
		return files, nil
	}
	if err := l.makeCertificate(files, host, now); err != nil {
		return config.TLS{}, fmt.Errorf("making a certificate: %w", err)
	}
	return files, nil
}

func (l layout) goodCertificate(files config.TLS, host string, now time.Time) bool {
	pair, err := tls.LoadX509KeyPair(files.CertificateFile, files.KeyFile)
	if err != nil {
		return false
	}
	roots := x509.NewCertPool()
	authority, err := os.ReadFile(l.at(authorityFile))
	if err != nil || !roots.AppendCertsFromPEM(authority) {
		return false
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: now.Add(renewBefore)})
	return err == nil
}

// makeCertificate forgets the authority's key as soon as it has signed the one
// certificate: clients that trust the authority trust nothing else by it. The
// certificate comes last, so that an interrupted start finds none that fits.
func (l layout) makeCertificate(files config.TLS, host string, now time.Time) error {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	authority := authorityTemplate(now)
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, hostTemplate(host, now), authority, &key.PublicKey, authorityKey)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for _, file := range []struct {
		path, kind string
		der        []byte
	}{
		{files.KeyFile, "PRIVATE KEY", keyDER},
		{l.at(authorityFile), "CERTIFICATE", authorityDER},
		{files.CertificateFile, "CERTIFICATE", der},
	} {
		if err := replaceFile(file.path, pem.EncodeToMemory(&pem.Block{Type: file.kind, Bytes: file.der})); err != nil {
			return err
		}
	}
	return nil
}

func authorityTemplate(now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Keyferry sandbox authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
}

func hostTemplate(host string, now time.Time) *x509.Certificate {
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Keyferry sandbox"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip == nil {
		template.DNSNames = append(template.DNSNames, host)
	} else {
		template.IPAddresses = append(template.IPAddresses, ip)
	}
	return template
}
