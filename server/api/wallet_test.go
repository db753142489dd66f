package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/shares"
)

func walletPath(id keyring.KeyID) string { return "/wallets/" + string(id.Wallet()) + "/export" }

// The requests of @dfns/sdk 0.5.8, with the headers that it sends and no other.
func TestOldestClientExportsAWallet(t *testing.T) {
	s := newService(t)
	alice := s.caller(t, "alice", "or-one", identity.WalletsExport)
	body, nonces := exportText(t), 0
	old := func(path, body, action string) answer {
		nonces++
		var extra string
		if action != "" {
			extra = "x-dfns-useraction: " + action + "\r\n"
		}
		return s.raw(t, "POST", head(alice, "POST", path)+extra+fmt.Sprintf(
			"x-dfns-appid: undefined\r\nx-dfns-nonce: %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s",
			nonceText(fmt.Sprintf("%08d-29d9-4b0a-9c3e-0d5a1f6c2b11", nonces)), len(body), body))
	}
	issued := old("/auth/action/init", initText(t, "POST", walletPath(sampleKey), body), "")
	completed := old("/auth/action", jsonOf(t, alice.assertion(t, issued)), "")
	got := old(walletPath(sampleKey), body, completed.body["userAction"].(string))
	if got.status != http.StatusOK || got.body["publicKey"] != s.book.keys[sampleKey].PublicKey.Hex() {
		t.Errorf("%d %s", got.status, got.text)
	}
	if begun := s.book.recorded(audit.ExportBegun); len(begun) != 1 || begun[0].Key != string(sampleKey) {
		t.Errorf("recorded %+v", begun)
	}
}

func TestEitherPermissionAllowsEitherExport(t *testing.T) {
	s := newService(t)
	for i, permission := range []identity.Permission{identity.KeysExport, identity.WalletsExport} {
		by := s.caller(t, fmt.Sprint("user-", i), "or-one", permission)
		for _, path := range []string{exportPath(sampleKey), walletPath(sampleKey)} {
			if got := s.do(t, s.signed(t, by, path, exportText(t))); got.status != http.StatusOK {
				t.Errorf("%s at %s: %d %s", permission, path, got.status, got.text)
			}
		}
	}
	reader := s.caller(t, "reader", "or-one", identity.KeysRead, identity.KeysImport, identity.ListSigners)
	s.expectRefusal(t, s.signed(t, reader, walletPath(sampleKey), exportText(t)), reader, refusal{http.StatusForbidden, "permission.missing"})
}

func TestWalletsThatAreNoKeysAreNotFound(t *testing.T) {
	s := newService(t)
	alice, bob := s.alice(t), s.caller(t, "bob", "or-two", identity.Permissions()...)
	for name, c := range map[string]struct {
		by caller
		id string
	}{
		"foreign":       {bob, string(sampleKey.Wallet())},
		"unknown":       {alice, "wa-aaaaa-bbbbb-dddddddddddddddd"},
		"a key":         {alice, string(sampleKey)},
		"only a prefix": {alice, "wa-"},
		"twice":         {alice, "wa-" + string(sampleKey.Wallet())},
		"too long":      {alice, "wa-" + strings.Repeat("a", 61)},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.signed(t, c.by, "/wallets/"+c.id+"/export", exportText(t))
			got := s.do(t, r)
			expectError(t, got, http.StatusNotFound)
		})
	}
	if n := len(s.book.recorded(audit.ExportBegun)); n != 0 {
		t.Errorf("%d exports began", n)
	}
}

// What was signed for a key's path is not good for its wallet's, nor the other way.
func TestActionForTheKeyIsNotForItsWallet(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for _, paths := range [][2]string{{exportPath(sampleKey), walletPath(sampleKey)}, {walletPath(sampleKey), exportPath(sampleKey)}} {
		body := exportText(t)
		r := s.request(t, alice, "POST", paths[1], body)
		r.Header.Set("x-dfns-useraction", s.consent(t, alice, "POST", paths[0], body))
		s.expectRefusal(t, r, alice, refusal{http.StatusForbidden, "action.other-request"})
	}
}

func TestEveryKeyListsItsWallet(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for _, scheme := range shares.Schemes() {
		s.book.change(func() {
			key := s.book.keys[sampleKey]
			key.Scheme = scheme
			s.book.keys[sampleKey] = key
		})
		network := map[string]string{
			"CGGMP21/secp256k1": "KeyECDSA", "CGGMP21/stark": "KeyECDSAStark", "FROST/ed25519": "KeyEdDSA", "FROST_BITCOIN/secp256k1": "Bitcoin",
		}[scheme.String()]
		got := s.send(t, alice, "GET", "/keys/"+string(sampleKey), "")
		want := []any{map[string]any{"id": "wa-aaaaa-bbbbb-cccccccccccccccc", "network": network}}
		if diff := cmp.Diff(any(want), got.body["wallets"]); diff != "" || network == "" {
			t.Errorf("%s: %s", scheme, diff)
		}
	}
}
