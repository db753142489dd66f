//go:build cgo

package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"keyferry/server/client"
	"keyferry/server/identity"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/locked"
)

// The sample key's scheme, and how many signers give it.
const (
	sampleProtocol   = "CGGMP21"
	sampleCurve      = shares.Secp256k1
	sampleMinSigners = 3
	sampleName       = "Sample key"
)

// ensureSampleKey finds the key on file among the account's keys by its public half,
// or imports it through the API. It returns the key's id.
func (s *Sandbox) ensureSampleKey(ctx context.Context) (string, error) {
	secret, err := s.layout.ensureSampleSecret()
	if err != nil {
		return "", err
	}
	defer secret.Destroy()
	public, err := sampleCurve.MulBase(secret)
	if err != nil {
		return "", err
	}
	c, err := s.Client()
	if err != nil {
		return "", err
	}
	defer c.Close()
	for key, err := range c.Keys(ctx) {
		if err != nil {
			return "", err
		}
		if key.Curve == sampleCurve.Name() && key.PublicKey == public.Hex() {
			return key.ID, nil
		}
	}
	key, err := importSample(ctx, c, secret)
	return key.ID, err
}

func importSample(ctx context.Context, c *client.Client, secret *locked.Buffer) (client.Key, error) {
	scheme, err := shares.ParseScheme(sampleProtocol, sampleCurve.Name())
	if err != nil {
		return client.Key{}, err
	}
	signers, err := c.Signers(ctx)
	if err != nil {
		return client.Key{}, err
	}
	return c.Import(ctx, dealer.Plan{Scheme: scheme, MinSigners: sampleMinSigners, Signers: signers, Name: sampleName}, secret)
}

// ensureSampleSecret reads the sample's private key, which is on file before it is
// imported, so that no interruption leaves a key without it.
func (l layout) ensureSampleSecret() (*locked.Buffer, error) {
	path := l.at(sampleKeyFile)
	secret, err := readHex(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if secret, err = RandomKey(sampleCurve); err != nil {
		return nil, err
	}
	if err := writeHex(path, secret); err != nil {
		secret.Destroy()
		return nil, err
	}
	return secret, nil
}

// readHex reads what writeHex wrote of a private key.
func readHex(path string) (*locked.Buffer, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	line, err := locked.New(64)
	if err != nil {
		return nil, err
	}
	defer line.Destroy()
	if _, err := io.ReadFull(file, line.Bytes()); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	secret, err := locked.New(32)
	if err != nil {
		return nil, err
	}
	// The error of hex would quote a byte of the secret.
	if _, err := hex.Decode(secret.Bytes(), line.Bytes()); err != nil {
		secret.Destroy()
		return nil, fmt.Errorf("%s is not a private key in hex", path)
	}
	return secret, nil
}

// RandomKey draws a private key: 32 bytes, big-endian, uniform in [1, order) of the
// curve. The caller must Destroy it.
func RandomKey(curve shares.Curve) (*locked.Buffer, error) {
	if curve.Name() == "" {
		return nil, shares.ErrCurve
	}
	secret, err := locked.New(32)
	if err != nil {
		return nil, err
	}
	// At worst one in 32 is below the order (stark); what is thrown away tells nothing
	// of what is kept.
	for good := false; !good; {
		locked.Do(func() {
			rand.Read(secret.Bytes())
			good = curve.CheckScalar(secret.Bytes()) == nil
		})
	}
	return secret, nil
}

// appID is an application id of the API's form, the same for ever.
func (s *Sandbox) appID() string {
	digest := sha256.Sum256([]byte("keyferry sandbox application\x00" + s.settings.Deployment))
	return identity.DeriveID("ap", [16]byte(digest[:16]))
}
