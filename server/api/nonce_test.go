package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// nonceText is a nonce as @dfns/sdk 0.5.8 writes it.
func nonceText(uuid string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"uuid":%q,"date":"2023-04-14T20:41:28.715Z"}`, uuid))
}

const sampleUUID = "7e3f09a2-29d9-4b0a-9c3e-0d5a1f6c2b11"

func (s *service) withNonce(t testing.TB, by caller, nonces ...string) *http.Request {
	t.Helper()
	r := s.request(t, by, "GET", "/keys", "")
	for _, nonce := range nonces {
		r.Header.Add("x-dfns-nonce", nonce)
	}
	return r
}

func TestNonceIsGoodOnceForEachUser(t *testing.T) {
	s := newService(t)
	alice, bob := s.alice(t), s.caller(t, "bob", "or-one", "Keys:Read")
	for _, by := range []caller{alice, bob} {
		if got := s.do(t, s.withNonce(t, by, nonceText(sampleUUID))); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", by.ID, got.status, got.text)
		}
	}
	used := refusal{http.StatusBadRequest, "nonce.used"}
	s.expectRefusal(t, s.withNonce(t, alice, nonceText(sampleUUID)), alice, used)
	s.expectRefusal(t, s.withNonce(t, alice, nonceText(strings.ToUpper(sampleUUID))), alice, used)
	s.wait(nonceWindow)
	s.expectRefusal(t, s.withNonce(t, alice, nonceText(sampleUUID)), alice, used)
	if got := s.do(t, s.withNonce(t, alice, nonceText(sampleUUID))); got.body["message"] != "request nonce has already been used" {
		t.Errorf("says %s", got.text)
	}
}

func TestNonceIsForgottenInTheEnd(t *testing.T) {
	s := newService(t)
	alice := s.caller(t, "alice", "or-one", "Keys:Read")
	for range 2 {
		if got := s.do(t, s.withNonce(t, alice, nonceText(sampleUUID))); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.text)
		}
		s.wait(nonceWindow)
		s.do(t, s.withNonce(t, alice, nonceText("00000000-0000-4000-8000-000000000000")))
		s.wait(nonceWindow)
	}
}

func TestMalformedNoncesAreRefused(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	good := nonceText(sampleUUID)
	for name, nonces := range map[string][]string{
		"empty":         {""},
		"two":           {good, good},
		"not base64":    {"*"},
		"padded":        {good + "="},
		"not JSON":      {encode("nonce")},
		"no uuid":       {encode(`{"date":"2023-04-14T20:41:28.715Z"}`)},
		"no date":       {encode(`{"uuid":"` + sampleUUID + `"}`)},
		"two uuids":     {encode(`{"uuid":"x","uuid":"` + sampleUUID + `","date":"2023-04-14T20:41:28.715Z"}`)},
		"not a uuid":    {nonceText("1")},
		"a long uuid":   {nonceText(sampleUUID + "0")},
		"not a date":    {encode(`{"uuid":"` + sampleUUID + `","date":"today"}`)},
		"null date":     {encode(`{"uuid":"` + sampleUUID + `","date":null}`)},
		"much too long": {encode(`{"uuid":"` + sampleUUID + `","date":"2023-04-14T20:41:28.715Z","more":"` + strings.Repeat("x", 200) + `"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			s.expectRefusal(t, s.withNonce(t, alice, nonces...), alice, refusal{http.StatusBadRequest, "nonce.invalid"})
		})
	}
	if got := s.do(t, s.withNonce(t, alice, "x")); got.body["message"] != "request nonce is missing or invalid" {
		t.Errorf("says %s", got.text)
	}
}

// Whom the service does not know cannot make it remember anything.
func TestNonceIsCheckedBehindTheToken(t *testing.T) {
	s := newService(t)
	s.expectRefusal(t, s.withNonce(t, caller{}, "x"), caller{}, refusal{http.StatusUnauthorized, "token.missing"})
	s.expectRefusal(t, s.withNonce(t, caller{token: "x"}, nonceText(sampleUUID)), caller{}, refusal{http.StatusUnauthorized, "token.invalid"})
	if len(s.api.nonces.newer) != 0 {
		t.Error("it is remembered")
	}
}

func TestMemoryOfNoncesIsBounded(t *testing.T) {
	var n nonces
	for i := range 5 * maxNonces {
		if !n.use(nonceOf("us-1", fmt.Sprint(i)), start) {
			t.Fatalf("number %d is remembered", i)
		}
		if len(n.newer)+len(n.older) > 2*maxNonces {
			t.Fatalf("%d remembered", len(n.newer)+len(n.older))
		}
	}
	if n.use(nonceOf("us-1", fmt.Sprint(4*maxNonces)), start.Add(-time.Hour)) {
		t.Error("a recent one is forgotten")
	}
}
