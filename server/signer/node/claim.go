package node

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"keyferry/server/fault"
	"keyferry/server/identity"
)

// ErrForeignEnvelope refuses an import whose envelope another organisation brought
// before. The caller is told no more than by ErrBadShare.
var ErrForeignEnvelope = fault.New(fault.Invalid, "import.envelope-foreign", ErrBadShare.Message)

// The labels keep these hashes apart from each other and from those of actions, which
// are over the four bytes of a length first and so over a zero byte.
const (
	envelopeLabel = "keyferry imported envelope v1"
	ownerLabel    = "keyferry envelope owner v1"
)

// claim records, for ever, that an envelope is the organisation's whose import was
// the first to bring it.
//
// Nothing inside an envelope says whose it is: who has a copy of another's import,
// from a database or a log, could import it under his own name, and export the key.
// The same organisation may bring it again, since a client that failed signs anew for
// the shares that it dealt before.
func (n *Node) claim(ctx context.Context, org identity.OrgID, sealed []byte) error {
	err := n.Store.UseAction(ctx, Use{
		Action: envelopeID(sealed), Digest: sha256.Sum256([]byte(ownerLabel + string(org))),
		ExpiresAt: time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC),
	})
	if errors.Is(err, ErrUsed) {
		return ErrForeignEnvelope.Because(err)
	}
	if err != nil {
		return fmt.Errorf("recording an envelope's owner: %w", err)
	}
	return nil
}

// envelopeID names an envelope that opened: by its last 32 bytes, the x coordinate of
// its ephemeral key. The parity before them anyone can turn round; nothing else can be
// changed by someone who did not make the envelope so that it still opens.
func envelopeID(sealed []byte) [32]byte {
	x := sealed[len(sealed)-32:]
	return sha256.Sum256(append([]byte(envelopeLabel), x...))
}
