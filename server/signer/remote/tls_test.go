//go:build cgo

package remote_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/remote"
	"keyferry/shares/manifest/manifesttest"
)

// scripted is a signer that answers discards as its test says; the rest it does not know.
type scripted struct {
	signer.Signer
	info    signer.Info
	discard func(context.Context, keyring.KeyID) error
}

func (s scripted) Info() signer.Info { return s.info }

func (s scripted) Discard(ctx context.Context, key keyring.KeyID) error { return s.discard(ctx, key) }

func newScripted(t *testing.T, p pair, discard func(context.Context, keyring.KeyID) error) scripted {
	t.Helper()
	return scripted{info: signer.Info{Member: manifesttest.MemberWith(t, "d", p.signer)}, discard: discard}
}

func agrees(context.Context, keyring.KeyID) error { return nil }

func newPair(t *testing.T) pair { return pair{signer: newKey(t), caller: newKey(t), now: time.Now} }

func TestPinIsTheSignersID(t *testing.T) {
	p := newPair(t)
	s := newScripted(t, p, agrees)
	if pin := pinOf(t, p.signer); pin.String() != s.info.ID.String() {
		t.Errorf("pin %v, id %v", pin, s.info.ID)
	}
	if back, err := remote.ParsePin(s.info.ID.String()); err != nil || back != pinOf(t, p.signer) {
		t.Errorf("%v, %v", back, err)
	}
	for _, text := range []string{"", "AAAA", strings.Repeat("A", 44), s.info.ID.String() + "\n"} {
		if _, err := remote.ParsePin(text); err == nil {
			t.Errorf("%q is read as a pin", text)
		}
	}
}

// ask sends one question over a connection and returns what came of it.
func ask(t *testing.T, signerSide, callerSide func(pair) remote.Identity) (error, bool) {
	t.Helper()
	p := newPair(t)
	reached := false
	s := newScripted(t, p, func(context.Context, keyring.KeyID) error { reached = true; return nil })
	at := serve(t, s, "127.0.0.1:0", signerSide(p))
	err := dial(t, s, at.address, callerSide(p)).Discard(context.Background(), "key-1")
	at.end()
	return err, reached
}

func TestPinnedSidesReachEachOther(t *testing.T) {
	err, reached := ask(t, func(p pair) remote.Identity { return p.signerSide(t) }, func(p pair) remote.Identity { return p.callerSide(t) })
	if err != nil || !reached {
		t.Errorf("%v, reached %v", err, reached)
	}
}

// Whichever side does not take the other: nothing was asked, which is certain, and there
// are words for it.
func TestConnectionsAreRefused(t *testing.T) {
	good := func(p pair) remote.Identity { return p.signerSide(t) }
	goodCaller := func(p pair) remote.Identity { return p.callerSide(t) }
	late := func() time.Time { return time.Now().Add(8 * 24 * time.Hour) }
	early := func() time.Time { return time.Now().Add(-time.Hour) }
	for name, test := range map[string]struct {
		signer, caller func(pair) remote.Identity
		want           error
	}{
		"another signer's key":   {func(p pair) remote.Identity { p.signer = newKey(t); return p.signerSide(t) }, goodCaller, remote.ErrPin},
		"another caller's key":   {good, func(p pair) remote.Identity { p.caller = newKey(t); return p.callerSide(t) }, remote.ErrRefused},
		"a caller that expired":  {func(p pair) remote.Identity { i := p.signerSide(t); i.Now = late; return i }, goodCaller, remote.ErrRefused},
		"a signer that expired":  {good, func(p pair) remote.Identity { i := p.callerSide(t); i.Now = late; return i }, remote.ErrExpired},
		"a signer of the future": {good, func(p pair) remote.Identity { i := p.callerSide(t); i.Now = early; return i }, remote.ErrExpired},
		"the signer's own key as caller": {good, func(p pair) remote.Identity {
			i := p.callerSide(t)
			i.Certificates = certificates(t, p.signer, time.Now)
			return i
		}, remote.ErrRefused},
	} {
		err, reached := ask(t, test.signer, test.caller)
		if reached || !errors.Is(err, signer.ErrUnavailable) || !signer.Refused(err) || !errors.Is(err, test.want) {
			t.Errorf("%s: reached %v, %v", name, reached, err)
		}
	}
}

