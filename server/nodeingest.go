//go:build cgo

package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/shares/locked"
)

// Ingest is what a signer's operator brings from a running cluster.
type Ingest struct {
	Organisation identity.OrgID
	Format       IngestFormat
	Shares       io.Reader // lines of that form
	Receipts     io.Writer // takes lines of [signer.IngestedJSON]
	Progress     func(IngestProgress)
	// WithoutChainCodes takes in keys of hierarchical deterministic wallets, whose chain
	// codes are kept elsewhere.
	WithoutChainCodes bool
}

// IngestProgress is how many shares are in.
type IngestProgress struct {
	Done int
	New  int // of these: the others were there already
}

// IngestShares takes the shares into the configured signer one by one, whether or not
// the signer runs. It ends at the first line that is wrong; those before it are in, and
// are passed over, with the same receipts, when it is repeated.
func IngestShares(ctx context.Context, c NodeConfig, i Ingest) (progress IngestProgress, err error) {
	c, err = c.withDefaults()
	if err := errors.Join(err, c.Validate(), i.Format.check()); err != nil {
		return progress, err
	}
	if !hasRoot(c, i.Organisation) {
		return progress, fmt.Errorf("organisation %.64q has no root in trust.roots: nobody could export its keys", i.Organisation)
	}
	var opened closers
	defer func() { err = errors.Join(err, opened.close()) }()
	n, err := openIngest(ctx, c, &opened)
	if err != nil {
		return progress, err
	}
	return i.Into(ctx, n)
}

func hasRoot(c NodeConfig, org identity.OrgID) bool {
	for _, root := range c.Trust.Roots {
		if root.Organisation == string(org) {
			return true
		}
	}
	return false
}

// openIngest opens the signer as its operator needs it, who is its trust.
func openIngest(ctx context.Context, c NodeConfig, opened *closers) (*node.Node, error) {
	cluster, err := readManifest(c.Manifest, c.Deployment)
	if err != nil {
		return nil, err
	}
	own, err := openNodeStore(ctx, c)
	if err != nil {
		return nil, err
	}
	opened.add(own.Close)
	token, closeToken, err := openNodeToken(c.Node, 1, nil)
	if err != nil {
		return nil, err
	}
	opened.add(closeToken)
	if err := token.Ready(ctx); err != nil {
		return nil, err
	}
	n, err := node.New(ctx, node.Config{Deployment: c.Deployment, Token: token, Store: own, Trust: nobody{}, Now: c.Now})
	if err != nil {
		return nil, err
	}
	return n, n.Join(cluster)
}

// nobody is the trust of a node that no user can ask for anything.
type nobody struct{}

// Credential implements [node.Trust].
func (nobody) Credential(context.Context, identity.OrgID, identity.CredentialID) (identity.Credential, error) {
	return identity.Credential{}, node.ErrNoCredential
}

// Rules implements [node.Trust].
func (nobody) Rules(context.Context, identity.OrgID) (node.Rules, error) { return node.Rules{}, nil }

// Into takes the shares into a node. Errors name the line.
func (i Ingest) Into(ctx context.Context, n *node.Node) (progress IngestProgress, err error) {
	lines, err := newIngestLines(i.Shares)
	if err != nil {
		return progress, err
	}
	defer lines.destroy()
	for number := 1; ; number++ {
		if err := ctx.Err(); err != nil {
			return progress, fmt.Errorf("before line %d: %w", number, err)
		}
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return progress, nil
		}
		var brought bool
		if err == nil {
			brought, err = i.one(ctx, n, line)
		}
		if err != nil {
			return progress, fmt.Errorf("line %d: %w", number, err)
		}
		progress.Done++
		if brought {
			progress.New++
		}
		i.Progress(progress)
	}
}

func (i Ingest) one(ctx context.Context, n *node.Node, line *locked.Buffer) (brought bool, err error) {
	share, err := i.parse(line)
	if err != nil {
		return false, err
	}
	defer share.Destroy()
	if share.Organisation != string(i.Organisation) {
		return false, fmt.Errorf("the share is of organisation %q, not of %q", share.Organisation, i.Organisation)
	}
	ingested, brought, err := n.Ingest(ctx, share)
	if err != nil {
		return false, err
	}
	return brought, writeReceipt(i.Receipts, ingested)
}

func writeReceipt(to io.Writer, ingested signer.Ingested) error {
	if err := json.NewEncoder(to).Encode(ingested.JSON()); err != nil {
		return fmt.Errorf("writing receipt of %s: %w", ingested.Receipt.Key, err)
	}
	return nil
}
