// Package attesttest gives tests a cluster of signers without tokens or network: real
// identity keys, real shares of a real key, sealed and signed for as real signers do.
// What a test does to an answer before it is checked is the lie that it is about.
package attesttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"testing"

	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/locked"
	"keyferry/shares/manifest"
	"keyferry/shares/manifest/manifesttest"
	"keyferry/shares/statement"
)

// What the cluster's one key is.
const (
	Deployment   = "test"
	Organisation = "or-test"
	Key          = "key-aaaaa-bbbbb-cccccccccccccccc"
	Wallet       = "wa-aaaaa-bbbbb-cccccccccccccccc"
	MinSigners   = 3
	Signers      = 5
)

// Cluster is five signers of which any three give the key.
type Cluster struct {
	Manifest   manifest.Manifest
	Scheme     shares.Scheme
	PublicKey  shares.Point
	identities map[manifest.ID]*ecdsa.PrivateKey
	dealing    *shares.Dealing
}

// Answer is an export's answer, open to be edited.
type Answer struct {
	PublicKey  string           `json:"publicKey"`
	Protocol   string           `json:"protocol"`
	Curve      string           `json:"curve"`
	MinSigners int              `json:"minSigners"`
	Shares     []Share          `json:"encryptedKeyShares"`
	Statements []statement.JSON `json:"statements,omitempty"`
}

// Share is one sealed share of an answer.
type Share struct {
	SignerID          string `json:"signerId"`
	EncryptedKeyShare string `json:"encryptedKeyShare"`
}

// New makes a cluster with a key of CGGMP21/secp256k1.
func New(t testing.TB) *Cluster {
	t.Helper()
	scheme, err := shares.ParseScheme("CGGMP21", "secp256k1")
	check(t, err)
	c := &Cluster{Scheme: scheme, identities: map[manifest.ID]*ecdsa.PrivateKey{}}
	var members []manifest.Member
	for range Signers {
		members = append(members, c.newMember(t))
	}
	c.Manifest, err = manifest.New(Deployment, members)
	check(t, err)
	c.deal(t)
	return c
}

func (c *Cluster) newMember(t testing.TB) manifest.Member {
	member, identity := manifesttest.NewMember(t, Deployment)
	c.identities[member.ID] = identity
	return member
}

func (c *Cluster) deal(t testing.TB) {
	secret, err := locked.New(32)
	check(t, err)
	defer secret.Destroy()
	rand.Read(secret.Bytes()[1:]) // below the order
	c.PublicKey, err = c.Scheme.Curve().MulBase(secret)
	check(t, err)
	c.dealing, err = shares.Split(c.Scheme.Curve(), secret, MinSigners, Signers)
	check(t, err)
	t.Cleanup(c.dealing.Destroy)
}

// Listing is what GET /signers lists.
func (c *Cluster) Listing() []manifest.MemberJSON { return listing(c.Manifest) }

func listing(m manifest.Manifest) []manifest.MemberJSON {
	var listed []manifest.MemberJSON
	for _, member := range m.Members {
		listed = append(listed, member.JSON())
	}
	return listed
}

// Export is the honest answer to an export of the key.
func (c *Cluster) Export(t testing.TB, to envelope.EncryptionKey) Answer {
	t.Helper()
	answer := Answer{
		PublicKey: c.PublicKey.Hex(), Protocol: c.Scheme.Protocol(), Curve: c.Scheme.Curve().Name(), MinSigners: MinSigners,
	}
	for i := range c.Manifest.Members {
		sealed := c.seal(t, i, to)
		answer.Shares = append(answer.Shares, Share{c.Manifest.Members[i].ID.String(), base64.StdEncoding.EncodeToString(sealed)})
		answer.Statements = append(answer.Statements, c.Sign(t, i, c.statement(i, to, sealed)))
	}
	return answer
}

func (c *Cluster) seal(t testing.TB, i int, to envelope.EncryptionKey) []byte {
	share := c.dealing.Shares[i]
	plaintext, err := shares.EncodeExport(share.Curve, share.Index, share.Secret)
	check(t, err)
	defer plaintext.Destroy()
	sealed, err := to.Seal(plaintext)
	check(t, err)
	return sealed
}

func (c *Cluster) statement(i int, to envelope.EncryptionKey, sealed []byte) statement.Statement {
	return statement.Statement{
		Deployment: Deployment, Organisation: Organisation, Key: Key, Scheme: c.Scheme, PublicKey: c.PublicKey, MinSigners: MinSigners,
		Index: c.dealing.Shares[i].Index, Commitment: c.dealing.Public[i], VectorHash: c.dealing.Public.Hash(),
		EncryptionKeyHash: to.Hash(), CiphertextHash: statement.HashCiphertext(sealed), ActionHash: [32]byte{1}, Time: 1,
	}
}

// Sign signs a statement as the i-th signer, whatever it says.
func (c *Cluster) Sign(t testing.TB, i int, s statement.Statement) statement.JSON {
	t.Helper()
	id := c.Manifest.Members[i].ID
	signed, err := statement.Sign(s, id, c.identities[id])
	check(t, err)
	return signed.JSON()
}

// Restate lets the i-th signer of an answer say something else, in a statement that it
// signs.
func (c *Cluster) Restate(t testing.TB, answer *Answer, i int, change func(s *statement.Statement)) {
	t.Helper()
	signed, err := answer.Statements[i].Parse()
	check(t, err)
	change(&signed.Statement)
	answer.Statements[i] = c.Sign(t, i, signed.Statement)
}

// Copy returns an answer that can be edited without changing this one.
func (a Answer) Copy() Answer {
	a.Shares, a.Statements = slices.Clone(a.Shares), slices.Clone(a.Statements)
	return a
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Rotated lists the cluster with a further identity key of one signer, which the one that
// it has links.
func (c *Cluster) Rotated(t testing.TB, at int) []manifest.MemberJSON {
	t.Helper()
	successor, _ := c.successor(t, at)
	listed := c.Listing()
	listed[at] = successor.JSON()
	return listed
}

// Rotate gives one signer a further identity key, which it signs with from then on.
func (c *Cluster) Rotate(t testing.TB, at int) {
	t.Helper()
	successor, next := c.successor(t, at)
	rotated, err := c.Manifest.With(successor)
	check(t, err)
	c.Manifest, c.identities[successor.ID] = rotated, next
}

func (c *Cluster) successor(t testing.TB, at int) (manifest.Member, *ecdsa.PrivateKey) {
	next, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	member := c.Manifest.Members[at]
	successor, err := member.Successor(Deployment, c.identities[member.ID], next)
	check(t, err)
	return successor, next
}
