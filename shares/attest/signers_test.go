package attest_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"keyferry/shares/attest"
	"keyferry/shares/attest/attesttest"
	"keyferry/shares/manifest"
)

func TestThePinnedSignersAreAcceptedInAnyOrder(t *testing.T) {
	c := attesttest.New(t)
	listed := c.Listing()
	slices.Reverse(listed)
	if err := attest.Signers(c.Manifest, listed); err != nil {
		t.Error(err)
	}
}

// A later identity key is believed because the pinned one links it, and for nothing else;
// see also "a later identity" below.
func TestALinkedIdentityKeyOfAPinnedSignerIsAccepted(t *testing.T) {
	c := attesttest.New(t)
	if err := attest.Signers(c.Manifest, c.Rotated(t, 1)); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(m *manifest.MemberJSON){
		"without its link":      func(m *manifest.MemberJSON) { m.IdentityLinks = [][]byte{} },
		"with another's link":   func(m *manifest.MemberJSON) { m.IdentityLinks[0] = m.Signature },
		"signed by the old key": func(m *manifest.MemberJSON) { m.Signature = c.Listing()[1].Signature },
		"by a third key":        func(m *manifest.MemberJSON) { m.IdentityKeys[1] = c.Listing()[2].IdentityKeys[0] },
	} {
		listed := c.Rotated(t, 1)
		spoil(&listed[1])
		if err := attest.Signers(c.Manifest, listed); !errors.Is(err, attest.ErrSigners) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLinkedHasTheIdentityKeysOfNow(t *testing.T) {
	c := attesttest.New(t)
	pinned := c.Manifest
	c.Rotate(t, 1)
	c.Rotate(t, 3)
	for name, listed := range map[string][]manifest.MemberJSON{"one more": c.Rotated(t, 1), "both": c.Listing()} {
		linked, err := attest.Linked(pinned, listed)
		if err != nil || linked.Succeeds(pinned) != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, member := range linked.Members {
			if got, want := member.JSON(), listed[i]; len(got.IdentityKeys) != len(want.IdentityKeys) {
				t.Errorf("%s: signer %d has %d identity keys, of %d", name, i, len(got.IdentityKeys), len(want.IdentityKeys))
			}
		}
	}
	// Whoever has heard of a key keeps it.
	before := attesttest.New(t)
	listed := before.Listing()
	before.Rotate(t, 0)
	if linked, err := attest.Linked(before.Manifest, listed); err != nil || len(linked.Members[0].Identities) != 2 {
		t.Errorf("an older list: %v", err)
	}
	if _, err := attest.Linked(pinned, attesttest.New(t).Listing()); !errors.Is(err, attest.ErrSigners) {
		t.Errorf("another cluster: %v", err)
	}
}

func TestSignersRefusesAnotherCluster(t *testing.T) {
	c, other := attesttest.New(t), attesttest.New(t)
	foreign := other.Listing()
	for name, lie := range map[string]func(listed []manifest.MemberJSON) []manifest.MemberJSON{
		"none":               func([]manifest.MemberJSON) []manifest.MemberJSON { return nil },
		"one is missing":     func(l []manifest.MemberJSON) []manifest.MemberJSON { return l[1:] },
		"one is added":       func(l []manifest.MemberJSON) []manifest.MemberJSON { return append(l, foreign[0]) },
		"one is replaced":    func(l []manifest.MemberJSON) []manifest.MemberJSON { l[0] = foreign[0]; return l },
		"one stands twice":   func(l []manifest.MemberJSON) []manifest.MemberJSON { return append(l, l[0]) },
		"one stands for two": func(l []manifest.MemberJSON) []manifest.MemberJSON { l[0] = l[1]; return l },
		"all are others":     func([]manifest.MemberJSON) []manifest.MemberJSON { return foreign },
		"an encryption key": func(l []manifest.MemberJSON) []manifest.MemberJSON {
			l[2].EncryptionKey = foreign[2].EncryptionKey
			return l
		},
		"keys change places": func(l []manifest.MemberJSON) []manifest.MemberJSON { l[0].EncryptionKey = l[1].EncryptionKey; return l },
		"an identity": func(l []manifest.MemberJSON) []manifest.MemberJSON {
			l[0].IdentityKeys = foreign[0].IdentityKeys
			return l
		},
		"a later identity":    func(l []manifest.MemberJSON) []manifest.MemberJSON { l[0] = succeeded(l[0], foreign[0]); return l },
		"another's signature": func(l []manifest.MemberJSON) []manifest.MemberJSON { l[0].Signature = l[1].Signature; return l },
		"no signature":        func(l []manifest.MemberJSON) []manifest.MemberJSON { l[0].Signature = nil; return l },
		"no identity":         func(l []manifest.MemberJSON) []manifest.MemberJSON { l[0].IdentityKeys = nil; return l },
		"an unreadable id":    func(l []manifest.MemberJSON) []manifest.MemberJSON { l[0].SignerID = "sg-1"; return l },
		"an id without its =": func(l []manifest.MemberJSON) []manifest.MemberJSON {
			l[0].SignerID = strings.TrimRight(l[0].SignerID, "=")
			return l
		},
		"an identity key as encryption key": func(l []manifest.MemberJSON) []manifest.MemberJSON { l[0].EncryptionKey = "AQ=="; return l },
	} {
		if err := attest.Signers(c.Manifest, lie(c.Listing())); !errors.Is(err, attest.ErrSigners) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := attest.Signers(manifest.Manifest{}, nil); !errors.Is(err, attest.ErrSigners) {
		t.Errorf("no manifest at all: got %v", err)
	}
}

// succeeded has a second identity key, which the first one did not link.
func succeeded(m, successor manifest.MemberJSON) manifest.MemberJSON {
	m.IdentityKeys = append(slices.Clone(m.IdentityKeys), successor.IdentityKeys...)
	m.IdentityLinks = [][]byte{successor.Signature}
	m.EncryptionKey, m.Signature = successor.EncryptionKey, successor.Signature
	return m
}

func TestParseSignersReadsOneClusterOnly(t *testing.T) {
	c := attesttest.New(t)
	entries, err := json.Marshal(c.Listing())
	if err != nil {
		t.Fatal(err)
	}
	cluster := `{"clusterId":"x","signers":` + string(entries) + `}`
	listed, err := attest.ParseSigners([]byte(`{"clusters":[` + cluster + `]}`))
	if err != nil || attest.Signers(c.Manifest, listed) != nil {
		t.Fatalf("the honest answer: %v", err)
	}
	for name, text := range map[string]string{
		"nothing":           ``,
		"no cluster":        `{"clusters":[]}`,
		"two clusters":      `{"clusters":[` + cluster + `,` + cluster + `]}`,
		"clusters twice":    `{"clusters":[` + cluster + `],"clusters":[` + cluster + `]}`,
		"more than a value": `{"clusters":[` + cluster + `]}{}`,
		"an array":          `[` + cluster + `]`,
	} {
		if _, err := attest.ParseSigners([]byte(text)); !errors.Is(err, attest.ErrAnswer) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
