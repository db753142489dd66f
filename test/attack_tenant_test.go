//go:build cgo

package test

import (
	"encoding/base64"
	"slices"
	"testing"

	"keyferry/shares/dealer"
)

// tenantAttacks come from those who have a good token and no right: other
// organisations, and users without the permission.
func tenantAttacks(t *testing.T, s *stage) []attack {
	body := s.honest(t)
	unknown := "key-00000-00000-0000000000000000"
	taken := s.deal(t)
	s.obtain(t, s.alice.signed(t, "/keys/import", text(t, taken)), &struct{}{})
	pretending := get("/keys/" + s.victim).with("X-Dfns-Appid: " + s.alice.org).with("X-Org-Id: " + s.alice.org)
	fresh := text(t, s.deal(t))
	return []attack{
		{"one's own keys", get("/keys").by(s.bob), 200, legitimate},
		{"one's own key", get("/keys/" + s.carolKey).by(s.carol), 200, legitimate},
		{"a key by one who may read", get("/keys/" + s.victim).by(s.reader), 200, legitimate},

		{"another organisation's key", get("/keys/" + s.victim).by(s.bob), 404, "key.unknown"},
		{"another organisation's key, its id in a header", pretending.by(s.bob), 404, "key.unknown"},
		{"another organisation's key exported", s.bob.signed(t, exportPath(s.victim), body), 404, "key.unknown"},
		{"another organisation's wallet exported", s.bob.signed(t, walletPath(s.victim), body), 404, "key.unknown"},
		{"another organisation's key with its user's action", post(exportPath(s.victim), body).by(s.bob).carrying(s.alice.action(t, "POST", exportPath(s.victim), body)), 403, "action.foreign"},
		{"another organisation's import brought again", s.bob.signed(t, "/keys/import", text(t, taken)), 400, "import.envelope-foreign"},
		{"another organisation's import, its ephemeral keys negated", s.bob.signed(t, "/keys/import", text(t, negated(t, taken))), 400, "import.envelope-foreign"},
		{"a key exported without activation", s.carol.signed(t, exportPath(s.carolKey), body), 403, "export.not-activated"},
		{"a wallet exported without activation", s.carol.signed(t, walletPath(s.carolKey), body), 403, "export.not-activated"},
		{"another organisation's key without activation", s.carol.signed(t, exportPath(s.victim), body), 404, "key.unknown"},

		{"keys by one who may do nothing", get("/keys").by(s.nobody), 403, "permission.missing"},
		{"a key by one who may do nothing", get("/keys/" + s.victim).by(s.nobody), 403, "permission.missing"},
		{"an unknown key by one who may do nothing", get("/keys/" + unknown).by(s.nobody), 403, "permission.missing"},
		{"signers by one who may do nothing", get("/signers").by(s.nobody), 403, "permission.missing"},
		{"signers by one who may read keys", get("/signers").by(s.reader), 403, "permission.missing"},
		{"an export by one who may do nothing", s.nobody.signed(t, exportPath(s.victim), body), 403, "permission.missing"},
		{"an export by one who may read", s.reader.signed(t, exportPath(s.victim), body), 403, "permission.missing"},
		{"an export of an unknown key by one who may read", s.reader.signed(t, exportPath(unknown), body), 403, "permission.missing"},
		{"a wallet's export by one who may read", s.reader.signed(t, walletPath(s.victim), body), 403, "permission.missing"},
		{"an import by one who may do nothing", s.nobody.signed(t, "/keys/import", fresh), 403, "permission.missing"},
		{"an import by one who may read", s.reader.signed(t, "/keys/import", fresh), 403, "permission.missing"},
		{"an export in a scheme that the client cannot take", s.alice.signed(t, exportPath(s.victim), s.schemes(1)), 400, "export.scheme"},
	}
}

// negated turns the prefix of every envelope's ephemeral key. Such an envelope still
// opens, as a token gives the x coordinate of the shared point only, which is the same.
func negated(t *testing.T, r dealer.Request) dealer.Request {
	t.Helper()
	r.EncryptedKeyShares = slices.Clone(r.EncryptedKeyShares)
	for i := range r.EncryptedKeyShares {
		share := &r.EncryptedKeyShares[i]
		sealed, err := base64.StdEncoding.DecodeString(share.EncryptedKeyShare)
		if err != nil {
			t.Fatal(err)
		}
		sealed[len(sealed)-33] ^= 1
		share.EncryptedKeyShare = base64.StdEncoding.EncodeToString(sealed)
	}
	return r
}
