package config

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const examplePin = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

func TestNodeExampleLoadsAsWhatItSays(t *testing.T) {
	path := write(t, NodeExample)
	got, err := LoadNode(path)
	if err != nil || got.Validate() != nil {
		t.Fatal(err, got.Validate())
	}
	at := func(part string) string { return filepath.Join(filepath.Dir(path), part) }
	want := nodeDefaults()
	want.Deployment, want.Listen, want.PKCS11.Module = "example-production", "0.0.0.0:9443", "/usr/lib/softhsm/libsofthsm2.so"
	want.Token, want.Store = Token{"signer-1", at("secrets/signer-1.pin")}, at("data/signer.db")
	want.CheckpointKeyFile = at("data/checkpoint.key")
	want.Manifest, want.Servers = at("cluster.json"), []string{examplePin}
	want.Trust = Trust{at("trust"), []Root{{"or-aaaaa-bbbbb-cccccccccccccccc", at("roots/example.pub")}}}
	want.NotBefore = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestNodeConfigurationRefuses(t *testing.T) {
	for name, change := range map[string][2]string{
		"an unknown member":      {"timeouts:", "log: debug\ntimeouts:"},
		"no deployment":          {"deployment: example-production", "deployment: ''"},
		"no token":               {"  label: signer-1", "  label: ''"},
		"no server":              {"servers:\n  - " + examplePin, "servers: []"},
		"a server by its name":   {examplePin, "api.example.com"},
		"no root":                {"  roots:\n    - organisation: or-aaaaa-bbbbb-cccccccccccccccc\n      publicKeyFile: roots/example.pub", "  roots: []"},
		"a root without a key":   {"roots/example.pub", "''"},
		"no manifest":            {"manifest: cluster.json", "manifest: ''"},
		"a time without a zone":  {"2026-11-01T12:00:00Z", "'2026-11-01 12:00'"},
		"no port":                {"0.0.0.0:9443", "0.0.0.0"},
		"a password in the URL":  {"data/signer.db", "postgres://a:b@localhost/a"},
		"no sessions":            {"sessions: 4", "sessions: 0"},
		"no connections":         {"connections: 64", "connections: 0"},
		"a server's own members": {"timeouts:", "signers: []\ntimeouts:"},
	} {
		text := strings.Replace(NodeExample, change[0], change[1], 1)
		if text == NodeExample {
			t.Fatalf("%s: the case changes nothing", name)
		}
		n, err := LoadNode(write(t, text))
		if err == nil {
			err = n.Validate()
		}
		if err == nil {
			t.Errorf("%s is accepted as %+v", name, n)
		}
	}
}

func TestATokenIsPreparedBeforeThereIsACluster(t *testing.T) {
	n, err := LoadNode(write(t, "deployment: d\nstore: s.db\npkcs11: {module: m.so}\ntoken: {label: a, pinFile: p}\n"))
	if err != nil || n.ValidateToken() != nil {
		t.Errorf("%v, %v", err, n.ValidateToken())
	}
	if n.Validate() == nil {
		t.Error("it may serve without a cluster and without trust")
	}
}

func TestTheKeyOfASignersLogIsBesideItsStoreUnlessNamed(t *testing.T) {
	for text, want := range map[string]string{
		"store: data/s.db": "data/checkpoint.key",
		"store: data/s.db\ncheckpointKeyFile: secrets/c.key": "secrets/c.key",
		"store: postgres://localhost/s":                      "",
	} {
		path := write(t, text+"\ndeployment: d\npkcs11: {module: m.so}\ntoken: {label: a, pinFile: p}\n")
		n, err := LoadNode(path)
		if want != "" {
			want = filepath.Join(filepath.Dir(path), want)
		}
		if err != nil || n.CheckpointKeyFile != want || (n.ValidateAudit() == nil) != (want != "") {
			t.Errorf("%q: %q, %v, %v", text, n.CheckpointKeyFile, err, n.ValidateAudit())
		}
	}
}

func TestNodeIsToldFromServer(t *testing.T) {
	for text, want := range map[string]bool{NodeExample: true, Example: false} {
		if got, err := IsNode(write(t, text)); err != nil || got != want {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
}

// remoteExample is the example with signers elsewhere.
func remoteExample(t *testing.T) string {
	t.Helper()
	begin, end := strings.Index(Example, "\nsigners:"), strings.Index(Example, "# Signers that are processes")
	if begin < 0 || end < begin {
		t.Fatal("the example has another form")
	}
	signers := "\nsigners:\n"
	for i, pin := range []string{strings.Repeat("A", 43) + "=", strings.Repeat("B", 42) + "A=", strings.Repeat("C", 42) + "A="} {
		signers += "  - {url: https://signer-" + string(rune('1'+i)) + ".example.com:9443, publicKey: " + pin + "}\n"
	}
	signers += "manifest: cluster.json\nsignerKeyFile: secrets/access.key\n"
	text := Example[:begin] + signers + Example[end:]
	start := strings.Index(text, "pkcs11:\n")
	return text[:start] + text[start+strings.Index(text[start:], "\n\n"):]
}

func TestRemoteSignersNeedNoModule(t *testing.T) {
	path := write(t, remoteExample(t))
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Remote() || len(c.Signers) != 3 || c.Manifest != filepath.Join(filepath.Dir(path), "cluster.json") || c.PKCS11.Module != "" {
		t.Errorf("loaded as %+v", c)
	}
}

func TestRemoteSignersAreRefused(t *testing.T) {
	good := remoteExample(t)
	for name, change := range map[string][2]string{
		"mixed with embedded ones": {"url: https://signer-2.example.com:9443, publicKey: " + strings.Repeat("B", 42) + "A=", "label: a, pinFile: b, store: c"},
		"as both sorts":            {"{url: https://signer-2", "{label: a, url: https://signer-2"},
		"plain http":               {"https://signer-2", "http://signer-2"},
		"with a path":              {"signer-2.example.com:9443", "signer-2.example.com:9443/v1"},
		"without a port":           {"signer-2.example.com:9443", "signer-2.example.com"},
		"without a pin":            {strings.Repeat("B", 42) + "A=", "''"},
		"two with one pin":         {strings.Repeat("B", 42) + "A=", strings.Repeat("A", 43) + "="},
		"without a manifest":       {"manifest: cluster.json\n", ""},
		"without a key":            {"signerKeyFile: secrets/access.key\n", ""},
		"to be verified from here": {"every: 0s", "every: 24h"},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := Load(write(t, text), nil); err == nil {
			t.Errorf("signers %s are accepted", name)
		}
	}
}
