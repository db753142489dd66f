package node

import (
	"context"
	"errors"
	"fmt"

	"keyferry/hsm"
	"keyferry/server/signer"
	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/statement"
)

// Export implements [signer.Signer]. The use of the action, and the record of the
// release, are on disk before the share is opened.
func (n *Node) Export(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
	if signer.IsExpendable(ctx) {
		ctx = hsm.Expendable(ctx)
	}
	sealed, err := n.export(ctx, r)
	return sealed, n.recordRefusal(ctx, r, err)
}

func (n *Node) export(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
	wanted, err := n.wanted(ctx, r)
	if err != nil {
		return signer.SealedShare{}, err
	}
	var share Share
	err = n.Store.Together(ctx, func(ctx context.Context, at Moment) (err error) {
		share, err = n.permit(ctx, at, wanted)
		return err
	})
	if err != nil {
		return signer.SealedShare{}, err
	}
	return n.release(ctx, &share, wanted)
}

// release opens the share in the token, seals it to the client, and states both, in one
// errand at the token.
func (n *Node) release(ctx context.Context, share *Share, w *wanted) (signer.SealedShare, error) {
	to, sealed := w.order.EncryptionKey, signer.SealedShare{Signer: n.info.ID}
	err := n.Token.Together(ctx, func(ctx context.Context) (err error) {
		if sealed.Ciphertext, err = n.seal(ctx, *share, to); err != nil {
			return err
		}
		sealed.Statement, err = n.state(ctx, *share, statement.Statement{
			EncryptionKeyHash: to.Hash(), CiphertextHash: statement.HashCiphertext(sealed.Ciphertext), ActionHash: w.consent.ID(),
		})
		return err
	})
	if err != nil {
		return signer.SealedShare{}, fmt.Errorf("releasing share of %s: %w", share.Key, tokenFault(err))
	}
	return sealed, nil
}

// seal opens the share in the token and seals it where it stands. Errors are those of the
// token, as state's.
func (n *Node) seal(ctx context.Context, share Share, to envelope.EncryptionKey) ([]byte, error) {
	plaintext, err := n.open(ctx, share, envelope.Overhead)
	if err != nil {
		return nil, fmt.Errorf("opening it: %w", err)
	}
	defer n.Sweeper.Soon()
	defer plaintext.Destroy()
	ciphertext, err := to.Seal(plaintext)
	if err != nil {
		return nil, fmt.Errorf("sealing it: %w", err)
	}
	return ciphertext, nil
}

// state completes a statement with what it says of the share, which the token has just
// shown to be what was stored, and signs it.
func (n *Node) state(ctx context.Context, share Share, s statement.Statement) (statement.Signed, error) {
	commitment, err := share.commitment()
	if err != nil {
		return statement.Signed{}, err
	}
	s.Deployment, s.Organisation, s.Key = n.Deployment, string(share.Org), string(share.Key)
	s.Scheme, s.PublicKey, s.MinSigners = share.Scheme, share.PublicKey, share.MinSigners
	s.Index, s.Commitment, s.VectorHash = share.Index, commitment, share.Public.Hash()
	s.Time = n.Now().UnixMilli()
	signed, err := statement.Sign(s, n.info.ID, n.identity.In(ctx))
	if err != nil {
		return statement.Signed{}, fmt.Errorf("stating it: %w", err)
	}
	return signed, nil
}

// commitment is the public share at the share's index.
func (s Share) commitment() (shares.Point, error) {
	for i, public := range s.Public {
		if shares.IndexOf(i+1) == s.Index {
			return public, nil
		}
	}
	return shares.Point{}, signer.ErrDamaged.Because(errors.New("its index is beyond its public shares"))
}

// tokenFault tells a share that does not belong where it stands from a token that
// is in trouble.
func tokenFault(err error) error {
	switch {
	case errors.Is(err, hsm.ErrBlob), errors.Is(err, hsm.ErrNoWrappingKey):
		return signer.ErrDamaged.Because(err)
	case errors.Is(err, hsm.ErrTokenGone), errors.Is(err, hsm.ErrBusy), errors.Is(err, hsm.ErrNotAsked):
		return signer.ErrUnavailable.Because(err)
	}
	return err
}
