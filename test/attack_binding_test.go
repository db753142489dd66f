//go:build cgo

package test

import (
	"path/filepath"
	"strings"
	"testing"

	"keyferry/server/identity"
)

// bindingAttacks carry user actions that are not for them, all to export a key.
func bindingAttacks(t *testing.T, s *stage) []attack {
	body, path := s.honest(t), exportPath(s.victim)
	export := post(path, body).by(s.alice)
	action := func(method, path, payload string) message {
		return export.carrying(s.alice.action(t, method, path, payload))
	}
	reblanked := strings.NewReplacer(`":`, `": `, `,"`, `, "`).Replace(body)
	escaped := "//keys/" + strings.ReplaceAll(s.spare, "-", "%2D") + "/export"
	good := s.alice.action(t, "POST", path, body)
	rows := []attack{
		{"its own user action", s.alice.signed(t, exportPath(s.spare), body), 200, legitimate},
		{"its own user action, signed with P-256", s.amy.signed(t, exportPath(s.spare), body), 200, legitimate},
		{"its own user action by the wallet's path", s.alice.signed(t, walletPath(s.spare), body), 200, legitimate},
		{"the same body with other blanks", post(exportPath(s.spare), reblanked).by(s.alice).carrying(s.alice.action(t, "POST", exportPath(s.spare), body)), 200, legitimate},
		{"the same path with escapes", post(escaped, body).by(s.alice).carrying(s.alice.action(t, "POST", exportPath(s.spare)+"?a=b", body)), 200, legitimate},

		{"none", export, 403, "action.missing"},
		{"an empty one", export.carrying(""), 403, "action.missing"},
		{"one in the query", post(path+"?x-dfns-useraction="+good, body).by(s.alice), 403, "action.missing"},
		{"one in the body", post(path, strings.Replace(body, "{", `{"userAction":"`+good+`",`, 1)).by(s.alice), 403, "action.missing"},
		{"one in a header with an underscore", export.with("X_Dfns_Useraction: " + good), 403, "action.missing"},
		{"twice the same", export.carrying(good).carrying(good), 403, "action.header-repeated"},
		{"a good one behind a bad one", export.carrying("ua-x").carrying(good), 403, "action.header-repeated"},
		{"an expired one", export.carrying(s.agedAction(t, path, body)), 403, "action.expired"},
		{"one that was used", export.carrying(s.usedAction(t)), 400, "action.replayed"},
		{"a colleague's", export.carrying(s.amy.action(t, "POST", path, body)), 403, "action.foreign"},
		{"another organisation's", export.carrying(s.bob.action(t, "POST", path, body)), 403, "action.foreign"},
		{"one's own, presented by another organisation", post(path, body).by(s.bob).carrying(good), 403, "action.foreign"},
	}
	rows = append(rows, s.lateAttacks(t, path, body)...)
	rows = append(rows, each(inventedActions(t, s, good), 403, "action.unknown", func(token string) message { return export.carrying(token) })...)
	return append(rows, otherRequests(s, path, body, action)...)
}

func inventedActions(t *testing.T, s *stage, good string) []named {
	return []named{
		{"an invented one", "ua-" + unpadded(make([]byte, 32))},
		{"a shortened one", good[:len(good)-1]},
		{"a longer one", good + "A"},
		{"one in capitals", strings.ToUpper(good)},
		{"two with a comma", good + "," + good},
		{"a pattern", "ua-%"},
		{"an SQL condition", "' OR '1'='1"},
		{"an unsigned challenge", s.alice.challenge(t, "POST", exportPath(s.victim), s.honest(t)).Identifier},
		{"a token in place of an action", s.alice.token},
	}
}

