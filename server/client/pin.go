package client

import (
	"cmp"
	"errors"
	"fmt"

	"keyferry/shares"
	"keyferry/shares/attest"
	"keyferry/shares/dealer"
	"keyferry/shares/recovery"
)

// checkPin makes sure that a pinned manifest can be used for what it is for.
func (c *Config) checkPin() error {
	if c.Manifest == nil {
		return nil
	}
	if c.Expect.Organisation == "" {
		return errors.New("a pinned manifest needs the organisation too: signers state whose key they export")
	}
	c.Expect.Deployment = cmp.Or(c.Expect.Deployment, c.Manifest.Deployment)
	if c.Expect.Deployment != c.Manifest.Deployment {
		return fmt.Errorf("the pinned manifest is of deployment %q, and %q is expected", c.Manifest.Deployment, c.Expect.Deployment)
	}
	return nil
}

// Pin returns what [recovery.Context.Recover] needs to check the statements of an export
// of the key, or nil if no manifest is pinned.
func (c *Client) Pin(key string) *recovery.Pin {
	if c.config.Manifest == nil {
		return nil
	}
	return &recovery.Pin{Manifest: *c.config.Manifest, Organisation: c.config.Expect.Organisation, Key: key}
}

// parseSigners reads the answer of GET /signers, which must be the pinned cluster.
func (c *Client) parseSigners(text []byte) ([]dealer.Signer, error) {
	listed, err := attest.ParseSigners(text)
	if err != nil {
		return nil, err
	}
	if c.config.Manifest != nil {
		if err := attest.Signers(*c.config.Manifest, listed); err != nil {
			return nil, err
		}
	}
	var signers []dealer.Signer
	for _, entry := range listed {
		signers = append(signers, dealer.Signer{SignerID: entry.SignerID, EncryptionKey: entry.EncryptionKey})
	}
	return signers, nil
}

// checkExport makes sure that enough of the pinned signers vouch for their shares. The
// bad ones stay in the response, for Recover to name them.
func (c *Client) checkExport(key string, to *recovery.Context, r recovery.Response) error {
	pin := c.Pin(key)
	if pin == nil {
		return nil
	}
	_, err := r.Attest(*pin, to.EncryptionKey(), shares.Point{})
	return err
}
