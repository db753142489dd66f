//go:build cgo

package test

import (
	"fmt"
	"strings"
	"testing"
)

// maxBody is the limit of a body that keyferry dev has.
const maxBody = 256 << 10

// maxAnswer is the limit of an answer to a challenge, which brings the payload back.
const maxAnswer = 2*maxBody + 32<<10

// sizeAttacks are too much of something.
func sizeAttacks(t *testing.T, s *stage) []attack {
	keys := get("/keys").by(s.alice)
	init := func(body string) message { return post("/auth/action/init", body).by(s.alice) }
	answer := func(size int) message { return post("/auth/action", strings.Repeat(" ", size)).by(s.alice) }
	good := text(t, initBody{Payload: "{}", Method: "POST", Path: "/keys/import"})
	filled := good + strings.Repeat(" ", maxBody-len(good))
	chunk := strings.Repeat(" ", 32<<10)
	endless := strings.Repeat(fmt.Sprintf("%x\r\n%s\r\n", len(chunk), chunk), 12)
	rows := []attack{
		{"a body of the limit", init(filled), 200, legitimate},
		{"a page of 1000 keys", get("/keys?limit=1000").by(s.alice), 200, legitimate},
		{"a body above the limit", init(filled + " "), 413, "body.too-large"},
		{"a body of four times the limit", init(strings.Repeat(filled, 4)), 413, "body.too-large"},
		{"a body said to be endless", withLength(init(good), 1<<62), 413, "body.too-large"},
		{"a body above the limit in chunks", init("").chunked(endless), 413, "body.too-large"},
		{"an answer to a challenge of its limit", answer(maxAnswer), 400, "request.malformed"},
		{"an answer to a challenge above its limit", answer(maxAnswer + 1), 413, "body.too-large"},
		{"an answer to a challenge above its limit in chunks", answer(0).chunked(strings.Repeat(endless, 2)), 413, "body.too-large"},
		{"a large body without a token", post("/auth/action/init", filled+filled), 401, "token.missing"},
		{"an endless header", keys.with("X-A: " + strings.Repeat("a", 64<<10)), 431, unparsed},
		{"very many headers", keys.with(strings.Repeat("X-A: b\r\n", 10_000) + "X-C: d"), 431, unparsed},
		{"an endless path", get("/" + strings.Repeat("a", 64<<10)).by(s.alice), 431, unparsed},
		{"an endless query", get("/keys?" + strings.Repeat("a", 64<<10)).by(s.alice), 431, unparsed},
		{"an endless method", request(strings.Repeat("A", 64<<10), "/keys").by(s.alice), 431, unparsed},
		{"a path of 2000 bytes", get("/keys/" + strings.Repeat("a", 2000)).by(s.alice), 404, unrecorded},
		{"a key id of 65 bytes", get("/keys/" + strings.Repeat("k", 65)).by(s.alice), 404, "key.unknown"},
		{"an export of a key id of 65 bytes", s.alice.signed(t, exportPath(strings.Repeat("k", 65)), s.honest(t)), 404, "key.unknown"},
		{"65 schemes", s.alice.signed(t, exportPath(s.victim), s.schemes(65)), 400, "request.malformed"},
		{"4000 schemes", s.alice.signed(t, exportPath(s.victim), s.schemes(4000)), 400, "request.malformed"},
		{"no schemes", s.alice.signed(t, exportPath(s.victim), s.schemes(0)), 400, "request.malformed"},
		{"20000 members", init(`{"a0":0` + manyMembers(20_000) + "}"), 400, "request.malformed"},
	}
	return append(rows, each([]named{
		{"a page of none", "limit=0"}, {"a page of 1001", "limit=1001"}, {"a page of minus one", "limit=-1"}, {"a page with a sign", "limit=%2B5"},
		{"a page of 10.0", "limit=10.0"}, {"a page of 1e2", "limit=1e2"}, {"a page of 0x10", "limit=0x10"}, {"a page above 64 bits", "limit=99999999999999999999"},
		{"a page of ten", "limit=ten"}, {"two sizes of a page", "limit=1&limit=1000"}, {"two page tokens", "paginationToken=a&paginationToken=b"},
		{"a page token that is none", "paginationToken=abc"}, {"a page token of zeros", "paginationToken=" + strings.Repeat("A", 32)[:11]},
		{"a long page token", "paginationToken=" + strings.Repeat("A", 8000)}, {"a padded page token", "paginationToken=AAAAAAAAAABrZXk%3D"},
		{"an owner", "owner=" + s.bob.id}, {"a broken escape", "limit=%zz"}, {"a semicolon", "limit=1;limit=1000"},
	}, 400, "request.malformed", func(query string) message { return get("/keys?" + query).by(s.alice) })...)
}

// schemes is an export's body that offers n unknown schemes.
func (s *stage) schemes(n int) string {
	list := strings.TrimSuffix(strings.Repeat(`{"protocol":"p","curve":"c"},`, n), ",")
	return `{"encryptionKey":"` + s.exported.EncryptionKey + `","supportedSchemes":[` + list + `]}`
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `,"a%d":0`, i)
	}
	return b.String()
}
