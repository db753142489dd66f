package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyferry/shares/attest/attesttest"
)

func manifestFile(t *testing.T, c *attesttest.Cluster) string {
	t.Helper()
	text, err := c.Manifest.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "manifest.json")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// runGuard starts the command as a user does. It returns the address that it prints,
// and what ends it.
func runGuard(t *testing.T, arguments ...string) (url string, stop func() error) {
	t.Helper()
	root := newRoot()
	root.SetArgs(append([]string{"guard"}, arguments...))
	read, write := io.Pipe()
	root.SetOut(write)
	root.SetErr(io.Discard)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- root.ExecuteContext(ctx)
		write.Close()
	}()
	lines := bufio.NewReader(read)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the guard does not start: %v", <-ended)
	}
	go io.Copy(io.Discard, lines)
	return line[strings.LastIndex(line, " ")+1 : len(line)-1], func() error {
		cancel()
		return <-ended
	}
}

func TestGuardCommandGuards(t *testing.T) {
	c, other := attesttest.New(t), attesttest.New(t)
	listing, err := json.Marshal(map[string]any{"clusters": []any{map[string]any{"signers": c.Listing()}}})
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(listing) }))
	defer api.Close()
	for pinned, signers := range map[*attesttest.Cluster]int{c: 200, other: 502} {
		url, stop := runGuard(t, "--upstream", api.URL, "--listen", "127.0.0.1:0", "--manifest", manifestFile(t, pinned), "--org", attesttest.Organisation)
		for path, want := range map[string]int{"/keys": 200, "/signers": signers, "/auth/login/init": 403} {
			if got := statusOf(t, url+path); got != want {
				t.Errorf("%s: got %d in place of %d", path, got, want)
			}
		}
		if err := stop(); err != nil {
			t.Errorf("the guard ends with %v", err)
		}
	}
}

func statusOf(t *testing.T, url string) int {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestGuardCommandRefusesToStart(t *testing.T) {
	t.Setenv("DFNS_ORG_ID", "")
	t.Setenv("NODE_EXTRA_CA_CERTS", "")
	good := map[string]string{
		"upstream": "https://api.example", "listen": "127.0.0.1:0", "manifest": manifestFile(t, attesttest.New(t)), "org": "or-1",
	}
	for name, c := range map[string]struct {
		flag, value string
		status      int
		says        string
	}{
		"no upstream":              {"upstream", "", notUnderstood, `"upstream" not set`},
		"no manifest":              {"manifest", "", notUnderstood, `"manifest" not set`},
		"no organisation":          {"org", "", notUnderstood, "DFNS_ORG_ID"},
		"a certificate but no key": {"tls-certificate-file", "x", notUnderstood, "tls-key-file"},
		"a missing manifest":       {"manifest", "none.json", notDone, "none.json"},
		"a manifest that is none":  {"manifest", "guard.go", notDone, "guard.go"},
		"a missing authority":      {"ca-file", "none.pem", notDone, "none.pem"},
		"plain http afar":          {"upstream", "http://api.example", notDone, "not https"},
		"listening to everybody":   {"listen", ":0", notDone, "loopback"},
	} {
		flags := map[string]string{c.flag: c.value}
		for flag, value := range good {
			if flag != c.flag {
				flags[flag] = value
			}
		}
		root := newRoot()
		root.SetArgs(guardArguments(flags))
		root.SetOut(io.Discard)
		root.SetErr(io.Discard)
		var said bytes.Buffer
		if status := report(&said, root.ExecuteContext(t.Context())); status != c.status || !strings.Contains(said.String(), c.says) {
			t.Errorf("%s: status %d, %s", name, status, &said)
		}
	}
}

// guardArguments leaves out flags without a value.
func guardArguments(flags map[string]string) []string {
	arguments := []string{"guard"}
	for flag, value := range flags {
		if value != "" {
			arguments = append(arguments, "--"+flag, value)
		}
	}
	return arguments
}
