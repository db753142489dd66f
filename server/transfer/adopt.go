package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/shares"
	"keyferry/shares/manifest"
)

// Register is the part of the journal that takes keys which no user imported: their
// signers' operators brought the shares.
type Register interface {
	// Organisation returns an organisation as it is now.
	Organisation(ctx context.Context, id identity.OrgID) (identity.Organisation, error)
	// AdoptKey adds the key, uncommitted until the signers were told, and appends the
	// entry, in one transaction; or ErrAdopted, and nothing is changed.
	AdoptKey(ctx context.Context, i Imported, entry audit.Entry) error
}

// ErrAdopted is what a [Register] returns for a key that it has.
var ErrAdopted = errors.New("transfer: the key is there already")

// Adoption makes keys of what all signers have given receipts for.
type Adoption struct {
	Register Register
	Manifest manifest.Manifest // of the cluster
	Now      func() time.Time
}

// Adopt verifies all receipts before the first key is journaled, and then journals
// each key by itself; those that are there already are passed over, so that what was
// interrupted can be repeated. [Service.Settle] has the signers commit them.
func (a Adoption) Adopt(ctx context.Context, org identity.OrgID, receipts []signer.Ingested) (adopted, known int, err error) {
	if _, err := a.Register.Organisation(ctx, org); err != nil {
		return 0, 0, fmt.Errorf("adopting keys of %.64q: %w", org, err)
	}
	keys, err := a.verify(org, receipts)
	if err != nil {
		return 0, 0, err
	}
	for _, key := range keys {
		switch err := a.Register.AdoptKey(ctx, key, a.entry(key.Key)); {
		case errors.Is(err, ErrAdopted):
			known++
		case err != nil:
			return adopted, known, err
		default:
			adopted++
		}
	}
	return adopted, known, nil
}

// verify makes the keys, in the order in which the first of their receipts come.
func (a Adoption) verify(org identity.OrgID, receipts []signer.Ingested) ([]Imported, error) {
	byKey := map[keyring.KeyID][]signer.Ingested{}
	var order []keyring.KeyID
	for _, one := range receipts {
		key := one.Receipt.Key
		if byKey[key] == nil {
			order = append(order, key)
		}
		byKey[key] = append(byKey[key], one)
	}
	var keys []Imported
	for _, id := range order {
		if err := signer.VerifyIngested(a.Manifest, org, byKey[id]); err != nil {
			return nil, fmt.Errorf("receipts of key %.64q: %w", id, err)
		}
		key, err := a.imported(byKey[id])
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", id, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// imported takes receipts that were verified. The holders' indexes are those that the
// shares came with, whatever the order of the signers' ids.
func (a Adoption) imported(receipts []signer.Ingested) (Imported, error) {
	slices.SortFunc(receipts, func(a, b signer.Ingested) int { return a.Position - b.Position })
	first := receipts[0]
	public, err := first.PublicKey()
	if err != nil {
		return Imported{}, err
	}
	adopted := Imported{Key: keyring.Key{
		ID: first.Receipt.Key, Org: first.Receipt.Organisation, Scheme: first.Scheme, PublicKey: public,
		MinSigners: first.MinSigners, Signers: len(receipts), Status: keyring.Active, CreatedAt: a.Now(),
	}}
	for i, one := range receipts {
		adopted.Receipts = append(adopted.Receipts, one.Receipt)
		adopted.Holders = append(adopted.Holders, keyring.Holder{
			Signer: one.Receipt.Signer, Index: shares.IndexOf(one.Position), Commitment: first.Public[i],
		})
	}
	return adopted, nil
}

func (a Adoption) entry(key keyring.Key) audit.Entry {
	return audit.Entry{
		Time: challenge.MillisOf(a.Now()), Kind: audit.KeyAdopted, Org: key.Org, Key: string(key.ID), Outcome: audit.Stored,
		Details: map[string]string{"publicKey": key.PublicKey.Hex()},
	}
}
