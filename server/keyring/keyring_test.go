package keyring_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/keyring"
)

// counting is the bytes 0 to 31.
func counting() (action challenge.Bytes) {
	for i := range action {
		action[i] = byte(i)
	}
	return action
}

// The expected ids were computed by another program: base32, in lower case, of the
// first 16 bytes of SHA-256("keyferry key id v1" || action). Signers and server keep
// keys under them, so they may never change.
func TestKeyIDFollowsFromTheActionForEver(t *testing.T) {
	for want, action := range map[keyring.KeyID]challenge.Bytes{
		"key-mbeiz-ix4hc-kyqichxivnkn3prm": {},
		"key-tf4qq-kwcz3-utivow6zap7hpx6y": counting(),
	} {
		if got := keyring.KeyIDFor(action); got != want {
			t.Errorf("%x makes %s, not %s", action, got, want)
		}
	}
}

func TestEveryActionMakesAKeyOfItsOwn(t *testing.T) {
	form := regexp.MustCompile(`^key-[a-z2-7]{5}-[a-z2-7]{5}-[a-z2-7]{16}$`)
	seen := map[keyring.KeyID]bool{keyring.KeyIDFor(counting()): true}
	for bit := range 256 {
		action := counting()
		action[bit/8] ^= 1 << (bit % 8)
		id := keyring.KeyIDFor(action)
		if seen[id] || !form.MatchString(string(id)) {
			t.Errorf("bit %d: %s", bit, id)
		}
		seen[id] = true
		if parsed, err := keyring.ParseKeyID(string(id)); err != nil || parsed != id {
			t.Errorf("%s is read as %s, %v", id, parsed, err)
		}
	}
}

func TestParseKeyIDTakesOneTo64Bytes(t *testing.T) {
	for length, valid := range map[int]bool{0: false, 1: true, 64: true, 65: false, 10_000: false} {
		text := strings.Repeat("k", length)
		id, err := keyring.ParseKeyID(text)
		if valid != (err == nil) || valid && string(id) != text || !valid && id != "" {
			t.Errorf("%d bytes: %.70q, %v", length, id, err)
		}
	}
}

func TestAKeyCountsAsExportedFromItsFirstExportOn(t *testing.T) {
	var key keyring.Key
	if key.Exported() {
		t.Error("a key without a time of export counts as exported")
	}
	key.ExportedAt = time.UnixMilli(1)
	if !key.Exported() {
		t.Error("an exported key does not count as one")
	}
}
