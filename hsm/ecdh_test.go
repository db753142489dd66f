//go:build cgo

package hsm_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

// sharedX is the peer's own side of the exchange, in Go: 32 bytes.
func sharedX(t testing.TB, token *hsm.Token, peer *secp256k1.PrivateKey) []byte {
	t.Helper()
	public, err := secp256k1.ParsePubKey(token.ImportPublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return secp256k1.GenerateSharedSecret(peer, public)
}

// checkHashes compares the token's hashes with those of the peer, for the prefixes that
// an HMAC's inner hash begins with: a padded salt and the two possible signs of y.
func checkHashes(t testing.TB, token *hsm.Token, peer *secp256k1.PrivateKey) {
	t.Helper()
	salt := bytes.Repeat([]byte{0x36}, 64)
	even, odd := append(bytes.Clone(salt), 2), append(bytes.Clone(salt), 3)
	dst := secret(t, string(make([]byte, 64)))
	if err := token.HashSharedX(context.Background(), peer.PubKey().SerializeUncompressed(), even, odd, dst); err != nil {
		t.Fatal(err)
	}
	x := sharedX(t, token, peer)
	forEven, forOdd := sha256.Sum256(append(even, x...)), sha256.Sum256(append(odd, x...))
	mustEqual(t, "hash for even y", dst.Bytes()[:32], forEven[:])
	mustEqual(t, "hash for odd y", dst.Bytes()[32:], forOdd[:])
}

func newPeer(t testing.TB) *secp256k1.PrivateKey {
	t.Helper()
	peer, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return peer
}

func TestHashSharedXAgreesWithThePeer(t *testing.T) {
	token := hsmtest.Token(t)
	for range 20 {
		checkHashes(t, token, newPeer(t))
	}
}

// One exchange in 256 has an x that begins with a zero byte, which must be hashed too.
func TestHashSharedXKeepsLeadingZeros(t *testing.T) {
	token := hsmtest.Token(t)
	for range 20_000 {
		peer := newPeer(t)
		if sharedX(t, token, peer)[0] == 0 {
			checkHashes(t, token, peer)
			return
		}
	}
	t.Fatal("no such x in 20000 exchanges")
}

func TestHashSharedXRefusesBadPeers(t *testing.T) {
	token := hsmtest.Token(t)
	peer := newPeer(t).PubKey()
	good := peer.SerializeUncompressed()
	offCurve := bytes.Clone(good)
	offCurve[64] ^= 1
	hybrid := bytes.Clone(good)
	hybrid[0] = 6 | good[64]&1
	for name, bad := range map[string][]byte{
		"off the curve": offCurve, "compressed": peer.SerializeCompressed(), "hybrid": hybrid, "cut": good[:64],
		"longer": append(bytes.Clone(good), 0), "empty": nil, "identity": {0}, "zero": append([]byte{4}, make([]byte, 64)...),
	} {
		dst := secret(t, string(bytes.Repeat([]byte{7}, 64)))
		err := token.HashSharedX(context.Background(), bad, []byte{2}, []byte{3}, dst)
		if !errors.Is(err, hsm.ErrPeer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	checkHashes(t, token, newPeer(t))
}

func TestHashSharedXLeavesNoObjectBehind(t *testing.T) {
	token := hsmtest.Token(t)
	for range 5 {
		checkHashes(t, token, newPeer(t))
	}
	r := rawAccess(t, token.Label())
	session := r.session(t)
	if err := r.FindObjectsInit(session, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_GENERIC_SECRET)}); err != nil {
		t.Fatal(err)
	}
	found, _, err := r.FindObjects(session, 10)
	if err != nil || len(found) != 0 {
		t.Errorf("%d shared secrets are left, %v", len(found), err)
	}
}

func TestHashSharedXRefusesImpossibleSizes(t *testing.T) {
	token := hsmtest.Token(t)
	peer := newPeer(t).PubKey().SerializeUncompressed()
	for _, sizes := range [][3]int{{63, 1, 1}, {65, 1, 1}, {64, 0, 1}, {64, 1, 0}} {
		dst := secret(t, string(make([]byte, sizes[0])))
		if err := token.HashSharedX(context.Background(), peer, make([]byte, sizes[1]), make([]byte, sizes[2]), dst); err == nil {
			t.Errorf("accepted %v", sizes)
		}
	}
}

func BenchmarkHashSharedX(b *testing.B) {
	token := hsmtest.Token(b)
	peer := newPeer(b).PubKey().SerializeUncompressed()
	first, second := make([]byte, 65), make([]byte, 65)
	dst := secret(b, string(make([]byte, 64)))
	b.ReportAllocs()
	for b.Loop() {
		if err := token.HashSharedX(context.Background(), peer, first, second, dst); err != nil {
			b.Fatal(err)
		}
	}
}
