package remote

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The ways in which the other side of a connection is not the one that is pinned.
var (
	ErrPin     = errors.New("the other side has another key than the pinned one")
	ErrExpired = errors.New("the other side's certificate is not valid at this time")
)

// Identity is how one side shows itself, and whom it expects to see.
type Identity struct {
	Certificates *Certificates
	Pins         []Pin // of the other side; any of them is good
	Now          func() time.Time
}

func (i Identity) check() error {
	if i.Certificates == nil || len(i.Pins) == 0 || i.Now == nil {
		return errors.New("remote: a certificate, the other side's pins and a clock are needed")
	}
	return nil
}

// serverTLS takes connections of pinned clients only.
func (i Identity) serverTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return i.Certificates.current() },
		// Any certificate, since verifyPeer decides on its key; but there must be one.
		ClientAuth:       tls.RequireAnyClientCert,
		VerifyConnection: i.verifyPeer,
	}
}

// clientTLS goes on with a pinned server only.
func (i Identity) clientTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return i.Certificates.current() },
		// Names and authorities mean nothing here. The handshake still proves that the
		// other side has the private key of its certificate, and verifyPeer knows that key.
		InsecureSkipVerify: true,
		VerifyConnection:   i.verifyPeer,
	}
}

// verifyPeer is called at the end of every handshake.
func (i Identity) verifyPeer(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return ErrPin
	}
	shown := state.PeerCertificates[0]
	pin, err := PinOf(shown.PublicKey)
	if err != nil {
		return err
	}
	if !slices.Contains(i.Pins, pin) {
		return fmt.Errorf("%w: it is %v", ErrPin, pin)
	}
	if now := i.Now(); now.Before(shown.NotBefore) || now.After(shown.NotAfter) {
		return fmt.Errorf("%w: it is from %v to %v", ErrExpired, shown.NotBefore, shown.NotAfter)
	}
	return nil
}
