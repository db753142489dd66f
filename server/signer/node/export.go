package node

import (
	"context"
	"errors"
	"fmt"

	"keyferry/hsm"
	"keyferry/server/signer"
	"keyferry/shares/envelope"
)

// Export implements [signer.Signer]. The use of the action is on disk before the
// share is opened.
func (n *Node) Export(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
	consent, err := n.consent(ctx, r)
	if err != nil {
		return signer.SealedShare{}, err
	}
	id, err := signer.ExportedKey(consent.Method(), consent.Path())
	if err != nil {
		return signer.SealedShare{}, signer.ErrConsent.Because(err)
	}
	order, err := signer.ParseExport(consent.Payload())
	if err != nil {
		return signer.SealedShare{}, err
	}
	share, err := n.Store.Share(ctx, consent.Org(), id)
	if errors.Is(err, ErrNoShare) || err == nil && !share.Committed {
		return signer.SealedShare{}, signer.ErrNoShare
	}
	if err != nil {
		return signer.SealedShare{}, fmt.Errorf("looking up share of %s: %w", id, err)
	}
	if _, err := order.Spelling(share.Scheme); err != nil {
		return signer.SealedShare{}, err
	}
	if err := n.use(ctx, consent); err != nil {
		return signer.SealedShare{}, err
	}
	return n.seal(ctx, share, order.EncryptionKey)
}

// seal opens the share in the token and seals it where it stands.
func (n *Node) seal(ctx context.Context, share Share, to envelope.EncryptionKey) (signer.SealedShare, error) {
	plaintext, err := n.Token.OpenShare(ctx, share.Blob, n.place(share), envelope.Overhead)
	if err != nil {
		return signer.SealedShare{}, fmt.Errorf("opening share of %s: %w", share.Key, tokenFault(err))
	}
	defer plaintext.Destroy()
	ciphertext, err := to.Seal(plaintext)
	if err != nil {
		return signer.SealedShare{}, fmt.Errorf("sealing share of %s: %w", share.Key, err)
	}
	return signer.SealedShare{Signer: n.info.ID, Ciphertext: ciphertext}, nil
}

// tokenFault tells a share that does not belong where it stands from a token that
// is in trouble.
func tokenFault(err error) error {
	switch {
	case errors.Is(err, hsm.ErrBlob):
		return signer.ErrDamaged.Because(err)
	case errors.Is(err, hsm.ErrTokenGone), errors.Is(err, hsm.ErrBusy):
		return signer.ErrUnavailable.Because(err)
	}
	return err
}
