//go:build cgo

package server

import (
	"context"
	"errors"
	"fmt"

	"keyferry/config"
	"keyferry/server/admin"
	"keyferry/server/audit/compare"
	"keyferry/server/audit/merkle"
	"keyferry/server/store"
)

// Office is the operator's use cases on a server's database.
type Office struct {
	*admin.Office
	AuditLog merkle.Log // to be listed, proven and exported
	store    *store.Server
	signers  closers // stores that were opened
	config   Config
}

// OpenOffice opens the database of the configured server, whether or not it runs.
func OpenOffice(ctx context.Context, c Config) (*Office, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	tokens, _, err := openTokens(c)
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
	return &Office{Office: admin.New(registry, tokens, c.Now), AuditLog: log, store: registry, config: c}, nil
}

// Close closes the databases.
func (o *Office) Close() error { return errors.Join(o.signers.close(), o.store.Close()) }

// SignerLog is the own audit log of an embedded signer.
type SignerLog struct {
	Label string // of its token
	merkle.Log
}

// SignerLogs opens the logs of the embedded signers, which are good until Close. Signers
// that were never started have none.
func (o *Office) SignerLogs(ctx context.Context) ([]SignerLog, error) {
	var logs []SignerLog
	for _, c := range o.config.Signers {
		if c.Store == "" { // a remote one's is its own operator's
			continue
		}
		log, err := o.signerLog(ctx, c)
		if errors.Is(err, store.ErrNotEnrolled) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("signer %q: %w", c.Label, err)
		}
		logs = append(logs, SignerLog{c.Label, log})
	}
	return logs, nil
}

func (o *Office) signerLog(ctx context.Context, c config.Signer) (merkle.Log, error) {
	own, err := store.OpenSigner(ctx, store.Config{Path: c.Store, Now: o.config.Now})
	if err != nil {
		return merkle.Log{}, fmt.Errorf("opening its store: %w", err)
	}
	o.signers.add(own.Close)
	id, err := own.Enrolled(ctx)
	if err != nil {
		return merkle.Log{}, err
	}
	return logPlace{o.config.Deployment, o.config.CheckpointKeyFile}.open(compare.SignerPart(id), own)
}
