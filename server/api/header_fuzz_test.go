package api

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"keyferry/server/transfer"
)

// FuzzParseNonce holds that a nonce which parses is named by a uuid in small letters.
func FuzzParseNonce(f *testing.F) {
	f.Add(nonceText(sampleUUID))
	f.Add(nonceText(strings.ToUpper(sampleUUID)))
	f.Add(nonceText("1"))
	f.Add("undefined")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := parseNonce(text)
		if err != nil {
			if id != "" {
				t.Fatalf("%q: %q with %v", text, id, err)
			}
			return
		}
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(id) != len(sampleUUID) || !uuid.MatchString(id) {
			t.Fatalf("%q is named %q", raw, id)
		}
	})
}

// FuzzPageOf holds that a list is bounded, whatever is asked for.
func FuzzPageOf(f *testing.F) {
	for _, seed := range []string{"", "limit=1", "limit=0", "limit=1001", "limit=+1", "limit=1&limit=2", "paginationToken=AAAA", "owner=x", "limit=%zz", "a;b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if _, limit, err := pageOf(query); err == nil && (limit < 1 || limit > transfer.MaxPage) {
			t.Fatalf("%q gives pages of %d", query, limit)
		}
	})
}

// FuzzBearer holds that a token is the one header's, without the scheme.
func FuzzBearer(f *testing.F) {
	for _, seed := range []string{"Bearer x", "bearer  x", "Basic x", "Bearer", "Bearer ", "", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		token, err := bearer(http.Header{headerToken: {value}})
		if err != nil {
			return
		}
		if token == "" || token[0] == ' ' || !strings.HasSuffix(value, token) || !strings.EqualFold(value[:len("Bearer ")], "Bearer ") {
			t.Fatalf("%q carries %q", value, token)
		}
		if _, err := bearer(http.Header{headerToken: {value, value}}); err == nil {
			t.Fatalf("%q is taken twice", value)
		}
	})
}
