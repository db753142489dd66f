package guard

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"keyferry/shares/attest/attesttest"
)

func TestListenWithoutTLSIsForLoopbackOnly(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "nonsense"} {
		if listener, err := Listen(address, nil); err == nil {
			listener.Close()
			t.Errorf("listens on %s", address)
		}
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0"} {
		listener, err := Listen(address, nil)
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
	}
}

// newCertificate makes one that signs itself, for 127.0.0.1.
func newCertificate(t *testing.T) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestServeOverTLSEndsInOrder(t *testing.T) {
	s := newScene(t)
	upstream := httptest.NewServer(s.upstream)
	defer upstream.Close()
	g, err := New(Config{Upstream: upstream.URL, Manifest: s.cluster.Manifest, Organisation: attesttest.Organisation, Log: newLog(s.log)})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	certificate, roots := newCertificate(t)
	listener, err := Listen("127.0.0.1:0", certificate)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(ctx, listener) }()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	response, err := client.Get("https://" + listener.Addr().String() + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != `{"path":"/keys"}` {
		t.Errorf("got %q, %v", body, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := client.Get("https://" + listener.Addr().String() + "/keys"); err == nil {
		t.Error("still serves")
	}
}

// The upstream's certificate is checked, or anybody on the way could be the upstream.
func TestUpstreamWithoutAGoodCertificateIsRefused(t *testing.T) {
	s := newScene(t)
	api := httptest.NewUnstartedServer(s.upstream)
	api.Config.ErrorLog = log.New(io.Discard, "", 0)
	api.StartTLS()
	defer api.Close()
	for name, c := range map[string]struct {
		roots  *x509.CertPool
		status int
	}{
		"unknown authority": {x509.NewCertPool(), 502},
		"known authority":   {poolOf(api.Certificate()), 200},
	} {
		with := newSceneWith(t, func(config *Config) { config.Upstream, config.RootCAs = api.URL, c.roots })
		answer := with.do("GET", "/keys", "")
		if answer.status != c.status || c.status == 502 && !strings.Contains(answer.body, "certificate") {
			t.Errorf("%s: got %+v", name, answer)
		}
	}
}

func poolOf(certificate *x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return pool
}
