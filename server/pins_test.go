//go:build cgo

package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"testing"

	"keyferry/server/signer/remote"
	"keyferry/shares/manifest"
	"keyferry/shares/manifest/manifesttest"
)

// replacedTwice is a cluster of one signer that has its third identity key.
func replacedTwice(t *testing.T) manifest.Manifest {
	t.Helper()
	var keys [3]*ecdsa.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	member := manifesttest.MemberWith(t, "test", keys[0])
	for i := range 2 {
		var err error
		if member, err = member.Successor("test", keys[i], keys[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	cluster, err := manifest.New("test", []manifest.Member{member})
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

// The pin in a server's configuration outlives its key: what is linked behind it is the
// signer's too. What was replaced before it was pinned is not.
func TestPinIsGoodForTheKeysThatAreLinkedBehindIt(t *testing.T) {
	cluster := replacedTwice(t)
	member := cluster.Members[0]
	var pins []remote.Pin
	for _, identity := range member.Identities {
		pins = append(pins, sha256.Sum256(identity))
	}
	for i, pin := range pins {
		if found := memberOf(cluster, pin); found.ID != member.ID {
			t.Errorf("key %d is nobody's", i+1)
		}
		if got := pinsOf(member, pin); !slices.Equal(got, pins[i:]) {
			t.Errorf("with key %d pinned, %d keys are taken", i+1, len(got))
		}
	}
	if found := memberOf(cluster, remote.Pin{1}); len(found.Identities) > 0 {
		t.Error("a pin of nobody is a signer's")
	}
}
