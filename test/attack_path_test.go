//go:build cgo

package test

import (
	"strings"
	"testing"
)

// pathAttacks ask for paths that do not exist, or that some reader takes for one that
// does.
func pathAttacks(t *testing.T, s *stage) []attack {
	ask := func(path string) message { return get(path).by(s.alice) }
	rows := []attack{
		{"a path with folded slashes and escapes", ask("///keys//" + strings.ReplaceAll(s.victim, "-", "%2d")), 200, legitimate},
		{"a path of a URL", ask("http://keyferry.test/keys?limit=1"), 200, legitimate},
		{"a wallet id for a key id", ask("/keys/wa-" + strings.TrimPrefix(s.victim, "key-")), 404, "key.unknown"},
		{"an unknown wallet", s.alice.signed(t, "/wallets/wa-00000-00000-0000000000000000/export", s.honest(t)), 404, "key.unknown"},
		{"a key id for a wallet id", s.alice.signed(t, "/wallets/"+s.victim+"/export", s.honest(t)), 404, "key.unknown"},
		{"an export of no key", s.alice.signed(t, "/keys/import/export", s.honest(t)), 404, "key.unknown"},
		{"an import under a key's path", s.alice.signed(t, exportPath(s.victim), text(t, s.deal(t))), 400, "request.malformed"},
		{"an export under the import's path", s.alice.signed(t, "/keys/import", s.honest(t)), 400, "request.malformed"},
	}
	rows = append(rows, each([]named{
		{"an unknown key", "key-00000-00000-0000000000000000"}, {"a key in capitals", strings.ToUpper(s.victim)}, {"a key with a blank", s.victim + "%20"},
		{"a key that is a pattern", "key-*"}, {"a key that is an SQL pattern", "key-_____-_____-________________"},
		{"a key that is an SQL condition", "x'%20OR%20'1'='1"}, {"a key that ends a statement", "x';DROP%20TABLE%20keys;--"},
		{"a key with a semicolon", s.victim + ";x=1"}, {"a key with a plus", "key+1"}, {"a key in Cyrillic", "%D0%BAey-1"}, {"a key that is a template", "${jndi:ldap:x}"},
	}, 404, "key.unknown", func(id string) message { return ask("/keys/" + id) })...)
	return append(rows, each([]named{
		{"the root", "/"}, {"nothing", "/nothing"}, {"profiling", "/debug/pprof/heap"}, {"metrics", "/metrics"}, {"a file", "/.env"},
		{"a slash behind the keys", "/keys/"}, {"a slash behind a key", "/keys/" + s.victim + "/"}, {"a path below a key", "/keys/" + s.victim + "/shares"},
		{"capitals", "/KEYS"}, {"a dot segment", "/keys/./" + s.victim}, {"a parent segment", "/keys/../signers"}, {"an escaped parent segment", "/keys/%2e%2e/signers"},
		{"a half-escaped parent segment", "/keys/.%2e/signers"}, {"an escape that is escaped", "/keys/%252e%252e/signers"},
		{"a parent segment with a parameter", "/keys/..;/signers"}, {"a parent segment with backslashes", `/keys\..\signers`}, {"an escaped slash", "/keys%2F" + s.victim},
		{"an escaped backslash", "/keys/%5c" + s.victim}, {"an escaped zero byte", "/keys/" + s.victim + "%00"}, {"an escaped line break", "/keys/%0d%0aX-A:%20b"},
		{"an escaped question mark", "/keys%3Flimit=1"}, {"an escaped number sign", "/keys%23"}, {"an overlong slash", "/keys%c0%af"},
		{"an overlong dot", "/keys/%c0%ae%c0%ae/signers"}, {"invalid UTF-8", "/keys/%ff"}, {"a full-width slash", "/keys%EF%BC%8F" + s.victim},
		{"a suffix", "/keys.json"}, {"a suffix of a key's list", "/keys;a=b"}, {"an asterisk", "*"}, {"wallets", "/wallets"}, {"a wallet's import", "/wallets/import"},
		{"a parent segment up to a URL's host", "http://keyferry.test/../keys"},
	}, 404, unrecorded, ask)...)
}
