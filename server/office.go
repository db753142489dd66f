//go:build cgo

package server

import (
	"context"
	"errors"
	"fmt"

	"keyferry/server/admin"
	"keyferry/server/audit/merkle"
	"keyferry/server/store"
)

// Office is the operator's use cases on a server's database.
type Office struct {
	*admin.Office
	AuditLog merkle.Log // to be listed, proven and exported
	store    *store.Server
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
	log, err := openAuditLog(c, registry)
	if err != nil {
		return nil, errors.Join(err, registry.Close())
	}
	return &Office{Office: admin.New(registry, tokens, c.Now), AuditLog: log, store: registry}, nil
}

// Close closes the database.
func (o *Office) Close() error { return o.store.Close() }