// What the client's own configuration never does.
func TestForeignClientsAreRefused(t *testing.T) {
	p := newPair(t)
	s := newScripted(t, p, func(context.Context, keyring.KeyID) error { t.Error("reached"); return nil })
	at := serve(t, s, "127.0.0.1:0", p.signerSide(t))
	for name, config := range map[string]*tls.Config{
		"no certificate": {InsecureSkipVerify: true},
		"TLS 1.2":        {InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificateOf(t, p.caller.(*ecdsa.PrivateKey))}},
		"a stolen certificate without its key": {InsecureSkipVerify: true, Certificates: []tls.Certificate{
			{Certificate: certificateOf(t, p.caller.(*ecdsa.PrivateKey)).Certificate, PrivateKey: newKey(t)},
		}},
	} {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
		response, err := client.Post("https://"+at.address+"/v1/discard", "application/json", strings.NewReader(`{"keyId":"key-1"}`))
		if err == nil {
			response.Body.Close()
			t.Errorf("%s: %s", name, response.Status)
		}
	}
	if response, err := http.Post("http://"+at.address+"/v1/discard", "application/json", strings.NewReader(`{}`)); err == nil {
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("plain HTTP: %s, %s", response.Status, text)
		}
	}
}

func certificateOf(t *testing.T, key *ecdsa.PrivateKey) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestASignerOfTLS12IsRefused(t *testing.T) {
	p := newPair(t)
	s := newScripted(t, p, agrees)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificateOf(t, p.signer.(*ecdsa.PrivateKey))},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go http.Serve(listener, http.NotFoundHandler())
	err = dial(t, s, listener.Addr().String(), p.callerSide(t)).Discard(context.Background(), "key-1")
	if !errors.Is(err, signer.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// A process that runs for months never shows a certificate that has ended.
func TestCertificatesAreRenewedBeforeTheyEnd(t *testing.T) {
	p := newPair(t)
	now := time.Now()
	p.now = func() time.Time { return now }
	s := newScripted(t, p, agrees)
	at := serve(t, s, "127.0.0.1:0", p.signerSide(t))
	client := dial(t, s, at.address, p.callerSide(t))
	for range 5 {
		if err := client.Discard(context.Background(), "key-1"); err != nil {
			t.Errorf("at %v: %v", now, err)
		}
		client.Close() // the next question needs a handshake
		now = now.Add(5 * 24 * time.Hour)
	}
}

func TestOneOfSeveralPinsIsEnough(t *testing.T) {
	other := newKey(t)
	err, reached := ask(t, func(p pair) remote.Identity {
		i := p.signerSide(t)
		i.Pins = append([]remote.Pin{pinOf(t, other)}, i.Pins...)
		return i
	}, func(p pair) remote.Identity { return p.callerSide(t) })
	if err != nil || !reached {
		t.Errorf("%v, reached %v", err, reached)
	}
}

func TestIncompleteConfigurationsAreRefused(t *testing.T) {
	p := newPair(t)
	s := newScripted(t, p, agrees)
	whole := p.callerSide(t)
	for name, c := range map[string]remote.Config{
		"no pins":       {URL: "https://127.0.0.1:1", Member: s.info.Member, Identity: remote.Identity{Certificates: whole.Certificates, Now: time.Now}},
		"no key":        {URL: "https://127.0.0.1:1", Member: s.info.Member, Identity: remote.Identity{Pins: whole.Pins, Now: time.Now}},
		"plain http":    {URL: "http://127.0.0.1:1", Member: s.info.Member, Identity: whole},
		"a path":        {URL: "https://127.0.0.1:1/x", Member: s.info.Member, Identity: whole},
		"no signer":     {URL: "https://127.0.0.1:1", Identity: whole},
		"a user's name": {URL: "https://a@127.0.0.1:1", Member: s.info.Member, Identity: whole},
	} {
		if _, err := remote.NewClient(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
