package signer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"keyferry/server/signer"
	"keyferry/shares/manifest"
	"keyferry/shares/manifest/manifesttest"
)

// cluster is a manifest and the identity keys behind it, in its order.
type cluster struct {
	manifest.Manifest
	identities map[signer.ID]*ecdsa.PrivateKey
}

func newCluster(t *testing.T, n int) cluster {
	t.Helper()
	c := cluster{identities: map[signer.ID]*ecdsa.PrivateKey{}}
	var members []manifest.Member
	for range n {
		member, identity := manifesttest.NewMember(t, "d")
		c.identities[member.ID] = identity
		members = append(members, member)
	}
	var err error
	if c.Manifest, err = manifest.New("d", members); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c cluster) sign(t *testing.T, r signer.Receipt) []signer.SignedReceipt {
	t.Helper()
	var all []signer.SignedReceipt
	for _, id := range c.IDs() {
		signed, err := r.Sign(id, c.identities[id])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, signed)
	}
	return all
}

func exampleReceipt() signer.Receipt {
	return signer.Receipt{Deployment: "d", Organisation: "or-1", Key: "key-1", Action: [32]byte{1}, VectorHash: [32]byte{2}}
}

func TestReceiptsOfTheWholeClusterAreAccepted(t *testing.T) {
	c := newCluster(t, 3)
	receipts := c.sign(t, exampleReceipt())
	slices.Reverse(receipts)
	if err := signer.VerifyReceipts(c.Manifest, receipts, exampleReceipt()); err != nil {
		t.Error(err)
	}
}

func TestReceiptsAreRefusedUnlessEverySignerGaveTheSame(t *testing.T) {
	c, other := newCluster(t, 3), newCluster(t, 3)
	foreign := other.sign(t, exampleReceipt())
	for name, spoil := range map[string]func(r []signer.SignedReceipt) []signer.SignedReceipt{
		"none":             func(r []signer.SignedReceipt) []signer.SignedReceipt { return nil },
		"one is missing":   func(r []signer.SignedReceipt) []signer.SignedReceipt { return r[1:] },
		"one stands twice": func(r []signer.SignedReceipt) []signer.SignedReceipt { return append(r[1:], r[1]) },
		"one too many":     func(r []signer.SignedReceipt) []signer.SignedReceipt { return append(r, r[0]) },
		"a stranger's":     func(r []signer.SignedReceipt) []signer.SignedReceipt { r[0] = foreign[0]; return r },
		"another's signature": func(r []signer.SignedReceipt) []signer.SignedReceipt {
			r[0].Signature = r[1].Signature
			return r
		},
		"unsigned": func(r []signer.SignedReceipt) []signer.SignedReceipt { r[0].Signature = nil; return r },
	} {
		err := signer.VerifyReceipts(c.Manifest, spoil(c.sign(t, exampleReceipt())), exampleReceipt())
		if !errors.Is(err, signer.ErrReceipt) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// changedReceipts differ from the example in one field each.
func changedReceipts() map[string]signer.Receipt {
	changed := map[string]signer.Receipt{}
	for i := range reflect.TypeFor[signer.Receipt]().NumField() {
		r := exampleReceipt()
		field := reflect.ValueOf(&r).Elem().Field(i)
		if field.Kind() == reflect.String {
			field.SetString(field.String() + "x")
		} else {
			field.Index(31).SetUint(1)
		}
		changed[reflect.TypeFor[signer.Receipt]().Field(i).Name] = r
	}
	return changed
}

func TestEveryFieldOfAReceiptIsSignedAndCompared(t *testing.T) {
	c := newCluster(t, 2)
	for name, changed := range changedReceipts() {
		if changed == exampleReceipt() {
			t.Fatalf("%s was not changed", name)
		}
		receipts := c.sign(t, changed)
		if err := signer.VerifyReceipts(c.Manifest, receipts, exampleReceipt()); !errors.Is(err, signer.ErrReceipt) {
			t.Errorf("%s differs: %v", name, err)
		}
		for i := range receipts {
			receipts[i].Receipt = exampleReceipt()
		}
		if err := signer.VerifyReceipts(c.Manifest, receipts, exampleReceipt()); !errors.Is(err, signer.ErrReceipt) {
			t.Errorf("%s was edited: %v", name, err)
		}
	}
}

func TestAReceiptSurvivesItsJSON(t *testing.T) {
	c := newCluster(t, 1)
	want := c.sign(t, exampleReceipt())[0]
	text, err := json.Marshal(want.JSON())
	if err != nil {
		t.Fatal(err)
	}
	var written signer.ReceiptJSON
	if err := json.Unmarshal(text, &written); err != nil {
		t.Fatal(err)
	}
	got, err := written.Parse()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("came back as %+v, %v", got, err)
	}
	for name, spoil := range map[string]func(j *signer.ReceiptJSON){
		"no signer":    func(j *signer.ReceiptJSON) { j.SignerID = "" },
		"a short hash": func(j *signer.ReceiptJSON) { j.VectorHash = j.VectorHash[2:] },
		"capital hex":  func(j *signer.ReceiptJSON) { j.VectorHash = strings.Repeat("AB", 32) },
	} {
		spoiled := written
		spoil(&spoiled)
		if _, err := spoiled.Parse(); !errors.Is(err, signer.ErrReceipt) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Between an import and its commit a signer may be started with another identity key.
func TestReceiptOutlivesItsIdentityKey(t *testing.T) {
	c := newCluster(t, 2)
	member := c.Members[0]
	next, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	successor, err := member.Successor("d", c.identities[member.ID], next)
	if err != nil {
		t.Fatal(err)
	}
	later, err := c.With(successor)
	if err != nil {
		t.Fatal(err)
	}
	if err := signer.VerifyReceipts(later, c.sign(t, exampleReceipt()), exampleReceipt()); err != nil {
		t.Errorf("what was signed before: %v", err)
	}
	c.identities[member.ID] = next
	if err := signer.VerifyReceipts(later, c.sign(t, exampleReceipt()), exampleReceipt()); err != nil {
		t.Errorf("what was signed since: %v", err)
	}
	if err := signer.VerifyReceipts(c.Manifest, c.sign(t, exampleReceipt()), exampleReceipt()); !errors.Is(err, signer.ErrReceipt) {
		t.Errorf("a key that is not in the manifest: %v", err)
	}
}
