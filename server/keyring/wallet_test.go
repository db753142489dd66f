package keyring_test

import (
	"strings"
	"testing"

	"keyferry/server/keyring"
	"keyferry/shares"
)

func TestKeyAndWalletNameEachOther(t *testing.T) {
	for id, want := range map[keyring.KeyID]keyring.WalletID{
		keyring.KeyIDFor(counting()): "wa-tf4qq-kwcz3-utivow6zap7hpx6y",
		"key-1":                      "wa-1",
		"key-" + keyring.KeyID(strings.Repeat("a", 60)): "wa-" + keyring.WalletID(strings.Repeat("a", 60)),
	} {
		if got := id.Wallet(); got != want {
			t.Errorf("%s has the wallet %s", id, got)
		}
		if got, err := keyring.ParseWalletID(string(want)); err != nil || got != id {
			t.Errorf("%s names %s, %v", want, got, err)
		}
	}
}

func TestWhatIsNoWalletNamesNoKey(t *testing.T) {
	for _, text := range []string{"", "wa", "wa-", "WA-1", "key-1", " wa-1", "wa-" + strings.Repeat("a", 61)} {
		if id, err := keyring.ParseWalletID(text); err == nil {
			t.Errorf("%q names %s", text, id)
		}
	}
}

func TestEverySchemeHasANetwork(t *testing.T) {
	for _, scheme := range shares.Schemes() {
		if keyring.Network(scheme) == "" {
			t.Errorf("%s has none", scheme)
		}
	}
	if got := keyring.Network(shares.Scheme{}); got != "" {
		t.Errorf("no scheme has %s", got)
	}
}
