//go:build cgo

package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/shares/manifest"
)

const (
	clusterManifest = "cluster.json"
	accessKeyFile   = secretsDir + "/signer-access.key"
	rootFile        = "offline/root"
)

// make is what operators do, in their order: tokens and their keys, the manifest, the
// server and its accounts, and trust.
func (c *Cluster) make(ctx context.Context) error {
	var random [8]byte
	rand.Read(random[:])
	deployment := fmt.Sprintf("demo-%x", random)
	for _, part := range []string{c.layout.at(secretsDir), c.layout.at(dataDir), filepath.Join(c.layout.dir, "offline")} {
		if err := os.MkdirAll(part, 0o700); err != nil {
			return err
		}
	}
	for n := range c.signers {
		if err := c.makeSigner(ctx, n, deployment); err != nil {
			return fmt.Errorf("making signer %d: %w", n+1, err)
		}
	}
	if err := c.joinManifests(ctx); err != nil {
		return fmt.Errorf("making the manifest: %w", err)
	}
	if err := c.makeServer(ctx, deployment); err != nil {
		return fmt.Errorf("making the API server: %w", err)
	}
	return c.makeTrust(ctx)
}

// makeSigner makes a token, and the keys on it.
func (c *Cluster) makeSigner(ctx context.Context, n int, deployment string) error {
	s := c.signers[n]
	for _, part := range []string{"data", "trust", "secrets"} {
		if err := os.MkdirAll(s.at(part), 0o700); err != nil {
			return err
		}
	}
	for _, pin := range []string{"secrets/officer.pin", "secrets/user.pin"} {
		if err := makePIN(s.at(pin)); err != nil {
			return err
		}
	}
	if err := c.makeToken(s, signerLabel(n+1)); err != nil {
		return err
	}
	if err := os.WriteFile(s.at("signer.yaml"), []byte(lines(
		"deployment: "+deployment, "listen: "+s.address, fmt.Sprintf("pkcs11: {module: %q}", c.module),
		"token: {label: "+signerLabel(n+1)+", pinFile: secrets/user.pin}", "store: data/signer.db",
	)), 0o600); err != nil {
		return err
	}
	if _, err := c.atSigner(ctx, n, "signer", "init"); err != nil {
		return err
	}
	_, err := c.atSigner(ctx, n, "signer", "manifest", "--out", s.at("member.json"))
	return err
}

func (c *Cluster) makeToken(s *clusterSigner, label string) (err error) {
	if err := hsm.PrepareSoftHSM(s.at("tokens")); err != nil {
		return err
	}
	module, err := hsm.Open(c.module)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, module.Close()) }()
	officer, err := hsm.ReadPIN(s.at("secrets/officer.pin"))
	if err != nil {
		return err
	}
	defer officer.Destroy()
	user, err := hsm.ReadPIN(s.at("secrets/user.pin"))
	if err != nil {
		return err
	}
	defer user.Destroy()
	return module.CreateToken(label, officer, user)
}

func (c *Cluster) joinManifests(ctx context.Context) error {
	path := c.layout.at(clusterManifest)
	command := []string{"signer", "manifest", "join", "--out", path}
	for _, s := range c.signers {
		command = append(command, s.at("member.json"))
	}
	if _, err := run(ctx, os.Environ(), command...); err != nil {
		return err
	}
	for _, s := range c.signers {
		member, err := readManifest(s.at("member.json"))
		if err != nil {
			return err
		}
		s.ID = member.Members[0].ID
	}
	var err error
	c.Manifest, err = readManifest(path)
	return err
}

func readManifest(path string) (manifest.Manifest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return manifest.Manifest{}, err
	}
	return manifest.Parse(text)
}

// makeServer makes the server's configuration and its account. A signer that still has
// its first identity key is pinned by its id. All signers are on one machine, which may be
// busy, and those that are down refuse at once: so the server may wait.
func (c *Cluster) makeServer(ctx context.Context, deployment string) error {
	text := []string{
		"deployment: " + deployment, "listen: 127.0.0.1:0", "database: " + databaseFile, "tokenKeyFile: " + tokenKeyFile,
		"manifest: " + clusterManifest, "signerKeyFile: " + accessKeyFile, "timeouts: {signers: 30s}", "signers:",
	}
	for _, s := range c.signers {
		text = append(text, "  - {url: https://"+s.address+", publicKey: "+s.ID.String()+"}")
	}
	path := c.layout.at(settingsFile)
	err := os.WriteFile(path, []byte(lines(text...)), 0o600)
	if err == nil {
		c.settings, err = config.Load(path, nil)
	}
	if err == nil {
		c.account, err = c.layout.ensureAccount(ctx, c.accountSettings())
	}
	return err
}

// makeTrust has a root, made on the spot, sign what the server's database says, and
// installs it at every signer, which then is complete.
func (c *Cluster) makeTrust(ctx context.Context) error {
	root, document := filepath.Join(c.layout.dir, rootFile), filepath.Join(c.layout.dir, "offline/document")
	pin, err := run(ctx, os.Environ(), "signer", "server-pin", "--key", c.layout.at(accessKeyFile))
	if err != nil {
		return err
	}
	for _, command := range [][]string{
		{"new-root", "--out", root},
		{"export", "--config", c.layout.at(settingsFile), "--org", string(c.account.org), "--out", document + ".json"},
		{"sign", "--root", root, "--document", document + ".json", "--out", document + ".trust"},
	} {
		if _, err := run(ctx, os.Environ(), append([]string{"signer", "trust"}, command...)...); err != nil {
			return err
		}
	}
	for n := range c.signers {
		if err := c.completeSigner(n, strings.TrimSpace(pin), root+".pub"); err != nil {
			return err
		}
		if err := c.installTrust(ctx, n, root+".pub", document+".trust"); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) completeSigner(n int, serverPin, root string) error {
	file, err := os.OpenFile(c.signers[n].at("signer.yaml"), os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(lines(
		fmt.Sprintf("manifest: %q", c.layout.at(clusterManifest)), "servers: ["+serverPin+"]",
		"trust:", "  directory: trust", "  roots:",
		fmt.Sprintf("    - {organisation: %s, publicKeyFile: %q}", c.account.org, root),
	))
	return errors.Join(err, file.Close())
}

func (c *Cluster) installTrust(ctx context.Context, n int, root, document string) error {
	_, err := run(ctx, os.Environ(), "signer", "trust", "install",
		"--trust-dir", c.signers[n].at("trust"), "--root", root, "--deployment", c.settings.Deployment, document)
	return err
}
