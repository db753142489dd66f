// Package manifesttest gives tests members of clusters, without tokens. Their import keys
// open nothing.
package manifesttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"keyferry/shares/envelope/envelopetest"
	"keyferry/shares/manifest"
)

// NewMember makes a member, and its identity key.
func NewMember(t testing.TB, deployment string) (manifest.Member, *ecdsa.PrivateKey) {
	t.Helper()
	identity, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return MemberWith(t, deployment, identity), identity
}

// MemberWith makes the member that has this identity key.
func MemberWith(t testing.TB, deployment string, identity crypto.Signer) manifest.Member {
	t.Helper()
	member, err := manifest.NewMember(deployment, identity, envelopetest.EncryptionKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return member
}
