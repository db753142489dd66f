package keyring

import (
	"errors"

	"keyferry/shares"
	"keyferry/shares/manifest"
)

// Holder is a signer that has a share of a key.
type Holder struct {
	Signer     manifest.ID
	Index      shares.Index // of its share
	Commitment shares.Point // the share's public share
}

// Vector returns the public shares of a key's holders, who are in the order of their
// indexes: 1, 2, and so on without a gap.
func Vector(holders []Holder) (shares.PublicShares, error) {
	if len(holders) == 0 {
		return nil, errors.New("keyring: nobody holds the key")
	}
	vector := make(shares.PublicShares, len(holders))
	for i, holder := range holders {
		if holder.Index != shares.IndexOf(i+1) {
			return nil, errors.New("keyring: the indexes of the key's holders have a gap")
		}
		vector[i] = holder.Commitment
	}
	return vector, nil
}
