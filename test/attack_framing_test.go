//go:build cgo

package test

import (
	"fmt"
	"strings"
	"testing"
)

// framingAttacks are requests whose end, or whose headers, two readers could see in
// different places.
func framingAttacks(t *testing.T, s *stage) []attack {
	keys := get("/keys").by(s.alice)
	body := text(t, initBody{Payload: "{}", Method: "POST", Path: "/keys/import"})
	init := post("/auth/action/init", body).by(s.alice)
	unsized := init.without("Content-Length")
	whole := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	line := func(text string) message { m := keys; m.line = text; return m }
	rows := []attack{
		{"a body with its length", init, 200, legitimate},
		{"a body in chunks", init.chunked(whole), 200, legitimate},
		{"HTTP/1.0 without a host", message{line: "GET /keys HTTP/1.0", headers: []string{"Authorization: Bearer " + s.alice.token}}, 200, legitimate},

		{"a body shorter than its length", withLength(init, len(body)+1).cutOff(), 400, "body.incomplete"},
		{"a last chunk that is missing", init.chunked(strings.TrimSuffix(whole, "0\r\n\r\n")).cutOff(), 400, "body.incomplete"},
		{"a chunk shorter than its length", init.chunked("ff\r\n" + body).cutOff(), 400, "body.incomplete"},
		{"a chunk longer than its length", init.chunked("2\r\n" + body + "\r\n0\r\n\r\n"), 400, "body.incomplete"},
		{"a chunk of negative length", init.chunked("-1\r\n" + whole), 400, "body.incomplete"},
		{"a chunk of endless length", init.chunked("fffffffffffffffff\r\n" + whole), 400, "body.incomplete"},
		{"a chunk length that is no number", init.chunked("0x10\r\n" + whole), 400, "body.incomplete"},
		{"no chunk at all", init.chunked("").cutOff(), 400, "body.incomplete"},
		{"a body shorter than its first bytes", withLength(init, 5), 400, "request.malformed"},
		{"two lengths", init.with("Content-Length: 1"), 400, unparsed},
		{"an unknown transfer encoding", unsized.with("Transfer-Encoding: xchunked"), 501, unparsed},
		{"two transfer encodings", unsized.with("Transfer-Encoding: gzip, chunked"), 501, unparsed},
		{"a transfer encoding twice", unsized.with("Transfer-Encoding: chunked").with("Transfer-Encoding: chunked"), 501, unparsed},
		{"an unknown expectation", init.with("Expect: something"), 417, unparsed},
		{"no host", keys.without("Host"), 400, unparsed},
		{"two hosts", keys.with("Host: other.test"), 400, unparsed},
		{"a host with a path", keys.without("Host").with("Host: keyferry.test/x y"), 400, unparsed},
		{"a header without a name", keys.with(": x"), 400, unparsed},
		{"a header without a colon", keys.with("Authorization"), 400, unparsed},
		{"a blank before the colon", keys.with("Content-Length : 5"), 400, unparsed},
		{"a blank before the first header", message{line: keys.line, headers: append([]string{" Host: keyferry.test"}, keys.headers...)}, 400, unparsed},
		{"a lone carriage return in a header", keys.with("X-A: b\rX-C: d"), 400, unparsed},
		{"a zero byte in a header's name", keys.with("X-\x00: a"), 400, unparsed},
		{"HTTP/0.9", line("GET /keys"), 400, unparsed},
		{"HTTP/2 without agreement", message{line: "PRI * HTTP/2.0", body: "SM\r\n\r\n"}, 404, unrecorded},
		{"HTTP/3.7", line("GET /keys HTTP/3.7"), 505, unparsed},
		{"a version that is none", line("GET /keys HTTP/x"), 400, unparsed},
		{"a method with a bracket", line("G(T /keys HTTP/1.1"), 400, unparsed},
		{"a blank in the path", line("GET /keys /x HTTP/1.1"), 400, unparsed},
		{"a zero byte in the path", line("GET /keys\x00 HTTP/1.1"), 400, unparsed},
		{"no path", line("GET  HTTP/1.1"), 400, unparsed},
		{"the beginning of TLS", message{line: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"}, 400, unparsed},
	}
	return append(rows, each([]named{
		{"a negative length", "-1"}, {"a length with a sign", "+10"}, {"a length in hex", "0x10"}, {"a length with text behind it", "10x"},
		{"a list of lengths", "10, 10"}, {"a length above 64 bits", "18446744073709551617"}, {"an empty length", ""},
	}, 400, unparsed, func(length string) message { return unsized.with("Content-Length: " + length) })...)
}

func withLength(m message, length int) message {
	return m.without("Content-Length").with(fmt.Sprintf("Content-Length: %d", length))
}
