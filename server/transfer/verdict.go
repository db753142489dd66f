package transfer

import (
	"errors"
	"fmt"
	"slices"

	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/shares/manifest"
	"keyferry/shares/statement"
)

// errForeignAnswer says that a signer answered in another's name.
var errForeignAnswer = errors.New("the answer is not of the signer that was asked")

// verdict is what the service knows of an export by itself, and so what signers must
// say of it.
type verdict struct {
	manifest manifest.Manifest
	holders  []keyring.Holder
	want     statement.Statement // without what is each signer's own
}

// newVerdict puts together what the statements of an export must say. Which share a
// signer has, and of which vector, is known since the import; so a signer cannot claim
// another's index.
func newVerdict(cluster manifest.Manifest, key keyring.Key, holders []keyring.Holder, signed useraction.Signed, order signer.ExportOrder) (verdict, error) {
	vector, err := keyring.Vector(holders)
	if err != nil {
		return verdict{}, fmt.Errorf("key %s: %w", key.ID, err)
	}
	return verdict{manifest: cluster, holders: holders, want: statement.Statement{
		Deployment: cluster.Deployment, Organisation: string(key.Org), Key: string(key.ID),
		Scheme: key.Scheme, PublicKey: key.PublicKey, MinSigners: key.MinSigners, VectorHash: vector.Hash(),
		EncryptionKeyHash: order.EncryptionKey.Hash(), ActionHash: signed.ID(),
	}}, nil
}

func (v verdict) place(id signer.ID) int {
	return slices.IndexFunc(v.holders, func(h keyring.Holder) bool { return h.Signer == id })
}

func (v verdict) holds(id signer.ID) bool { return v.place(id) >= 0 }

// check compares what a holder that was asked has answered with what is known.
func (v verdict) check(asked signer.ID, share signer.SealedShare) error {
	member, known := v.manifest.Member(asked)
	if !known || !v.holds(asked) || share.Signer != asked || share.Statement.Signer != asked {
		return signer.ErrStatement.Because(errForeignAnswer)
	}
	holder, want := v.holders[v.place(asked)], v.want
	want.Index, want.Commitment, want.CiphertextHash = holder.Index, holder.Commitment, statement.HashCiphertext(share.Ciphertext)
	if err := errors.Join(share.Statement.Check(want), share.Statement.Verify(member)); err != nil {
		return signer.ErrStatement.Because(err)
	}
	return nil
}
