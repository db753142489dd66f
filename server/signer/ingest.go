package signer

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/shares"
	"keyferry/shares/fields"
	"keyferry/shares/manifest"
)

// ingestLabel begins what an ingested key's action is the hash of. That of a user's
// action is over the four bytes of a length first, and so over a zero byte: no key is
// both an import's and an ingested one, and no receipt of the one is one of the other.
const ingestLabel = "keyferry ingested key v1"

// Origin is what makes an ingested key that key.
type Origin struct {
	Deployment   string
	Organisation identity.OrgID
	Scheme       shares.Scheme
	PublicKey    shares.Point
}

// Action stands where an imported key's receipts have the hash of the user's action.
// It is the hash of the bare label and then fields; the public key is compressed.
func (o Origin) Action() challenge.Bytes {
	return sha256.Sum256(fields.Append([]byte(ingestLabel),
		[]byte(o.Deployment), []byte(o.Organisation), []byte(o.Scheme.Protocol()), []byte(o.Scheme.Curve().Name()), o.PublicKey.Bytes(),
	))
}

// Key returns the key's id, at which all operators arrive by themselves.
func (o Origin) Key() keyring.KeyID { return keyring.KeyIDFor(o.Action()) }

// Ingested is a signer's receipt for a share that its operator brought, and what is
// public of the key. Only the receipt is signed: it commits to all the rest but
// Position.
type Ingested struct {
	Scheme     shares.Scheme
	MinSigners int
	Position   int // the signer's index as a number, from 1
	Public     shares.PublicShares
	Receipt    SignedReceipt
}

// PublicKey returns the key's public key.
func (i Ingested) PublicKey() (shares.Point, error) { return i.Public.PublicKey() }

// Check accepts what agrees with itself: the public shares are a sharing with exactly
// these minSigners, and the receipt is for them and for the key that they make. Whether
// the receipt is its signer's is another question: see [VerifyReceipts]. Errors wrap
// ErrReceipt.
func (i Ingested) Check() error {
	if i.Position < 1 || i.Position > len(i.Public) {
		return fmt.Errorf("%w: index %d of %d", ErrReceipt, i.Position, len(i.Public))
	}
	if err := i.Public.Check(i.MinSigners); err != nil {
		return fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	public, err := i.PublicKey()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	origin := Origin{i.Receipt.Deployment, i.Receipt.Organisation, i.Scheme, public}
	switch {
	case i.Receipt.Action != origin.Action() || i.Receipt.Key != origin.Key():
		return fmt.Errorf("%w: it is for another key, or an import's", ErrReceipt)
	case i.Receipt.VectorHash != i.Public.Hash():
		return fmt.Errorf("%w: it is for other public shares", ErrReceipt)
	}
	return nil
}

// errDifferent says that signers were given different shares of what is one key.
var errDifferent = errors.New("the signers' public shares are not the same")

// VerifyIngested checks that these are the receipts of all signers of the cluster for
// one key of the organisation, and that no two signers have the same share. Errors
// wrap ErrReceipt.
func VerifyIngested(cluster manifest.Manifest, org identity.OrgID, all []Ingested) error {
	var receipts []SignedReceipt
	taken := map[int]ID{}
	for _, one := range all {
		id := one.Receipt.Signer
		if err := one.Check(); err != nil {
			return fmt.Errorf("signer %v: %w", id, err)
		}
		if one.Receipt.VectorHash != all[0].Receipt.VectorHash {
			return fmt.Errorf("signer %v: %w: %w", id, ErrReceipt, errDifferent)
		}
		if other, found := taken[one.Position]; found {
			return fmt.Errorf("%w: signers %v and %v both have the share with index %d", ErrReceipt, other, id, one.Position)
		}
		taken[one.Position] = id
		receipts = append(receipts, one.Receipt)
	}
	if err := missing(cluster, receipts); err != nil {
		return err
	}
	if len(all) != len(all[0].Public) {
		return fmt.Errorf("%w: %d receipts of a key with %d shares", ErrReceipt, len(all), len(all[0].Public))
	}
	want := all[0].Receipt.Receipt
	want.Deployment, want.Organisation = cluster.Deployment, org
	return VerifyReceipts(cluster, receipts, want)
}

// missing names a member of the cluster that has given no receipt.
func missing(cluster manifest.Manifest, receipts []SignedReceipt) error {
	for _, member := range cluster.Members {
		if !slices.ContainsFunc(receipts, func(r SignedReceipt) bool { return r.Signer == member.ID }) {
			return fmt.Errorf("%w: that of signer %v is missing", ErrReceipt, member.ID)
		}
	}
	return nil
}
