//go:build cgo

package sandbox

import (
	"fmt"
	"path/filepath"
)

const signers = 5

// layout is where things are. The state's parts are relative to it, so that it can be
// made under another name.
type layout struct {
	dir   string // absolute
	state string // "state", or "state.partial" while it is being made
}

func newLayout(dir string) (layout, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return layout{}, fmt.Errorf("the sandbox's directory: %w", err)
	}
	return layout{absolute, "state"}, nil
}

func (l layout) partial() layout { return layout{l.dir, "state.partial"} }

func (l layout) clientEnv() string { return filepath.Join(l.dir, "client.env") }

func (l layout) manifest() string { return filepath.Join(l.dir, "manifest.json") }

func (l layout) root() string { return filepath.Join(l.dir, l.state) }

func (l layout) at(part string) string { return filepath.Join(l.root(), part) }

// The parts of the state.
const (
	settingsFile    = "keyferry.yaml"
	tokensDir       = "softhsm"
	secretsDir      = "secrets" // PINs and private keys
	dataDir         = "data"    // databases
	officerPINFile  = secretsDir + "/security-officer.pin"
	tokenKeyFile    = secretsDir + "/token.key"
	credentialFile  = secretsDir + "/credential.key"
	sampleKeyFile   = secretsDir + "/sample-key.hex"
	tlsKeyFile      = secretsDir + "/tls.key"
	databaseFile    = dataDir + "/server.db"
	certificateFile = "tls.pem"
	authorityFile   = "ca.pem"
)

func signerLabel(n int) string { return fmt.Sprintf("keyferry-signer-%d", n) }

func pinFile(n int) string { return fmt.Sprintf("%s/signer-%d.pin", secretsDir, n) }

func storeFile(n int) string { return fmt.Sprintf("%s/signer-%d.db", dataDir, n) }

// ConfigFile returns the configuration of the sandbox in dir, as config.Load reads it.
func ConfigFile(dir string) (string, error) {
	l, err := newLayout(dir)
	if err != nil {
		return "", err
	}
	return l.at(settingsFile), nil
}
