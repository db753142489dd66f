package keyring_test

import (
	"testing"

	"keyferry/server/keyring"
	"keyferry/shares"
	"keyferry/shares/locked/lockedtest"
)

// newHolders returns the holders of a key, 2 of n, and its public shares.
func newHolders(t *testing.T, n int) ([]keyring.Holder, shares.PublicShares) {
	t.Helper()
	dealing, err := shares.Split(shares.Secp256k1, lockedtest.Bytes(t, []byte{31: 7}), 2, n)
	if err != nil {
		t.Fatal(err)
	}
	defer dealing.Destroy()
	var holders []keyring.Holder
	for i, public := range dealing.Public {
		holders = append(holders, keyring.Holder{Signer: [32]byte{byte(i)}, Index: shares.IndexOf(i + 1), Commitment: public})
	}
	return holders, dealing.Public
}

func TestHoldersGiveThePublicShares(t *testing.T) {
	holders, public := newHolders(t, 3)
	vector, err := keyring.Vector(holders)
	if err != nil || vector.Hash() != public.Hash() {
		t.Errorf("got %v, %v", vector, err)
	}
}

func TestHoldersWithAGapGiveNothing(t *testing.T) {
	holders, _ := newHolders(t, 3)
	for name, list := range map[string][]keyring.Holder{
		"nobody":        nil,
		"first missing": holders[1:],
		"a gap":         {holders[0], holders[2]},
		"out of order":  {holders[1], holders[0], holders[2]},
		"twice":         {holders[0], holders[0]},
	} {
		if vector, err := keyring.Vector(list); err == nil {
			t.Errorf("%s: %d public shares", name, len(vector))
		}
	}
}
