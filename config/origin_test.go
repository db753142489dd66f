package config

import (
	"slices"
	"strings"
	"testing"
)

func TestOriginsFollowFromTheRelyingParty(t *testing.T) {
	for id, want := range map[string][]string{
		"localhost":        {"http://localhost:*", "https://localhost:*"},
		"keys.example.com": {"https://keys.example.com"},
	} {
		text := strings.Replace(Example, "  id: keys.example.com", "  id: "+id, 1)
		text = strings.Replace(text, "  origins:\n    - https://keys.example.com\n", "", 1)
		c, err := Load(write(t, text), nil)
		if err != nil || !slices.Equal(c.RelyingParty.Origins, want) {
			t.Errorf("%s has the origins %q, %v", id, c.RelyingParty.Origins, err)
		}
	}
}

func TestOriginsComeFromTheEnvironment(t *testing.T) {
	c, err := Load(write(t, Example), []string{"KEYFERRY_RELYING_PARTY_ORIGINS=https://a.keys.example.com,https://keys.example.com:8443"})
	if want := []string{"https://a.keys.example.com", "https://keys.example.com:8443"}; err != nil || !slices.Equal(c.RelyingParty.Origins, want) {
		t.Errorf("got %q, %v", c.RelyingParty.Origins, err)
	}
	if _, err := Load(write(t, Example), []string{"KEYFERRY_RELYING_PARTY_ORIGINS="}); err == nil {
		t.Error("an empty list is taken")
	}
}

func TestValidateTakesOriginsOfTheRelyingPartyOnly(t *testing.T) {
	for _, c := range []struct {
		id, origin string
		told       string // empty: accepted
	}{
		{"example.com", "https://example.com", ""},
		{"example.com", "https://app.example.com:8443", ""},
		{"localhost", "http://localhost", ""},
		{"localhost", "http://localhost:3000", ""},
		{"localhost", "https://localhost:*", ""},
		{"example.com", "https://notexample.com", "not within"},
		{"example.com", "https://example.com.evil.example", "not within"},
		{"app.example.com", "https://example.com", "not within"},
		{"example.com", "http://example.com", "not https"},
		{"example.com", "ftp://example.com", "not https"},
		{"example.com", "https://example.com:*", "localhost only"},
		{"localhost", "http://localhost:80:*", "localhost only"},
		{"example.com", "https://example.com/", "is not an origin"},
		{"example.com", "https://example.com/page", "is not an origin"},
		{"example.com", "https://user@example.com", "is not an origin"},
		{"example.com", "https://EXAMPLE.com", "is not an origin"},
		{"example.com", "example.com", "is not an origin"},
		{"example.com", "https://", "is not an origin"},
		{"example.com", "*", "is not an origin"},
		{"example.com", "", "is not an origin"},
	} {
		config := valid()
		config.RelyingParty.ID, config.RelyingParty.Origins = c.id, []string{c.origin}
		err := config.Validate()
		if c.told == "" && err != nil {
			t.Errorf("%s for %s: %v", c.origin, c.id, err)
		}
		if c.told != "" && (err == nil || !strings.Contains(err.Error(), c.told)) {
			t.Errorf("%s for %s: %v", c.origin, c.id, err)
		}
	}
}
