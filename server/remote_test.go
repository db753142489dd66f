//go:build cgo

package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"keyferry/config"
	"keyferry/server"
	"keyferry/shares/manifest"
	"keyferry/shares/manifest/manifesttest"
)

// remoteConfig is that of a server with three signers, at addresses where nobody is.
func remoteConfig(t *testing.T, dir string) config.Config {
	t.Helper()
	c := config.Config{
		Deployment: "test", Listen: "127.0.0.1:0", Database: filepath.Join(dir, "server.db"), TokenKeyFile: filepath.Join(dir, "token.key"),
		CheckpointKeyFile: filepath.Join(dir, "checkpoint.key"), Manifest: filepath.Join(dir, "cluster.json"), SignerKeyFile: filepath.Join(dir, "access.key"),
		RelyingParty: config.RelyingParty{ID: "localhost", Name: "Test"},
		Timeouts:     config.Timeouts{Signers: time.Second, Action: time.Minute, Body: time.Second, Shutdown: time.Second},
		Limits:       config.Limits{Body: 1 << 18, Sessions: 1},
	}
	var members []manifest.Member
	for i := range 3 {
		member, _ := manifesttest.NewMember(t, "test")
		members = append(members, member)
		c.Signers = append(c.Signers, config.Signer{URL: fmt.Sprintf("https://127.0.0.1:%d", i+1), PublicKey: server.PinOfMember(member).String()})
	}
	m, err := manifest.New(c.Deployment, members)
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Manifest, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}
