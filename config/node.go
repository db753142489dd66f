package config

import (
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// NodeExample is a signer's complete configuration, with every member explained.
//
//go:embed signer.example.yaml
var NodeExample string

// Node is the configuration of a signer that is a process of its own. Paths are
// absolute once it was loaded.
type Node struct {
	Deployment string `koanf:"deployment"` // the server's
	Listen     string `koanf:"listen"`     // host:port, TLS with the identity key
	PKCS11     PKCS11 `koanf:"pkcs11"`
	Token      Token  `koanf:"token"`
	Store      string `koanf:"store"`    // path of an SQLite file, or postgres://…, of this signer alone
	Manifest   string `koanf:"manifest"` // path of the cluster's manifest
	// CheckpointKeyFile is a PEM file of an Ed25519 key that signs the checkpoints of the
	// signer's own audit log.
	CheckpointKeyFile string `koanf:"checkpointKeyFile"`

	Servers   []string     `koanf:"servers"`   // pins of the API servers that may ask
	Trust     Trust        `koanf:"trust"`     // whom the signer believes
	NotBefore time.Time    `koanf:"notBefore"` // if given, older user actions are refused
	Timeouts  NodeTimeouts `koanf:"timeouts"`
	Limits    NodeLimits   `koanf:"limits"`
	Metrics   Metrics      `koanf:"metrics"`
	Verify    Verify       `koanf:"verify"`
}

// Token is where a signer's token is.
type Token struct {
	Label   string `koanf:"label"`
	PINFile string `koanf:"pinFile"` // holds the token's user PIN and nothing else
}

// Trust says where trust documents are, and whose signature they need.
type Trust struct {
	Directory string `koanf:"directory"`
	Roots     []Root `koanf:"roots"`
}

// Root is who decides for an organisation.
type Root struct {
	Organisation  string `koanf:"organisation"`
	PublicKeyFile string `koanf:"publicKeyFile"` // PEM, as `keyferry signer trust new-root` writes it
}

// NodeTimeouts bounds what a signer waits for.
type NodeTimeouts struct {
	Shutdown time.Duration `koanf:"shutdown"` // for running requests to end
}

// NodeLimits bounds what questions can cost a signer.
type NodeLimits struct {
	Body        int64 `koanf:"body"`        // bytes of a user's request; as the server's
	Sessions    int   `koanf:"sessions"`    // operations at a time on the token
	Connections int   `koanf:"connections"` // of servers, at a time
}

func nodeDefaults() Node {
	common := defaults()
	return Node{
		Listen:   "127.0.0.1:9443",
		Timeouts: NodeTimeouts{Shutdown: common.Timeouts.Shutdown},
		Limits:   NodeLimits{Body: common.Limits.Body, Sessions: common.Limits.Sessions, Connections: 64},
		Verify:   common.Verify,
	}
}

// LoadNode reads a signer's configuration. The environment has no part in it. It is not
// validated: how much of it must be there depends on what it is for.
func LoadNode(path string) (Node, error) {
	k := koanf.New(".")
	n := nodeDefaults()
	err := k.Load(file.Provider(path), yaml.Parser())
	if err == nil {
		err = decode(k, &n)
	}
	if err == nil {
		n.derive()
		err = resolve(path, n.paths())
	}
	if err != nil {
		return Node{}, fmt.Errorf("reading configuration %s: %w", path, err)
	}
	return n, nil
}

// IsNode tells a signer's configuration from a server's: it has a token of its own.
func IsNode(path string) (bool, error) {
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return false, fmt.Errorf("reading configuration %s: %w", path, err)
	}
	return k.Exists("token"), nil
}

// derive puts a key that is not named beside the store that it signs for. The key is made
// when the log is first exported, so it belongs where the signer may write.
func (n *Node) derive() {
	if n.CheckpointKeyFile == "" && n.Store != "" && !IsURL(n.Store) {
		n.CheckpointKeyFile = filepath.Join(filepath.Dir(n.Store), "checkpoint.key")
	}
}

