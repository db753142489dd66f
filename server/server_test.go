//go:build cgo

package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
	"keyferry/server/identity"
)

// newConfig describes a server with three fresh tokens, on which no key ceremony has
// been held.
func newConfig(t *testing.T) config.Config {
	t.Helper()
	module := hsmtest.Directory(t)
	dir := t.TempDir()
	text := fmt.Sprintf("deployment: test\nlisten: 127.0.0.1:0\ndatabase: server.db\ntokenKeyFile: token.key\npkcs11: {module: %q}\nsigners:\n", module)
	for n := range 3 {
		label := fmt.Sprintf("signer-%d", n)
		makeToken(t, module, label)
		text += fmt.Sprintf("  - {label: %s, pinFile: user.pin, store: %s.db}\n", label, label)
	}
	write(t, filepath.Join(dir, "user.pin"), hsmtest.PIN)
	write(t, filepath.Join(dir, "keyferry.yaml"), text)
	c, err := config.Load(filepath.Join(dir, "keyferry.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// readyConfig describes a server whose tokens have their keys.
func readyConfig(t *testing.T) Config {
	t.Helper()
	c := newConfig(t)
	if _, err := InitSigners(context.Background(), c, ""); err != nil {
		t.Fatal(err)
	}
	return Config{Config: c, Log: slog.New(slog.DiscardHandler)}
}

func makeToken(t *testing.T, path, label string) {
	t.Helper()
	module, err := hsm.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := module.CreateToken(label, hsmtest.MakePIN(t, "officer's-pin"), hsmtest.MakePIN(t, hsmtest.PIN)); err != nil {
		t.Fatal(err)
	}
	if err := module.Close(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run serves until the returned function is called, which gives Run's error.
func run(t *testing.T, s *Server) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(cancel)
	return func() error {
		cancel()
		return <-ended
	}
}

func TestKeyCeremonyMakesEachKeyOnce(t *testing.T) {
	c := newConfig(t)
	for attempt, created := range []bool{true, false} {
		reports, err := InitSigners(context.Background(), c, "")
		if err != nil || len(reports) != len(c.Signers) {
			t.Fatalf("attempt %d: %d reports, %v", attempt, len(reports), err)
		}
		for _, report := range reports {
			for _, key := range report.Keys {
				if key.Created != created {
					t.Errorf("attempt %d: token %s, %s key created: %v", attempt, report.Token, key.Role, key.Created)
				}
			}
		}
	}
}

func TestKeyCeremonyCanBeHeldOnOneToken(t *testing.T) {
	c := newConfig(t)
	reports, err := InitSigners(context.Background(), c, "signer-1")
	if err != nil || len(reports) != 1 || reports[0].Token != "signer-1" {
		t.Errorf("got %+v, %v", reports, err)
	}
	if _, err := InitSigners(context.Background(), c, "signer-9"); err == nil {
		t.Error("no error for a signer that is not configured")
	}
	if _, err := New(context.Background(), Config{Config: c, Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, hsm.ErrNotInitialised) {
		t.Errorf("a server with two tokens without keys: %v", err)
	}
}

func TestSecondStartOnADirectoryIsRefused(t *testing.T) {
	c := readyConfig(t)
	open(t, c)
	if _, err := New(context.Background(), c); !errors.Is(err, ErrRunning) {
		t.Errorf("the second start: %v", err)
	}
	if _, err := InitSigners(context.Background(), c.Config, ""); !errors.Is(err, ErrRunning) {
		t.Errorf("a key ceremony while the server runs: %v", err)
	}
}

func TestFailedStartLeavesNothingOpen(t *testing.T) {
	c := readyConfig(t)
	for name, spoil := range map[string]func(*Config){
		"last token unknown": func(c *Config) { c.Signers[2].Label = "signer-9" },
		"PIN file missing":   func(c *Config) { c.Signers[1].PINFile += ".not" },
		"store in no folder": func(c *Config) { c.Signers[2].Store = filepath.Join(filepath.Dir(c.Database), "none", "s.db") },
		"address impossible": func(c *Config) { c.Listen = "127.0.0.1:99999" },
	} {
		bad := c
		bad.Signers = append([]config.Signer(nil), c.Signers...)
		spoil(&bad)
		if s, err := New(context.Background(), bad); err == nil {
			s.Close()
			t.Errorf("%s: started", name)
		}
	}
	s := open(t, c)
	if s.Addr().(*net.TCPAddr).Port == 0 {
		t.Error("no port was picked")
	}
}

func TestServerRefusesStoresOfOtherTokens(t *testing.T) {
	c := readyConfig(t)
	s, err := New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.Signers[0].Store, c.Signers[1].Store = c.Signers[1].Store, c.Signers[0].Store
	if s, err := New(context.Background(), c); err == nil {
		s.Close()
		t.Error("started with two signers' stores exchanged")
	}
}

// account makes one that may list keys, and a token for it.
func account(t *testing.T, office *Office) (token string, id identity.TokenID) {
	t.Helper()
	ctx := context.Background()
	org, err := office.CreateOrganisation(ctx, "Test")
	if err != nil {
		t.Fatal(err)
	}
	user, err := office.CreateServiceAccount(ctx, org.ID, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := office.Grant(ctx, user.ID, identity.KeysRead); err != nil {
		t.Fatal(err)
	}
	text, issued, err := office.IssueToken(ctx, user.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return text, issued.ID
}

func openOffice(t *testing.T, c Config) *Office {
	t.Helper()
	office, err := OpenOffice(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := office.Close(); err != nil {
			t.Error(err)
		}
	})
	return office
}

func TestOfficeChangesHoldWhileTheServerRuns(t *testing.T) {
	c := readyConfig(t)
	s := open(t, c)
	stop := run(t, s)
	office := openOffice(t, c)
	token, id := account(t, office)
	if status := listKeys(t, s, token); status != http.StatusOK {
		t.Errorf("with a fresh token: %d", status)
	}
	if err := office.RevokeToken(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	if status := listKeys(t, s, token); status != http.StatusUnauthorized {
		t.Errorf("with a revoked token: %d", status)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func listKeys(t *testing.T, s *Server, token string) int {
	t.Helper()
	request, err := http.NewRequest("GET", "http://"+s.Addr().String()+"/keys", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// A request whose handler waits for the rest of its body when the server is told to
// stop is answered before Run returns; nothing new is taken.
func TestStoppingLetsARunningRequestEnd(t *testing.T) {
	c := readyConfig(t)
	s := open(t, c)
	token, _ := account(t, openOffice(t, c))
	stop := run(t, s)
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"userActionPayload":"","userActionHttpMethod":"POST","userActionHttpPath":"/keys/import"}`
	fmt.Fprintf(conn, "POST /auth/action/init HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", token, len(body))
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the handler does not read the body: %q, %v", line, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	waitUntilRefused(t, s.Addr().String())
	select {
	case err := <-ended:
		t.Fatalf("Run returned while a request was running: %v", err)
	default:
	}
	io.WriteString(conn, body)
	if _, err := answers.ReadString('\n'); err != nil { // the blank line behind 100 Continue
		t.Fatal(err)
	}
	response, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The account has no credential to sign with: what counts is that it is told so.
	if answer, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusUnauthorized || !strings.Contains(string(answer), "credential") {
		t.Errorf("answered %s %s, %v", response.Status, answer, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func waitUntilRefused(t *testing.T, address string) {
	t.Helper()
	for range 500 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		conn.Close()
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the server still takes connections")
}
