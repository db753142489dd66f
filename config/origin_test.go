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
	config := valid()
	config.RelyingParty.ID, config.RelyingParty.Origins = "example.com", []string{"https://example.com", "https://notexample.com"}
	err := config.Validate()
	if err == nil || !strings.Contains(err.Error(), `relyingParty.origins[1]: "https://notexample.com" is not within`) || strings.Contains(err.Error(), "origins[0]") {
		t.Errorf("got %v", err)
	}
}
