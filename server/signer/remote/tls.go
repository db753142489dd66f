package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The ways in which a connection does not come about though both sides are there.
var (
	ErrPin     = errors.New("the other side has another key than the pinned one")
	ErrExpired = errors.New("the other side's certificate is not valid at this time")
	ErrRefused = errors.New("the signer refuses this server's certificate")
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
		// Any certificate, since verifyServer decides on its key; but there must be one.
		ClientAuth:       tls.RequireAnyClientCert,
		VerifyConnection: i.verifyServer,
	}
}

// clientTLS goes on with a pinned server only.
func (i Identity) clientTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return i.Certificates.current() },
		// Names and authorities mean nothing here. The handshake still proves that the
		// other side has the private key of its certificate, and verifySigner knows that key.
		InsecureSkipVerify: true,
		VerifyConnection:   i.verifySigner,
	}
}

// verifySigner is called at the end of every handshake by which this side asks.
func (i Identity) verifySigner(state tls.ConnectionState) error {
	return i.verifyPeer(state, "signer", "another signer is at this address, or this one has a new identity key: "+
		"compare publicKey in this server's configuration with the signer's manifest")
}

// verifyServer is called at the end of every handshake by which this side is asked.
func (i Identity) verifyServer(state tls.ConnectionState) error {
	return i.verifyPeer(state, "server", "if it is yours, add its pin (keyferry signer server-pin) to servers "+
		"in this signer's configuration and start it again")
}

// verifyPeer names the other side and gives the operator's advice about a wrong key.
func (i Identity) verifyPeer(state tls.ConnectionState, other, advice string) error {
	if len(state.PeerCertificates) == 0 {
		return fmt.Errorf("%w: the %s shows none", ErrPin, other)
	}
	shown := state.PeerCertificates[0]
	pin, err := PinOf(shown.PublicKey)
	if err != nil {
		return fmt.Errorf("the %s's key: %w", other, err)
	}
	if !slices.Contains(i.Pins, pin) {
		return fmt.Errorf("%w: the %s's is %v; %s", ErrPin, other, pin, advice)
	}
	return inTime(shown, i.Now(), other)
}

// inTime judges a certificate by this side's clock. Each side makes its own anew before
// it ends, so where one is not valid there is nothing to renew.
func inTime(shown *x509.Certificate, now time.Time, other string) error {
	if !now.Before(shown.NotBefore) && !now.After(shown.NotAfter) {
		return nil
	}
	written := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	return fmt.Errorf("%w: the %s's is valid from %s until %s, and here it is %s; it makes a new one by itself in time, "+
		"so one of the two clocks is wrong: compare date -u on both machines",
		ErrExpired, other, written(shown.NotBefore), written(shown.NotAfter), written(now))
}