// otherRequests carry actions that were signed for other requests.
func otherRequests(s *stage, path, body string, action func(method, path, payload string) message) []attack {
	other, cut := exportPath(s.spare), strings.TrimSuffix(body, "}")
	first := strings.Index(body, `{"protocol"`)
	second := first + strings.Index(body[first+1:], `{"protocol"`) + 1
	fewer := body[:first] + body[second:]
	var rows []attack
	for _, one := range []struct{ name, method, path, payload string }{
		{"one for GET", "GET", path, body},
		{"one for PUT", "PUT", path, body},
		{"one for DELETE", "DELETE", path, body},
		{"one for another key", "POST", other, body},
		{"one for the key's wallet", "POST", walletPath(s.victim), body},
		{"one for an import", "POST", "/keys/import", body},
		{"one for a path that goes on", "POST", path + "/", body},
		{"one for the path in capitals", "POST", strings.ToUpper(path), body},
		{"one for the path in another's query", "POST", other + "?/../" + s.victim + "/export", body},
		{"one for another encryption key", "POST", path, strings.Replace(body, s.exported.EncryptionKey, s.signers[0].EncryptionKey, 1)},
		{"one for no body", "POST", path, ""},
		{"one for an empty object", "POST", path, "{}"},
		{"one for a body with one more member", "POST", path, cut + `,"extra":1}`},
		{"one for a body with fewer schemes", "POST", path, fewer},
		{"one for a body with a scheme twice", "POST", path, body[:second] + body[first:]},
		{"one for a body with a member twice", "POST", path, cut + `,"encryptionKey":"` + s.exported.EncryptionKey + `"}`},
		{"one for a body with a case variant", "POST", path, cut + `,"EncryptionKey":"` + s.exported.EncryptionKey + `"}`},
		{"one for the body in an array", "POST", path, "[" + body + "]"},
		{"one for the body as a string", "POST", path, `"` + strings.ReplaceAll(body, `"`, `\"`) + `"`},
		{"one for text behind the body", "POST", path, body + "{}"},
		{"one for what is no JSON", "POST", path, cut},
	} {
		rows = append(rows, attack{one.name, action(one.method, one.path, one.payload), 403, "action.other-request"})
	}
	return rows
}

// agedAction returns an action whose time is over.
func (s *stage) agedAction(t *testing.T, path, body string) string {
	t.Helper()
	o := s.alice.challenge(t, "POST", path, body)
	action := s.alice.redeemable(t, o)
	s.age(t, o)
	return action
}

// age ends the time of a challenge that was answered.
func (s *stage) age(t *testing.T, o offer) {
	t.Helper()
	spoil(t, filepath.Join(s.dir, "state/data/server.db"), `UPDATE actions SET expires_at = issued_at + 1 WHERE id = '`+o.Input.Hash().String()+`'`)
}

// usedAction returns the action of an export that was made.
func (s *stage) usedAction(t *testing.T) string {
	t.Helper()
	body := s.honest(t)
	action := s.alice.action(t, "POST", exportPath(s.spare), body)
	s.obtain(t, post(exportPath(s.spare), body).by(s.alice).carrying(action), &struct{}{})
	return action
}

// lateAttacks carry actions of those who were stopped after they had signed.
func (s *stage) lateAttacks(t *testing.T, path, body string) []attack {
	late := func(status int, reason, name string, stop ...string) attack {
		former := s.hire(t, s.alice.org, newEd25519(t), identity.KeysExport)
		signed := former.signed(t, path, body)
		names := strings.NewReplacer("ACCOUNT", former.id, "CREDENTIAL", former.credential)
		for i := range stop {
			stop[i] = names.Replace(stop[i])
		}
		s.admin(t, stop...)
		return attack{name, signed, status, reason}
	}
	return []attack{
		late(400, "user.deactivated", "one of a user who was switched off since", "account", "deactivate", "--account", "ACCOUNT"),
		late(403, "permission.missing", "one of a user who lost the permission since", "permission", "revoke", "--account", "ACCOUNT", "--permission", "Keys:Export"),
		late(403, "action.credential-revoked", "one of a credential that was revoked since", "credential", "revoke", "--org", s.alice.org, "--credential", "CREDENTIAL"),
	}
}
