//go:build cgo

package node_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/transfer"
	"keyferry/shares/manifest"
	"keyferry/test/rig"
)

// vectorCluster is a service whose tokens hold the private keys of a vector's signers.
type vectorCluster struct {
	*rig.Rig
	*rig.Account
	service *transfer.Service

	// renamed puts the ids of the tokens in the place of those in the vector, which
	// are no hashes of identity keys. It keeps their order, on which indexes depend.
	renamed *strings.Replacer
}

func newVectorCluster(t *testing.T, v importVector) *vectorCluster {
	t.Helper()
	listed := slices.SortedFunc(slices.Values(v.Signers), func(a, b vectorSigner) int {
		x, y := parseID(t, a.SignerID), parseID(t, b.SignerID)
		return bytes.Compare(x[:], y[:])
	})
	identities := sortedIdentities(t, len(listed))
	var tokens []*hsm.Token
	var names []string
	for i, s := range listed {
		known := hsmtest.KnownKeys{Import: importKey(t, s), Identity: identities[i]}
		tokens = append(tokens, hsmtest.TokenWithKeys(t, known))
		names = append(names, s.SignerID, idOf(t, identities[i]).String())
	}
	r := rig.NewWithTokens(t, tokens...)
	for i, one := range r.Nodes {
		if info := one.Info(); info.EncryptionKey.String() != listed[i].EncryptionKey || info.ID.String() != names[2*i+1] {
			t.Fatalf("signer %d is %v with the key %v", i, info.ID, info.EncryptionKey)
		}
	}
	account := r.Account(t, r.Organisation(t), identity.KeysImport, identity.KeysExport)
	return &vectorCluster{Rig: r, Account: account, service: r.Service(t), renamed: strings.NewReplacer(names...)}
}

func parseID(t *testing.T, text string) signer.ID {
	t.Helper()
	id, err := manifest.ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func importKey(t *testing.T, s vectorSigner) *secp256k1.PrivateKey {
	t.Helper()
	scalar, err := hex.DecodeString(s.DecryptionKeyScalarHex)
	if err != nil || len(scalar) != 32 {
		t.Fatalf("a scalar of %d bytes, %v", len(scalar), err)
	}
	return secp256k1.PrivKeyFromBytes(scalar)
}

// sortedIdentities makes n identity keys, in the order of the ids that they give.
func sortedIdentities(t *testing.T, n int) []*ecdsa.PrivateKey {
	t.Helper()
	keys := make([]*ecdsa.PrivateKey, n)
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(keys, func(a, b *ecdsa.PrivateKey) int {
		x, y := idOf(t, a), idOf(t, b)
		return bytes.Compare(x[:], y[:])
	})
	return keys
}

func idOf(t *testing.T, key *ecdsa.PrivateKey) signer.ID {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return manifest.IDOf(spki)
}
