package node

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/signer"
	"keyferry/shares"
	"keyferry/shares/locked"
)

// mostKeys is how many share-wrapping keys one share can meet on its way in: each time, a
// rotation has to begin in the milliseconds in between.
const mostKeys = 4

// addSealed has a share sealed under the key of the moment and stores it. If a rotation has
// begun in between, it is sealed again: nothing comes in under a key that is on its way
// out.
func (n *Node) addSealed(ctx context.Context, about audit.Entry, seal func(hsm.WrappingKey) (Share, error)) (Share, error) {
	for attempt := 1; ; attempt++ {
		keys, err := n.Store.WrappingKeys(ctx)
		if err != nil {
			return Share{}, err
		}
		share, err := seal(keys.Current)
		if err != nil {
			return Share{}, err
		}
		err = n.Store.AddShare(ctx, share, about)
		if err == nil {
			return share, nil
		}
		if !errors.Is(err, ErrKeyReplaced) || attempt == mostKeys {
			return Share{}, fmt.Errorf("storing share of %s: %w", share.Key, err)
		}
	}
}

// wrap writes the plaintext that an export will need, and seals it in the token.
func (n *Node) wrap(ctx context.Context, secret *locked.Buffer, share Share) ([]byte, error) {
	plaintext, err := shares.EncodeExport(share.Scheme.Curve(), share.Index, secret)
	if err != nil {
		return nil, fmt.Errorf("encoding share of %s: %w", share.Key, err)
	}
	defer plaintext.Destroy()
	blob, err := n.Token.SealShare(ctx, share.WrappingKey, plaintext, n.place(share))
	if err != nil {
		return nil, fmt.Errorf("sealing share of %s at rest: %w", share.Key, tokenFault(err))
	}
	return blob, nil
}

// open opens a share as it was read. Between the reading and the opening a rotation may
// have sealed it anew, and destroyed the key that it was under: then it is read again.
// Errors are those of the token.
func (n *Node) open(ctx context.Context, share Share, room int) (*locked.Buffer, error) {
	for {
		plaintext, err := n.Token.OpenShare(ctx, share.WrappingKey, share.Blob, n.place(share), room)
		if !errors.Is(err, hsm.ErrBlob) && !errors.Is(err, hsm.ErrNoWrappingKey) {
			return plaintext, err
		}
		now, readErr := n.Store.Share(ctx, share.Org, share.Key)
		if readErr != nil || now.WrappingKey <= share.WrappingKey {
			return nil, err
		}
		share.WrappingKey, share.Blob = now.WrappingKey, now.Blob
	}
}

// reseal seals a share under another key. The result has been opened again, since it will
// take the place of the only blob that there is. Its steps are not done together at the
// token: where one of them hangs, the share is wiped when the time is up.
func (n *Node) reseal(ctx context.Context, share Share, key hsm.WrappingKey) ([]byte, error) {
	plaintext, err := n.open(ctx, share, 0)
	if err != nil {
		return nil, err
	}
	defer plaintext.Destroy()
	place := n.place(share)
	blob, err := n.Token.SealShare(ctx, key, plaintext, place)
	if err != nil {
		return nil, err
	}
	again, err := n.Token.OpenShare(ctx, key, blob, place, 0)
	if err != nil {
		return nil, fmt.Errorf("opening what was sealed a moment ago: %w", err)
	}
	defer again.Destroy()
	same := false
	locked.Do(func() { same = subtle.ConstantTimeCompare(plaintext.Bytes(), again.Bytes()) == 1 })
	if !same {
		return nil, fmt.Errorf("resealing share of %s: the token opens something else than it sealed", share.Key)
	}
	return blob, nil
}

// check opens a share and compares it with its public share. It releases nothing.
func (n *Node) check(ctx context.Context, share Share) error {
	plaintext, err := n.open(ctx, share, 0)
	if err != nil {
		return tokenFault(err)
	}
	defer plaintext.Destroy()
	secret, err := shares.ParseExport(plaintext, share.Scheme.Curve())
	if errors.Is(err, locked.ErrMemory) {
		return err
	}
	if err != nil {
		return signer.ErrDamaged.Because(err)
	}
	defer secret.Destroy()
	public, err := secret.Public()
	if err != nil {
		return err
	}
	want, err := share.commitment()
	if err != nil {
		return err
	}
	if secret.Index != share.Index || !public.Equal(want) {
		return signer.ErrDamaged.Because(errors.New("it is not the one of its public share"))
	}
	return nil
}
