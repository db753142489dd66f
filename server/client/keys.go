package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"

	"keyferry/shares"
	"keyferry/shares/dealer"
)

// Key is a key as the API lists it.
type Key struct {
	ID        string `json:"id"`
	Scheme    string `json:"scheme"` // what it signs: ECDSA, EdDSA or Schnorr
	Curve     string `json:"curve"`
	PublicKey string `json:"publicKey"` // lower-case hex
	Status    string `json:"status"`
	Name      string `json:"name"`
	Imported  bool   `json:"imported"`
	Exported  bool   `json:"exported"`
}

// Point reads the public key.
func (k Key) Point() (shares.Point, error) {
	curve, err := shares.ParseCurve(k.Curve)
	if err != nil {
		return shares.Point{}, err
	}
	return ParsePublicKey(curve, k.PublicKey)
}

// Key returns one key.
func (c *Client) Key(ctx context.Context, id string) (Key, error) {
	var key Key
	if err := c.call(ctx, exchange{method: "GET", path: "/keys/" + url.PathEscape(id)}, &key); err != nil {
		return Key{}, fmt.Errorf("getting key %s: %w", printable(id), err)
	}
	return key, nil
}

// Keys goes through all keys, oldest first, and ends with the first error.
func (c *Client) Keys(ctx context.Context) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		seen := map[string]bool{}
		for token := ""; ; {
			page, err := c.page(ctx, token)
			if err != nil {
				yield(Key{}, err)
				return
			}
			for _, key := range page.Items {
				if !yield(key, nil) {
					return
				}
			}
			if token = page.Next; token == "" {
				return
			}
			// Such a server would keep us here for ever.
			if seen[token] {
				yield(Key{}, errors.New("listing keys: the server gave the same page token twice"))
				return
			}
			seen[token] = true
		}
	}
}

type page struct {
	Items []Key  `json:"items"`
	Next  string `json:"nextPageToken"`
}

func (c *Client) page(ctx context.Context, token string) (page, error) {
	path := "/keys?limit=100"
	if token != "" {
		path += "&paginationToken=" + url.QueryEscape(token)
	}
	var p page
	if err := c.call(ctx, exchange{method: "GET", path: path}, &p); err != nil {
		return page{}, fmt.Errorf("listing keys: %w", err)
	}
	return p, nil
}

// Signers returns the signers of the cluster. Whether they are the right ones, only a
// pinned manifest tells; without one, see dealer.Deal.
func (c *Client) Signers(ctx context.Context) ([]dealer.Signer, error) {
	var answer jsontext.Value
	if err := c.call(ctx, exchange{method: "GET", path: "/signers"}, &answer); err != nil {
		return nil, fmt.Errorf("listing signers: %w", err)
	}
	signers, err := c.parseSigners(answer)
	if err != nil {
		return nil, fmt.Errorf("listing signers: %w", err)
	}
	return signers, nil
}
