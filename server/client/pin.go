package client

import (
	"cmp"
	"context"
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
// of the key, or nil if no manifest is pinned. Call it after the export: it then has the
// identity keys that the pinned ones have linked meanwhile.
func (c *Client) Pin(key string) *recovery.Pin {
	if c.config.Manifest == nil {
		return nil
	}
	known := cmp.Or(c.linked.Load(), c.config.Manifest)
	return &recovery.Pin{Manifest: *known, Organisation: c.config.Expect.Organisation, Key: key}
}

// parseSigners reads the answer of GET /signers, which must be the pinned cluster.
func (c *Client) parseSigners(text []byte) ([]dealer.Signer, error) {
	listed, err := attest.ParseSigners(text)
	if err != nil {
		return nil, err
	}
	if c.config.Manifest != nil {
		linked, err := attest.Linked(*c.config.Manifest, listed)
		if err != nil {
			return nil, err
		}
		c.linked.Store(&linked)
	}
	var signers []dealer.Signer
	for _, entry := range listed {
		signers = append(signers, dealer.Signer{SignerID: entry.SignerID, EncryptionKey: entry.EncryptionKey})
	}
	return signers, nil
}

// checkExport makes sure that enough of the pinned signers vouch for their shares. The
// bad ones stay in the response, for Recover to name them.
//
// A bad statement may be of a signer whose identity key was replaced: the list of signers
// has the link to the new one. If it cannot be had, that signer is done without.
func (c *Client) checkExport(ctx context.Context, key string, to *recovery.Context, r recovery.Response) error {
	pin := c.Pin(key)
	if pin == nil {
		return nil
	}
	verdict, err := r.Attest(*pin, to.EncryptionKey(), shares.Point{})
	if len(verdict.Bad) == 0 {
		return err
	}
	if _, unheard := c.Signers(ctx); unheard != nil {
		return err
	}
	_, err = r.Attest(*c.Pin(key), to.EncryptionKey(), shares.Point{})
	return err
}
