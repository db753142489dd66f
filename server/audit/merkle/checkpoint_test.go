package merkle

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestCheckpointIsASignedNoteOfThreeLines(t *testing.T) {
	_, m, key := logOf(t, 5)
	signed, err := m.tree.Sign(newSigner(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(key))
	if err != nil || len(n.Sigs) != 1 || n.Sigs[0].Name != origin {
		t.Fatalf("%+v, %v", n, err)
	}
	lines := strings.Split(string(signed), "\n")
	if len(lines) != 6 || lines[0] != origin || lines[1] != "5" || lines[3] != "" || !strings.HasPrefix(lines[4], "— "+origin+" ") {
		t.Errorf("signed as\n%s", signed)
	}
	c, err := Open(signed, key)
	if err != nil || c != (Checkpoint{Origin: origin, Size: 5, Root: m.tree.Root()}) {
		t.Errorf("opened as %+v, %v", c, err)
	}
}

func TestVerifierKeyNamesTheKeyThatSigns(t *testing.T) {
	signer := newSigner(t, 7)
	v := verifierOf(t, signer)
	if v.KeyHash() != signer.KeyHash() || v.Name() != signer.Name() {
		t.Errorf("the key is %s+%08x, and signs as %s+%08x", v.Name(), v.KeyHash(), signer.Name(), signer.KeyHash())
	}
}

func TestOpenRefusesWhatTheLogDidNotSign(t *testing.T) {
	_, m, key := logOf(t, 5)
	sign := func(text string, by note.Signer) []byte {
		signed, err := note.Sign(&note.Note{Text: text}, by)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	own, other := newSigner(t, 1), newSigner(t, 2)
	good := Checkpoint{Origin: origin, Size: 5, Root: m.tree.Root()}.text()
	for name, signed := range map[string][]byte{
		"by another key":      sign(good, other),
		"of another log":      sign(strings.Replace(good, origin, "keyferry/other/server", 1), own),
		"of another size":     []byte(strings.Replace(string(sign(good, own)), "\n5\n", "\n6\n", 1)),
		"negative size":       sign(strings.Replace(good, "\n5\n", "\n-5\n", 1), own),
		"size with a zero":    sign(strings.Replace(good, "\n5\n", "\n05\n", 1), own),
		"size with a plus":    sign(strings.Replace(good, "\n5\n", "\n+5\n", 1), own),
		"size beyond numbers": sign(strings.Replace(good, "\n5\n", "\n9223372036854775808\n", 1), own),
		"a line more":         sign(good+"more\n", own),
		"a short root":        sign(origin+"\n5\nAAAA\n", own),
		"no origin":           sign("\n5\n"+strings.SplitN(good, "\n", 3)[2], own),
		"nothing":             nil,
		"no signature":        []byte(good + "\n"),
	} {
		if c, err := Open(signed, key); !errors.Is(err, ErrUnsigned) {
			t.Errorf("%s: opened as %+v, %v", name, c, err)
		}
	}
}

func TestNameOfALogIsOneOfANote(t *testing.T) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "a b", "a+b", "a\nb", "\xff"} {
		if _, err := NewSigner(name, private); err == nil {
			t.Errorf("%q is a name", name)
		}
	}
	for _, deployment := range []string{"prod", "a+b", "a b", "ü/ü", "a\nb"} {
		if _, err := NewSigner(Origin(deployment, "server"), private); err != nil {
			t.Errorf("deployment %q has no log: %v", deployment, err)
		}
	}
	if _, err := NewSigner("a", private[:5]); err == nil {
		t.Error("took half a key")
	}
	if Origin("a/b", "c") == Origin("a", "b/c") {
		t.Error("two logs have one name")
	}
}
