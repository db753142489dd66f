//go:build cgo

package test

import "testing"

// methodAttacks use paths with other methods than their own.
func methodAttacks(t *testing.T, s *stage) []attack {
	body := s.honest(t)
	overridden := get(exportPath(s.victim) + "?_method=POST").with("X-HTTP-Method-Override: POST").with("X-Method-Override: POST")
	rows := []attack{
		{"its own method", get("/keys").by(s.alice), 200, legitimate},
		{"a tunnel", request("CONNECT", "127.0.0.1:22").by(s.alice), 404, unrecorded},
		{"a tunnel to a path", request("CONNECT", "/keys").by(s.alice), 405, unrecorded},
		{"all options", request("OPTIONS", "*").by(s.alice), 404, unrecorded},
		{"an export by GET", get(exportPath(s.victim)).by(s.alice).carrying(s.alice.action(t, "POST", exportPath(s.victim), body)), 405, unrecorded},
		{"an export by GET that says it is POST", overridden.by(s.alice), 405, unrecorded},
		{"keys by POST", post("/keys", "{}").by(s.alice), 405, unrecorded},
		{"keys by POST that says it is GET", post("/keys", "{}").by(s.alice).with("X-HTTP-Method-Override: GET"), 405, unrecorded},
		{"a key by POST", post("/keys/"+s.victim, "{}").by(s.alice), 405, unrecorded},
		{"signers by POST", post("/signers", "{}").by(s.alice), 405, unrecorded},
		{"a challenge by GET", get("/auth/action/init").by(s.alice), 405, unrecorded},
		{"an answer by GET", get("/auth/action").by(s.alice), 405, unrecorded},
		{"an export without a token by GET", get(exportPath(s.victim)), 405, unrecorded},
	}
	for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD", "post", "EXPORT", "PROPFIND", "QUERY"} {
		rows = append(rows, attack{"an export by " + method, request(method, exportPath(s.victim)).by(s.alice), 405, unrecorded})
	}
	for _, method := range []string{"PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "get"} {
		rows = append(rows, attack{"a key by " + method, request(method, "/keys/"+s.victim).by(s.alice), 405, unrecorded})
	}
	return rows
}
