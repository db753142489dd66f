package origin

import (
	"net/url"
	"strings"
	"testing"
)

func TestOriginsOfTheDomainAreTakenAsBrowsersWriteThem(t *testing.T) {
	for _, c := range []struct {
		domain, origin string
		told           string // empty: accepted
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
		{"example.com", "https://example.com:", "is not an origin"},
		{"example.com", "https://evil.com;.example.com", "is not an origin"},
		{"example.com", "https://ex\u00e4mple.example.com", "is not an origin"},
		{"example.com", "*", "is not an origin"},
		{"example.com", "", "is not an origin"},
	} {
		err := Check(c.origin, c.domain)
		if c.told == "" && err != nil || c.told != "" && (err == nil || !strings.Contains(err.Error(), c.told)) {
			t.Errorf("%s for %s: %v", c.origin, c.domain, err)
		}
	}
}

// FuzzCheck holds that an origin has nothing beside a scheme, a host within the domain
// and a port, whoever reads it as a URL.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"https://example.com", "https://a.example.com:1", "https://example.com:*", "https://example.com.", "https://[::1]", "https://example.com:",
		"https://x@example.com", "https://example.com?", "https://example.com#", "https://%65xample.com", `https://evil.com\.example.com`, "https://evil.com;.example.com",
	} {
		f.Add(seed, "example.com")
	}
	f.Add("http://localhost:*", Localhost)
	f.Fuzz(func(t *testing.T, text, domain string) {
		if Check(text, domain) != nil {
			return
		}
		exact := strings.TrimSuffix(text, AnyPort)
		u, err := url.Parse(exact)
		if err != nil || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
			t.Fatalf("%q for %q: %+v, %v", text, domain, u, err)
		}
		host := u.Hostname()
		if host != domain && !strings.HasSuffix(host, "."+domain) || u.Scheme != "https" && host != Localhost {
			t.Fatalf("%q for %q", text, domain)
		}
		if strings.ContainsAny(host, `/\@?#;% `) {
			t.Fatalf("%q for %q has the host %q", text, domain, host)
		}
	})
}
