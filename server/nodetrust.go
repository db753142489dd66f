//go:build cgo

package server

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"keyferry/config"
	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/signer/trust"
	"keyferry/server/store"
)

// openTrust opens what is installed. A document that is bad now may be mended while the
// signer runs, and what the others allow is not held up by it.
func openTrust(ctx context.Context, c NodeConfig, own *store.Signer) (*trust.Trust, error) {
	roots, err := readRoots(c.Trust.Roots)
	if err != nil {
		return nil, err
	}
	directory, err := trust.OpenDirectory(c.Trust.Directory)
	if err != nil {
		return nil, err
	}
	t, err := trust.New(trust.Config{
		Deployment: c.Deployment, Roots: roots, Documents: directory, Serials: own,
		Record: func(ctx context.Context, change trust.Change) error {
			c.Log.Info("trust changes", "organisation", change.Org, "from", change.From, "to", change.To, "changes", change.Lines)
			return own.Append(ctx, trustChanged(c.Now(), change))
		},
	})
	if err != nil {
		return nil, err
	}
	reportTrust(c.Log, t.Reload(ctx))
	return t, nil
}

func trustChanged(at time.Time, c trust.Change) audit.Entry {
	return audit.Entry{Time: challenge.MillisOf(at), Kind: audit.TrustChanged, Org: c.Org, Details: map[string]string{
		"from": strconv.FormatUint(c.From, 10), "to": strconv.FormatUint(c.To, 10), "hash": hex.EncodeToString(c.Hash[:]),
		"changes": strings.Join(c.Lines, "\n"),
	}}
}

func reportTrust(log *slog.Logger, err error) {
	if err != nil {
		log.Error("not all trust documents are in force as they are installed", "error", err)
		return
	}
	log.Info("all installed trust documents are in force")
}

func readRoots(pinned []config.Root) (map[identity.OrgID]trust.Root, error) {
	roots := map[identity.OrgID]trust.Root{}
	for _, c := range pinned {
		text, err := os.ReadFile(c.PublicKeyFile)
		if err != nil {
			return nil, fmt.Errorf("the root of organisation %s: %w", c.Organisation, err)
		}
		if roots[identity.OrgID(c.Organisation)], err = trust.ParseRoot(text); err != nil {
			return nil, fmt.Errorf("the root of organisation %s, %s: %w", c.Organisation, c.PublicKeyFile, err)
		}
	}
	return roots, nil
}
