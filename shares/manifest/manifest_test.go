package manifest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"keyferry/shares/envelope"
	"keyferry/shares/envelope/envelopetest"
)

const deployment = "test"

func newKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newMember(t testing.TB) (Member, *ecdsa.PrivateKey) {
	t.Helper()
	key := newKey(t, elliptic.P256())
	m, err := NewMember(deployment, key, envelopetest.EncryptionKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return m, key
}

// rotated gives a member a second identity key.
func rotated(t *testing.T) Member {
	t.Helper()
	m, first := newMember(t)
	return successor(t, m, first, newKey(t, elliptic.P256()))
}

func successor(t *testing.T, m Member, current, next crypto.Signer) Member {
	t.Helper()
	s, err := m.Successor(deployment, current, next)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMembersVerifyWithAnyNumberOfIdentityKeys(t *testing.T) {
	first, _ := newMember(t)
	for _, m := range []Member{first, rotated(t)} {
		if err := m.Verify(deployment); err != nil {
			t.Error(err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	other, otherKey := newMember(t)
	for name, spoil := range map[string]func(m *Member){
		"another import key":             func(m *Member) { m.EncryptionKey = other.EncryptionKey },
		"no import key":                  func(m *Member) { m.EncryptionKey = envelope.EncryptionKey{} },
		"another id":                     func(m *Member) { m.ID = other.ID },
		"another first identity":         func(m *Member) { m.Identities[0] = other.Identities[0] },
		"an identity without a link":     func(m *Member) { m.Identities = append(m.Identities, other.Identities[0]) },
		"a link that is another's":       func(m *Member) { m.Links[0] = other.Signature },
		"another last identity":          func(m *Member) { m.Identities[1] = other.Identities[0] },
		"a signature of another signer":  func(m *Member) { m.Signature, _ = Sign(otherKey, m.importKeyText(deployment)) },
		"a signature of an old identity": func(m *Member) { m.Identities, m.Links = m.Identities[:1], nil },
		"no signature":                   func(m *Member) { m.Signature = nil },
		"no identity":                    func(m *Member) { m.Identities, m.Links = nil, nil },
	} {
		m := rotated(t)
		spoil(&m)
		if err := m.Verify(deployment); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	m := rotated(t)
	if err := m.Verify("another deployment"); !errors.Is(err, ErrSignature) {
		t.Errorf("another deployment: got %v", err)
	}
	if _, err := NewMember(deployment, newKey(t, elliptic.P384()), envelopetest.EncryptionKey(t)); !errors.Is(err, ErrSignature) {
		t.Errorf("a P-384 identity: got %v", err)
	}
}

func newManifest(t *testing.T) Manifest {
	t.Helper()
	first, _ := newMember(t)
	m, err := New(deployment, []Member{rotated(t), first, rotated(t)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestManifestSurvivesItsFile(t *testing.T) {
	m := newManifest(t)
	text, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.Marshal()
	if err != nil || !bytes.Equal(again, text) || !reflect.DeepEqual(back.IDs(), m.IDs()) {
		t.Errorf("%s came back as %s, %v", text, again, err)
	}
	if !slices.IsSortedFunc(m.IDs(), ID.Compare) {
		t.Error("the members are not sorted")
	}
	for _, id := range m.IDs() {
		if member, found := m.Member(id); !found || member.ID != id {
			t.Errorf("member %v is not found", id)
		}
	}
	if _, found := m.Member(ID{}); found {
		t.Error("found a member that is not there")
	}
}

func TestParseRefusesEditedFiles(t *testing.T) {
	m := newManifest(t)
	text, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	key := m.Members[0].EncryptionKey.String()
	for name, edited := range map[string]string{
		"another version":    strings.Replace(string(text), `"version": 1`, `"version": 2`, 1),
		"another deployment": strings.Replace(string(text), `"test"`, `"tset"`, 1),
		"another import key": strings.Replace(string(text), key, m.Members[1].EncryptionKey.String(), 1),
		"an unknown member":  strings.Replace(string(text), `"version"`, `"more": 1, "version"`, 1),
		"a member twice":     strings.Replace(string(text), `"version": 1`, `"version": 1, "version": 1`, 1),
		"nothing":            "",
	} {
		if _, err := Parse([]byte(edited)); err == nil || edited == string(text) {
			t.Errorf("%s: read", name)
		}
	}
	if _, err := New(deployment, []Member{m.Members[0], m.Members[0]}); err == nil {
		t.Error("a manifest names a signer twice")
	}
	if _, err := New(deployment, nil); err == nil {
		t.Error("a manifest names nobody")
	}
}