func (n *Node) paths() []*string {
	paths := []*string{&n.PKCS11.Module, &n.Token.PINFile, &n.Store, &n.Manifest, &n.CheckpointKeyFile, &n.Trust.Directory}
	for i := range n.Trust.Roots {
		paths = append(paths, &n.Trust.Roots[i].PublicKeyFile)
	}
	return paths
}

// Directory is the one that one signer process at a time may use, or empty if its state
// is in PostgreSQL.
func (n Node) Directory() string {
	if IsURL(n.Store) {
		return ""
	}
	return filepath.Dir(n.Store)
}

// Signer is the part of it that an embedded signer has too.
func (n Node) Signer() Signer {
	return Signer{Label: n.Token.Label, PINFile: n.Token.PINFile, Store: n.Store}
}

// ValidateToken tells what is wrong for work on the token alone, which comes before there
// is a cluster to belong to.
func (n Node) ValidateToken() error {
	_, place := identify(n.Store)
	return errors.Join(
		Config{Deployment: n.Deployment}.checkDeployment(),
		needed("pkcs11.module", n.PKCS11.Module, "the path of the PKCS#11 library"),
		needed("token.label", n.Token.Label, "the label of the signer's token"),
		needed("token.pinFile", n.Token.PINFile, "the path of a file with the token's PIN"),
		needed("store", n.Store, "the path of an SQLite file, which is made if missing, or postgres://…"), named("store", place),
	)
}

// ValidateAudit tells what is wrong for work on the signer's own audit log.
func (n Node) ValidateAudit() error {
	return errors.Join(n.ValidateToken(),
		needed("checkpointKeyFile", n.CheckpointKeyFile, "the path of a PEM file with an Ed25519 key; it is made if missing"))
}

// Validate tells everything that is wrong for a signer that is to serve.
func (n Node) Validate() error {
	return errors.Join(
		n.ValidateToken(), Config{Listen: n.Listen, TLS: TLS{"identity", "key"}}.checkListen(),
		needed("manifest", n.Manifest, "the path of the cluster's manifest, as `keyferry signer manifest join` writes it"),
		n.checkServers(), n.checkTrust(), n.Metrics.check(), n.Verify.check(),
		within("timeouts.shutdown", n.Timeouts.Shutdown, time.Second, maxTimeout),
		within("limits.body", n.Limits.Body, minBody, maxBody),
		within("limits.sessions", n.Limits.Sessions, 1, maxSessions),
		within("limits.connections", n.Limits.Connections, 1, maxConnections),
	)
}

const maxConnections = 4096

func named(member string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", member, err)
	}
	return nil
}

func (n Node) checkServers() error {
	if len(n.Servers) == 0 {
		return errors.New("servers: missing: give the pins that `keyferry signer server-pin` prints")
	}
	var errs []error
	for i, pin := range n.Servers {
		errs = append(errs, checkPin(fmt.Sprintf("servers[%d]", i), pin))
	}
	return errors.Join(errs...)
}

func (n Node) checkTrust() error {
	errs := []error{needed("trust.directory", n.Trust.Directory, "the directory where trust documents are installed")}
	if len(n.Trust.Roots) == 0 {
		errs = append(errs, errors.New("trust.roots: missing: without a root's public key nobody is believed"))
	}
	taken := map[string]bool{}
	for i, root := range n.Trust.Roots {
		member := fmt.Sprintf("trust.roots[%d]", i)
		errs = append(errs, needed(member+".organisation", root.Organisation, "the organisation's id"),
			needed(member+".publicKeyFile", root.PublicKeyFile, "the path of the root's public key, PEM"))
		if taken[root.Organisation] {
			errs = append(errs, fmt.Errorf("%s.organisation: it is listed twice", member))
		}
		taken[root.Organisation] = true
	}
	return errors.Join(errs...)
}
