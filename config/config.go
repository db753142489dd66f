// Package config reads what an operator says about a server, or about a signer that is
// a process of its own: one YAML file, for a server then the environment.
//
//	Load         file, environment, defaults, Validate → Config
//	Config       what is configured; Example has every member with its explanation
//	LoadNode     file, defaults → Node, a signer's (node.go)
//	NodeExample  the same for a signer
//
// It is strict: an unknown member, a wrong type or a KEYFERRY_ variable that means
// nothing is an error, since a restriction with a typo in its name would silently not
// hold. All errors are told at once. Secrets are not in it: PINs and keys are named by
// the paths of their files.
package config

import (
	_ "embed"
	"time"
)

// Example is a complete configuration file in which every member is explained.
//
//go:embed keyferry.example.yaml
var Example string

// Config is the configuration of one server, with signers inside or elsewhere. Paths in it are
// absolute, or relative to the working directory if there was no file.
type Config struct {
	Deployment        string       `koanf:"deployment"` // bound into tokens, challenges and sealed shares
	Listen            string       `koanf:"listen"`     // host:port
	TLS               TLS          `koanf:"tls"`        // empty: plain HTTP, on loopback only
	RelyingParty      RelyingParty `koanf:"relyingParty"`
	Database          string       `koanf:"database"`          // path of an SQLite file, or postgres://… without a password
	TokenKeyFile      string       `koanf:"tokenKeyFile"`      // PEM of a P-256 key: it signs access tokens, and identifies challenges
	CheckpointKeyFile string       `koanf:"checkpointKeyFile"` // PEM of an Ed25519 key that signs the audit log's checkpoints
	PKCS11            PKCS11       `koanf:"pkcs11"`
	Signers           []Signer     `koanf:"signers"`
	Manifest          string       `koanf:"manifest"`      // remote signers: path of the cluster's manifest
	SignerKeyFile     string       `koanf:"signerKeyFile"` // remote signers: PEM of the P-256 key that they know this server by
	Timeouts          Timeouts     `koanf:"timeouts"`
	NotBefore         time.Time    `koanf:"notBefore"` // if given, the signers refuse older user actions
	Limits            Limits       `koanf:"limits"`
	Metrics           Metrics      `koanf:"metrics"`
	Verify            Verify       `koanf:"verify"`
}

// Verify is how often signers open and check all their shares by themselves.
type Verify struct {
	Every time.Duration `koanf:"every"` // 0: never
	Rate  int           `koanf:"rate"`  // shares in a second, at most
}

// Metrics is where operators' monitoring asks; empty: nowhere.
type Metrics struct {
	Listen string `koanf:"listen"` // host:port
}

// TLS names the files of a certificate chain and its key, both PEM.
type TLS struct {
	CertificateFile string `koanf:"certificateFile"`
	KeyFile         string `koanf:"keyFile"`
}

// Enabled reports whether TLS is configured.
func (t TLS) Enabled() bool { return t != TLS{} }

// RelyingParty is who users' authenticators are told they sign for (WebAuthn §5.4.2).
type RelyingParty struct {
	ID   string `koanf:"id"`   // the domain that people see
	Name string `koanf:"name"` // for people
	// Origins are where pages may be that ask for signatures. Left out, they are
	// https://ID, and with the ID "localhost" every port of it, with and without TLS.
	Origins []string `koanf:"origins"`
}

// PKCS11 is the module that all tokens are reached through.
type PKCS11 struct {
	Module         string `koanf:"module"`         // path of the shared library
	InitParameters string `koanf:"initParameters"` // for libraries that take some when they are initialised
}

// Signer is one signer: inside the server's process with its token and its store, or
// elsewhere. All signers of a server are of one sort.
type Signer struct {
	Label   string `koanf:"label"`   // of the token
	PINFile string `koanf:"pinFile"` // holds the token's user PIN and nothing else
	Store   string `koanf:"store"`   // path of an SQLite file, or postgres://…, of this signer alone

	URL       string `koanf:"url"`       // https://host:port of a signer's own process
	PublicKey string `koanf:"publicKey"` // its pin: base64 of SHA-256 of the identity key's SubjectPublicKeyInfo
}

// Remote tells whether the signers are processes of their own.
func (c Config) Remote() bool { return len(c.Signers) > 0 && c.Signers[0].URL != "" }

// Timeouts bound how long things may take.
type Timeouts struct {
	Signers  time.Duration `koanf:"signers"`  // for all signers to answer
	Action   time.Duration `koanf:"action"`   // from a challenge to its use, at most five minutes
	Body     time.Duration `koanf:"body"`     // for a request's body to arrive
	Shutdown time.Duration `koanf:"shutdown"` // for running requests to end
}

// Limits bound how much is taken at a time.
type Limits struct {
	Body     int64 `koanf:"body"`     // bytes of a request's body
	Sessions int   `koanf:"sessions"` // operations at a time on one token
}

func defaults() Config {
	return Config{
		Listen:       "127.0.0.1:8443",
		RelyingParty: RelyingParty{ID: "localhost", Name: "Keyferry"},
		Timeouts: Timeouts{
			Signers: 10 * time.Second, Action: 5 * time.Minute, Body: 10 * time.Second, Shutdown: 30 * time.Second,
		},
		Limits: Limits{Body: 256 << 10, Sessions: 4},
		Verify: Verify{Rate: 20},
	}
}
