//go:build cgo

package envelope

import (
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"
)

// agreements has every implementation of this build: the vectors run on each.
func agreements() map[string]agreement {
	return map[string]agreement{"dcrd": dcrdAgreement{}, "libsecp256k1": newSecp256k1Agreement()}
}

func TestBuildsWithCgoUseTheConstantTimeAgreement(t *testing.T) {
	if _, ok := chosenAgreement().(secp256k1Agreement); !ok {
		t.Errorf("seals and opens with %T", chosenAgreement())
	}
}

// The numbers at which implementations differ if they do: around zero, the order n and
// the field's prime p, as 32 bytes.
var edges = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000001",
	"0000000000000000000000000000000000000000000000000000000000000002",
	"7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", // (n−1)/2
	"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", // n−1
	"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", // n
	"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142", // n+1
	"fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2c", // p−3
	"fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f", // p
	"fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30", // p+1
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

func numbers() *rapid.Generator[[]byte] {
	return rapid.OneOf(
		rapid.SliceOfN(rapid.Byte(), 32, 32),
		rapid.Map(rapid.SampledFrom(edges), func(text string) []byte {
			b, _ := hex.DecodeString(text)
			return b
		}))
}

func TestAgreementsAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		scalar := [scalarSize]byte(numbers().Draw(rt, "scalar"))
		prefix := rapid.SampledFrom([]byte{2, 3, 2, 3, 2, 3, 0, 4, 6, 7, 0xff}).Draw(rt, "prefix")
		// Half of all x are on the curve.
		peer := [pointSize]byte(append([]byte{prefix}, numbers().Draw(rt, "x")...))
		want, got := ask(dcrdAgreement{}, scalar, peer), ask(chosenAgreement(), scalar, peer)
		if got != want {
			rt.Fatalf("got %+v, want %+v", got, want)
		}
		if checkPoint(peer[:]) == nil == (got.errShare == errPeer) {
			rt.Fatalf("peer %x is accepted by one of parsing and agreeing", peer)
		}
		if got.errShare == nil && (got.public != got.ephemeral || got.once != got.again) {
			rt.Fatalf("disagrees with itself: %+v", got)
		}
	})
}

// answer is all that an agreement says about a scalar and a peer. What it writes
// beside an error means nothing.
type answer struct {
	public, ephemeral, once, again    [pointSize]byte
	errPublic, errEphemeral, errShare error
}

func ask(curve agreement, scalar [scalarSize]byte, peer [pointSize]byte) (a answer) {
	if a.errPublic = curve.public(&scalar, &a.public); a.errPublic != nil {
		clear(a.public[:])
	}
	if a.errEphemeral = curve.ephemeral(&scalar, &peer, &a.ephemeral, &a.once); a.errEphemeral != nil {
		clear(a.ephemeral[:])
		clear(a.once[:])
	}
	if a.errShare = curve.share(&scalar, &peer, &a.again); a.errShare != nil {
		clear(a.again[:])
	}
	return a
}
