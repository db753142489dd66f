//go:build cgo

package cluster

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyferry/hsm"
	"keyferry/server/signer"
	"keyferry/server/signer/remote"
)

const week = 7 * 24 * time.Hour // for which a certificate is valid

// shifted is the clock of a machine that is off by so much.
func shifted(by time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(by) }
}

// identity has the key's certificate as it was made at another time.
func identity(t *testing.T, key crypto.Signer, made time.Duration, pin remote.Pin) remote.Identity {
	t.Helper()
	certificates, err := remote.NewCertificates(key, shifted(made))
	must(t, err)
	return remote.Identity{Certificates: certificates, Pins: []remote.Pin{pin}, Now: time.Now}
}

// Signers with the right key and a certificate that is not valid are done without, like
// others that cannot be reached. The server's log says whose it is, until when it is good
// and what to do; and where nobody could be reached, the key does not count as exported.
func TestSignersWhoseCertificatesAreNotValidAreDoneWithout(t *testing.T) {
	c := start(t)
	tokens := c.borrowTokens(t)
	for n := range 5 {
		must(t, c.KillSigner(n))
	}
	var end []func()
	for n := range 5 {
		made := -week - time.Hour
		if n == 1 {
			made = week
		}
		end = append(end, c.standIn(t, n, tokens[n], made))
	}
	c.exportBecomes(t, http.StatusServiceUnavailable, 0)
	c.countsAsExported(t, false)
	until := func(made time.Duration) string { return time.Now().Add(made + week).UTC().Format("until 2006-01-02") }
	for n, made := range []time.Duration{-week - time.Hour, week} {
		c.logSays(t, "state/server.log", "asking signer "+c.SignerID(n).String(), "the signer's is valid from", until(made), "compare date -u on both machines")
	}
	for n := 2; n < 5; n++ {
		end[n]()
		must(t, c.StartSigner(context.Background(), n))
	}
	c.exportBecomes(t, http.StatusOK, 3)
	for n := range 2 {
		end[n]()
		must(t, c.StartSigner(context.Background(), n))
	}
	c.exportBecomes(t, http.StatusOK, 5)
}

// A server whose certificate has ended, or is not valid yet, reaches no signer, though
// its key is pinned.
func TestServersWhoseCertificatesAreNotValidReachNoSigner(t *testing.T) {
	c := start(t)
	key := c.accessKey(t)
	for _, test := range []struct {
		made time.Duration
		want error
		told []string
	}{
		{0, nil, nil},
		{-week - time.Hour, remote.ErrRefused, []string{"the server's is valid from", "compare date -u on both machines"}},
		{time.Hour, remote.ErrRefused, []string{"the server's is valid from", time.Now().Add(week + time.Hour).UTC().Format("until 2006-01-02")}},
	} {
		asking, err := remote.NewClient(remote.Config{
			URL: c.SignerURL(0), Member: c.Manifest.Members[0], Identity: identity(t, key, test.made, remote.Pin(c.SignerID(0))),
		})
		must(t, err)
		err = asking.Ready(t.Context())
		asking.Close()
		if !errors.Is(err, test.want) || test.want != nil && !signer.Refused(err) {
			t.Errorf("made at %v: %v", test.made, err)
		}
		if test.told != nil {
			c.logSays(t, "signer-1/signer.log", test.told...)
		}
	}
}

// accessKey is the key by which signers know the API server.
func (c *cluster) accessKey(t *testing.T) crypto.Signer {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "state", "secrets", "signer-access.key"))
	must(t, err)
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("the server's key is not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(t, err)
	return key.(crypto.Signer)
}

// borrowTokens opens copies of all signers' tokens in this process. SoftHSM has one
// directory for a process, so they lie in one.
func (c *cluster) borrowTokens(t *testing.T) []*hsm.Token {
	t.Helper()
	dir := t.TempDir()
	for n := range 5 {
		must(t, os.CopyFS(filepath.Join(dir, "tokens"), os.DirFS(c.at(n, "tokens/tokens"))))
	}
	t.Setenv("SOFTHSM2_CONF", "") // PrepareSoftHSM sets it: undone at the end
	must(t, hsm.PrepareSoftHSM(dir))
	path, err := hsm.FindSoftHSM()
	must(t, err)
	module, err := hsm.Open(path)
	must(t, err)
	t.Cleanup(func() { must(t, module.Close()) })
	var tokens []*hsm.Token
	for n := range 5 {
		pin, err := hsm.ReadPIN(c.at(n, "secrets/user.pin"))
		must(t, err)
		defer pin.Destroy()
		token, err := module.Token(hsm.TokenConfig{Label: fmt.Sprintf("keyferry-signer-%d", n+1), PIN: pin, Sessions: 1})
		must(t, err)
		t.Cleanup(func() { must(t, token.Close()) })
		must(t, token.Ready(t.Context()))
		tokens = append(tokens, token)
	}
	return tokens
}

// unreached is a signer that nobody gets to.
type unreached struct{ signer.Signer }

// standIn takes the place of a signer that is down, with its key and a certificate that
// was made at another time, until the returned function is called.
func (c *cluster) standIn(t *testing.T, n int, token *hsm.Token, made time.Duration) (end func()) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	handler, err := remote.NewHandler(unreached{}, log, 1<<20, 1)
	must(t, err)
	server, err := remote.PinOf(c.accessKey(t).Public())
	must(t, err)
	listening, err := remote.Listen(strings.TrimPrefix(c.SignerURL(n), "https://"), identity(t, token.Identity(), made, server), handler, 8, log)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- listening.Serve(ctx, time.Second) }()
	end = func() {
		if ctx.Err() == nil {
			cancel()
			must(t, <-ended)
		}
	}
	t.Cleanup(end)
	return end
}
