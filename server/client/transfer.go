package client

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"

	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
)

// ErrOtherKey says that the server names another key than the one that was imported.
var ErrOtherKey = errors.New("the server names another public key than the imported one")

// Import splits a private key as the plan says, seals a share to each signer of the
// plan, and sends them. The secret is 32 bytes, big-endian, in [1, order) of the
// scheme's curve, and stays the caller's. The key that the server made must have the
// public key that belongs to the secret.
func (c *Client) Import(ctx context.Context, plan dealer.Plan, secret *locked.Buffer) (Key, error) {
	public, err := plan.Scheme.Curve().MulBase(secret)
	if err != nil {
		return Key{}, fmt.Errorf("importing a key: %w", err)
	}
	request, err := dealer.Deal(plan, secret)
	if err != nil {
		return Key{}, fmt.Errorf("importing a key: %w", err)
	}
	return c.SendShares(ctx, request, public)
}

// SendShares is the second half of Import: it sends shares that were dealt already,
// of the key with this public key.
func (c *Client) SendShares(ctx context.Context, request dealer.Request, public shares.Point) (Key, error) {
	var key Key
	if err := c.signed(ctx, "/keys/import", request, &key); err != nil {
		return Key{}, fmt.Errorf("importing a key: %w", err)
	}
	if point, err := key.Point(); err != nil || !point.Equal(public) {
		return key, ErrOtherKey
	}
	return key, nil
}

// Export asks for the shares of a key, sealed to the export context, which recovers
// the private key from them. Without schemes all supported ones are offered. Where a
// manifest is pinned, give Recover the [Client.Pin] too.
func (c *Client) Export(ctx context.Context, id string, to *recovery.Context, schemes ...shares.Scheme) (recovery.Response, error) {
	if id == "" {
		return recovery.Response{}, errors.New("exporting a key: it has no id")
	}
	var answer jsontext.Value
	path := "/keys/" + url.PathEscape(id) + "/export"
	if err := c.signed(ctx, path, to.Request(schemes...), &answer); err != nil {
		return recovery.Response{}, fmt.Errorf("exporting key %s: %w", printable(id), err)
	}
	response, err := recovery.ParseResponse(answer)
	if err != nil {
		return recovery.Response{}, fmt.Errorf("exporting key %s: %w", printable(id), err)
	}
	if err := c.checkExport(ctx, id, to, response); err != nil {
		return recovery.Response{}, fmt.Errorf("exporting key %s: %w", printable(id), err)
	}
	return response, nil
}

// ParsePublicKey reads a public key in hex, as the API writes it.
func ParsePublicKey(curve shares.Curve, text string) (shares.Point, error) {
	encoded, err := hex.DecodeString(text)
	if err != nil {
		return shares.Point{}, fmt.Errorf("%w: not hex", shares.ErrPoint)
	}
	return curve.ParsePoint(encoded)
}
