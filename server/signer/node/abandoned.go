package node

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/keyring"
	"keyferry/server/signer"
)

// abandonedFor is beyond the time in which an import's user action is good.
const abandonedFor = 2 * challenge.MaxWindow

var errAbandoned = errors.New("its import was abandoned meanwhile")

// abandoned is the keys that were discarded lately. A server that was too slow to wait
// for an answer, or died, has a key discarded while its share may still be under way
// here: what comes in late must not stay, since nobody would ask for it again. Nothing
// is under way when a process starts, so it need not be stored.
type abandoned struct {
	mu   sync.Mutex
	keys map[keyring.KeyID]time.Time
}

// add must come before the share is removed, and has after it was stored: then one of
// the two sees the other.
func (a *abandoned) add(key keyring.KeyID, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys == nil {
		a.keys = map[keyring.KeyID]time.Time{}
	}
	maps.DeleteFunc(a.keys, func(_ keyring.KeyID, since time.Time) bool { return now.Sub(since) > abandonedFor })
	a.keys[key] = now
}

func (a *abandoned) has(key keyring.KeyID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, found := a.keys[key]
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
