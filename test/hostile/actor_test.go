//go:build cgo

package hostile

import (
	"context"
	"sync/atomic"
	"testing"

	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/shares/statement"
)

// exporter is what a signer does in place of exporting.
type exporter func(context.Context, signer.Request) (signer.SealedShare, error)

// actor is a signer that can be told to misbehave. It has all that a signer has.
type actor struct {
	*node.Node
	role atomic.Pointer[exporter]
}

// Export implements [signer.Signer].
func (a *actor) Export(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
	if role := a.role.Load(); role != nil {
		return (*role)(ctx, r)
	}
	return a.Node.Export(ctx, r)
}

// play makes the signer behave so until the test ends.
func (a *actor) play(t *testing.T, role exporter) {
	t.Helper()
	a.role.Store(&role)
	t.Cleanup(func() { a.role.Store(nil) })
}

// lie exports honestly, changes the share, and states that with its own key.
func (a *actor) lie(change func(*signer.SealedShare)) exporter {
	return func(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
		share, err := a.Node.Export(ctx, r)
		if err != nil {
			return signer.SealedShare{}, err
		}
		change(&share)
		share.Statement, err = statement.Sign(share.Statement.Statement, a.Info().ID, a.Identity())
		return share, err
	}
}
