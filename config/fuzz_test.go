package config

import (
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzLoad holds that a server's file which loads is one that it can serve by safely, and
// that it says so again when it is read again.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(Example))
	f.Add([]byte(NodeExample))
	f.Add([]byte(strings.ReplaceAll(Example, "\n", "\r\n")))
	f.Add([]byte("deployment: &a {b: *a}\n"))
	f.Add([]byte("listen: 0.0.0.0:1\nlisten: 127.0.0.1:1\n"))
	path := filepath.Join(f.TempDir(), "keyferry.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, nil)
		if err != nil {
			return
		}
		host, _, err := net.SplitHostPort(c.Listen)
		if err != nil || !c.TLS.Enabled() && !loopback(host) {
			t.Fatalf("plain HTTP at %q", c.Listen)
		}
		if c.Deployment == "" || len(c.Signers) < minSigners || c.Timeouts.Action > maxAction || c.Limits.Body > maxBody {
			t.Fatalf("%+v", c)
		}
		for _, p := range c.paths() {
			if *p != "" && !filepath.IsAbs(*p) && !IsURL(*p) {
				t.Fatalf("%q is not absolute", *p)
			}
		}
		if again, err := Load(path, nil); err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("read again: %+v, %v", again, err)
		}
	})
}

// FuzzLoadNode holds that of a signer's file which loads and validates everything that a
// signer needs is there, and nothing is believed from nobody.
func FuzzLoadNode(f *testing.F) {
	f.Add([]byte(NodeExample))
	f.Add([]byte(Example))
	f.Add([]byte(strings.Replace(NodeExample, "directory:", "Directory:", 1)))
	path := filepath.Join(f.TempDir(), "signer.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := LoadNode(path)
		if err != nil {
			if !reflect.DeepEqual(n, Node{}) {
				t.Fatalf("half done: %+v, %v", n, err)
			}
			return
		}
		if isNode, err := IsNode(path); err != nil || n.Token.Label != "" && !isNode {
			t.Fatalf("it is not a signer's: %v", err)
		}
		if n.Validate() != nil {
			return
		}
		if len(n.Servers) == 0 || len(n.Trust.Roots) == 0 || n.Token.Label == "" || n.Deployment == "" || n.Limits.Sessions < 1 {
			t.Fatalf("%+v", n)
		}
		for _, p := range n.paths() {
			if *p != "" && !filepath.IsAbs(*p) && !IsURL(*p) {
				t.Fatalf("%q is not absolute", *p)
			}
		}
	})
}

// FuzzEnvironment holds that a variable sets what it names or is refused by its name,
// and that other programs' variables change nothing.
func FuzzEnvironment(f *testing.F) {
	for _, seed := range []string{
		"KEYFERRY_LISTEN=127.0.0.1:1", "KEYFERRY_TIMEOUTS_ACTION=1m", "KEYFERRY_LIMITS_BODY=-1", "KEYFERRY_LIMITS_SESSIONS=99999999999",
		"KEYFERRY_PORT=tcp://x", "KEYFERRY_=", "PATH=/bin", "KEYFERRY_RELYING_PARTY_ORIGINS=a,b", "=", "KEYFERRY_listen=x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		before, c := defaults(), defaults()
		err := c.override([]string{entry})
		name, value, _ := strings.Cut(entry, "=")
		_, known := before.variables()[name]
		switch {
		case !known && !reflect.DeepEqual(c, before):
			t.Fatalf("%q changed %+v", entry, c)
		case !known && (err == nil) != (!strings.HasPrefix(name, prefix) || foreign(name)):
			t.Fatalf("%q: %v", entry, err)
		case err != nil && utf8.ValidString(name) && !strings.Contains(err.Error(), name):
			t.Fatalf("%q: %v", entry, err)
		case name == "KEYFERRY_LISTEN" && c.Listen != value:
			t.Fatalf("%q gave %q", entry, c.Listen)
		}
	})
}
