//go:build cgo

package test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// nonceAttacks repeat or spoil the nonce that older clients send.
func nonceAttacks(t *testing.T, s *stage) []attack {
	keys := get("/keys").by(s.alice)
	nonce := func(text string) message { return keys.with("X-Dfns-Nonce: " + text) }
	date := "2026-11-01T12:00:00.000Z"
	used, other := newNonce(date), newNonce(date)
	s.obtain(t, nonce(used), &struct{}{})
	s.obtain(t, get("/keys").by(s.bob).with("X-Dfns-Nonce: "+other), &struct{}{})
	rows := []attack{
		{"a fresh nonce", nonce(newNonce(date)), 200, legitimate},
		{"a nonce that another user sent", nonce(other), 200, legitimate},
		{"a used nonce", nonce(used), 400, "nonce.used"},
		{"a used nonce with another date", nonce(redated(used, "2026-11-01T12:00:01.000Z")), 400, "nonce.used"},
		{"a used nonce in capitals", nonce(capitals(used)), 400, "nonce.used"},
		{"a used nonce with a bad token", get("/keys").bearing("bad").with("X-Dfns-Nonce: " + used), 401, "token.invalid"},
		{"two nonces", nonce(newNonce(date)).with("X-Dfns-Nonce: " + newNonce(date)), 400, "nonce.invalid"},
	}
	fresh := nonceText(uuid.NewString(), date)
	return append(rows, each([]named{
		{"an empty nonce", ""}, {"the word undefined", "undefined"}, {"a nonce as JSON", fresh}, {"a padded nonce", base64.URLEncoding.EncodeToString([]byte(fresh + " "))},
		{"a nonce without a date", unpadded([]byte(`{"uuid":"` + uuid.NewString() + `"}`))}, {"a nonce without a uuid", unpadded([]byte(`{"date":"` + date + `"}`))},
		{"a nonce with a date that is none", unpadded([]byte(nonceText(uuid.NewString(), "now")))}, {"a nonce with a uuid that is none", unpadded([]byte(nonceText("1", date)))},
		{"a nonce with two uuids", unpadded([]byte(`{"uuid":"` + uuid.NewString() + `","uuid":"` + uuid.NewString() + `","date":"` + date + `"}`))},
		{"a nonce in an array", unpadded([]byte("[" + fresh + "]"))}, {"a nonce with text behind it", unpadded([]byte(fresh + "{}"))},
		{"a nonce with a number", unpadded([]byte(`{"uuid":1,"date":"` + date + `"}`))}, {"a long nonce", strings.Repeat("A", 1000)},
	}, 400, "nonce.invalid", nonce)...)
}

func nonceText(id, date string) string { return fmt.Sprintf(`{"uuid":%q,"date":%q}`, id, date) }

func newNonce(date string) string { return unpadded([]byte(nonceText(uuid.NewString(), date))) }

// redated is the same nonce at another time.
func redated(nonce, date string) string {
	raw, _ := base64.RawURLEncoding.DecodeString(nonce)
	return unpadded([]byte(nonceText(string(raw[9:45]), date)))
}

// capitals is the same nonce in other letters.
func capitals(nonce string) string {
	raw, _ := base64.RawURLEncoding.DecodeString(nonce)
	return unpadded([]byte(string(raw[:9]) + strings.ToUpper(string(raw[9:45])) + string(raw[45:])))
}
