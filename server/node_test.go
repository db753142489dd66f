//go:build cgo

package server_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyferry/config"
	"keyferry/hsm/hsmtest"
	"keyferry/server"
	"keyferry/server/signer/remote"
	"keyferry/shares/manifest"

	"keyferry/server/signer/trust"
)

// newNodeConfig is that of a signer with a fresh token, which is the whole of its
// cluster. Nobody is trusted yet.
func newNodeConfig(t *testing.T) server.NodeConfig {
	t.Helper()
	blank, dir := hsmtest.Blank(t), t.TempDir()
	at := func(part, text string) string {
		path := filepath.Join(dir, part)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pin, err := server.AccessPin(filepath.Join(dir, "access.key"))
	if err != nil {
		t.Fatal(err)
	}
	return server.NodeConfig{Log: slog.New(slog.DiscardHandler), Node: config.Node{
		Deployment: "test", Listen: "127.0.0.1:0", PKCS11: config.PKCS11{Module: hsmtest.Path(t)},
		Token: config.Token{Label: blank.Label, PINFile: at("user.pin", hsmtest.PIN)},
		Store: filepath.Join(dir, "signer.db"), Manifest: filepath.Join(dir, "cluster.json"), Servers: []string{pin.String()},
		Trust:    config.Trust{Directory: dir, Roots: []config.Root{{Organisation: "or-one", PublicKeyFile: at("root.pub", rootPEM(t))}}},
		Timeouts: config.NodeTimeouts{Shutdown: 1e9}, Limits: config.NodeLimits{Body: 1 << 18, Sessions: 2, Connections: 4},
	}}
}

func rootPEM(t *testing.T) string {
	t.Helper()
	key, err := trust.NewRootKey()
	if err != nil {
		t.Fatal(err)
	}
	defer key.Destroy()
	text, err := key.Public().PEM()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// prepare holds the ceremony and writes the manifest of the one signer.
func prepare(t *testing.T, c server.NodeConfig) manifest.Manifest {
	t.Helper()
	if _, err := server.InitNode(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	m, err := server.MemberManifest(c)
	if err != nil {
		t.Fatal(err)
	}
	writeManifest(t, c, m)
	return m
}

func writeManifest(t *testing.T, c server.NodeConfig, m manifest.Manifest) {
	t.Helper()
	text, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Manifest, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestASignersManifestNeedsItsKeys(t *testing.T) {
	c := newNodeConfig(t)
	if _, err := server.MemberManifest(c); err == nil || !strings.Contains(err.Error(), "signer init") {
		t.Errorf("before the ceremony: %v", err)
	}
	m := prepare(t, c)
	again, err := server.MemberManifest(c)
	if err != nil || again.Members[0].ID != m.Members[0].ID || again.Members[0].EncryptionKey != m.Members[0].EncryptionKey {
		t.Errorf("another signer at the second time: %v", err)
	}
	if pin := server.PinOfMember(m.Members[0]); pin.String() != m.Members[0].ID.String() {
		t.Errorf("the pin of a first identity key is %v, the id %v", pin, m.Members[0].ID)
	}
}

func TestASignerServesFromItsDirectoryAlone(t *testing.T) {
	c := newNodeConfig(t)
	prepare(t, c)
	one, err := server.OpenNode(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.OpenNode(context.Background(), c); !errors.Is(err, server.ErrRunning) {
		t.Errorf("a second one: %v", err)
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if one, err = server.OpenNode(ctx, c); err != nil {
		t.Fatalf("after a restart: %v", err)
	}
	cancel()
	if err := errors.Join(one.Run(ctx), one.Close()); err != nil {
		t.Error(err)
	}
}

func TestASignerRefusesAManifestThatIsNotItsOwn(t *testing.T) {
	c, other := newNodeConfig(t), newNodeConfig(t)
	prepare(t, c)
	writeManifest(t, c, prepare(t, other))
	if _, err := server.OpenNode(context.Background(), c); err == nil || !strings.Contains(err.Error(), "not in its manifest") {
		t.Errorf("got %v", err)
	}
}

// Who is down is missed at the first question to him.
func TestAServerOfRemoteSignersNeedsNoModuleAndNoSigner(t *testing.T) {
	dir := t.TempDir()
	c := remoteConfig(t, dir)
	s, err := server.New(context.Background(), server.Config{Config: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Manifest().Members) != 3 {
		t.Errorf("%d signers", len(s.Manifest().Members))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(c *config.Config){
		"a pin that is not in the manifest":   func(c *config.Config) { c.Signers[1].PublicKey = remote.Pin{1}.String() },
		"a signer of the manifest is missing": func(c *config.Config) { c.Manifest = remoteConfig(t, t.TempDir()).Manifest },
		"another deployment's manifest":       func(c *config.Config) { c.Deployment = "other" },
		"no manifest":                         func(c *config.Config) { c.Manifest += ".none" },
	} {
		spoiled := remoteConfig(t, t.TempDir())
		spoil(&spoiled)
		if s, err := server.New(context.Background(), server.Config{Config: spoiled, Log: slog.New(slog.DiscardHandler)}); err == nil {
			s.Close()
			t.Errorf("%s: it starts", name)
		}
	}
}
