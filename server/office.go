//go:build cgo

package server

import (
	"context"
	"fmt"

	"keyferry/server/admin"
	"keyferry/server/store"
)

// Office is the operator's use cases on a server's database.
type Office struct {
	*admin.Office
	store *store.Server
}

// OpenOffice opens the database of the configured server, whether or not it runs.
func OpenOffice(ctx context.Context, c Config) (*Office, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	tokens, err := openTokens(c)
	if err != nil {
		return nil, err
	}
	registry, err := store.OpenServer(ctx, store.Config{Path: c.Database, Now: c.Now})
	if err != nil {
		return nil, fmt.Errorf("opening the server's database: %w", err)
	}
	return &Office{Office: admin.New(registry, tokens, c.Now), store: registry}, nil
}

// Close closes the database.
func (o *Office) Close() error { return o.store.Close() }
