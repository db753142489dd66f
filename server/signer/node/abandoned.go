package node

import (
	"context"
	"errors"

	"keyferry/server/keyring"
	"keyferry/server/recent"
	"keyferry/server/signer"
)

var errAbandoned = errors.New("its import was abandoned meanwhile")

// abandoned is the keys that were discarded lately. A server that was too slow to wait
// for an answer, or died, has a key discarded while its share may still be under way
// here: what comes in late must not stay, since nobody would ask for it again. Nothing
// is under way when a process starts, so it need not be stored.
//
// Whoever may ask names the keys, so it is bounded. A server that makes it forget one
// leaves a share behind that is part of no key.
type abandoned struct {
	keys *recent.Map[keyring.KeyID, struct{}]
}

// abandonedSize is of one generation: far more imports than are under way at a time.
const abandonedSize = 4096

func newAbandoned() abandoned {
	return abandoned{recent.NewMap[keyring.KeyID, struct{}](abandonedSize)}
}

// add must come before the share is removed, and has after it was stored: then one of
// the two sees the other.
func (a abandoned) add(key keyring.KeyID) { a.keys.Add(key, struct{}{}) }

func (a abandoned) has(key keyring.KeyID) bool {
	_, found := a.keys.Get(key)
	return found
}

// prepareUnlessAbandoned leaves nothing of an import that was discarded before its end,
// whether or not somebody waits for the answer still.
func (n *Node) prepareUnlessAbandoned(ctx context.Context, r signer.Request) (signer.Prepared, error) {
	prepared, err := n.prepare(ctx, r)
	key := keyring.KeyIDFor(r.Action.ID())
	if !n.abandoned.has(key) {
		return prepared, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refusalTime)
	defer cancel()
	undone := n.Discard(ctx, key)
	return signer.Prepared{}, errors.Join(signer.ErrReplayed.Because(errAbandoned), err, undone)
}
