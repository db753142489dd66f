package manifest

import (
	"crypto/elliptic"
	"errors"
	"testing"
)

func TestSuccessorIsTheSameSignerWithAFurtherIdentityKey(t *testing.T) {
	first, key := newMember(t)
	nextKey, lastKey := newKey(t, elliptic.P256()), newKey(t, elliptic.P256())
	next := successor(t, first, key, nextKey)
	last := successor(t, next, nextKey, lastKey)
	if last.ID != first.ID || last.EncryptionKey != first.EncryptionKey || len(last.Identities) != 3 || len(first.Identities) != 1 {
		t.Errorf("%+v follows %+v", last, first)
	}
	for _, m := range []Member{first, next, last} {
		if !last.Follows(m) || !m.Follows(last) {
			t.Errorf("%d identity keys and 3 are not one signer's", len(m.Identities))
		}
	}
	if other := successor(t, first, key, lastKey); other.Follows(next) {
		t.Error("two successors of one key are one signer's")
	}
}

func TestSuccessorIsLinkedByTheKeyInUseAlone(t *testing.T) {
	first, key := newMember(t)
	other, otherKey := newMember(t)
	next := newKey(t, elliptic.P256())
	if _, err := first.Successor(deployment, otherKey, next); !errors.Is(err, ErrSignature) {
		t.Errorf("linked by another signer's key: %v", err)
	}
	second := successor(t, first, key, next)
	if _, err := second.Successor(deployment, key, newKey(t, elliptic.P256())); !errors.Is(err, ErrSignature) {
		t.Errorf("linked by a key that was replaced: %v", err)
	}
	if other.Follows(first) || (Member{}).Follows(Member{}) {
		t.Error("another signer follows")
	}
}

func TestWhatAnIdentityKeySignedStaysTrueWhenItIsReplaced(t *testing.T) {
	first, key := newMember(t)
	nextKey := newKey(t, elliptic.P256())
	next := successor(t, first, key, nextKey)
	text := []byte("a statement")
	old, err := Sign(key, text)
	if err != nil {
		t.Fatal(err)
	}
	now, err := Sign(nextKey, text)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(next.VerifyText(text, old), next.VerifyText(text, now), first.VerifyText(text, old)); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"by a key that is not known yet": first.VerifyText(text, now),
		"of another text":                next.VerifyText([]byte("another"), old),
		"by nobody":                      Member{}.VerifyText(text, old),
	} {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestManifestIsSucceededByOneWhoseIdentityKeysAreLinked(t *testing.T) {
	first, key := newMember(t)
	other, _ := newMember(t)
	m, err := New(deployment, []Member{first, other})
	if err != nil {
		t.Fatal(err)
	}
	next, err := m.With(successor(t, first, key, newKey(t, elliptic.P256())))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(next.Succeeds(m), m.Succeeds(m)); err != nil {
		t.Error(err)
	}
	stranger, _ := newMember(t)
	another := func(members ...Member) Manifest {
		made, err := New(deployment, members)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	for name, wrong := range map[string]Manifest{
		"an older one":         m,
		"a signer less":        another(first),
		"a signer replaced":    another(first, stranger),
		"another successor":    another(successor(t, first, key, newKey(t, elliptic.P256())), other),
		"another deployment's": {Deployment: "another", Members: next.Members},
	} {
		if err := wrong.Succeeds(next); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := m.With(stranger); !errors.Is(err, ErrSignature) {
		t.Errorf("with a stranger: %v", err)
	}
}
