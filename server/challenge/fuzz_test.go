package challenge

import (
	"strings"
	"testing"
)

// FuzzNormalPath holds that a normal form is one: it is its own, absolute, without
// what two readers could take differently, and the query does not enter it.
func FuzzNormalPath(f *testing.F) {
	for _, seed := range []string{
		"/keys", "//keys///key-1//export", "/keys/key%2D1/export?limit=1", "/keys/%252e", "/keys/../admin", "/keys/%2e%2e/x",
		"/keys/a%2Fexport", "/keys/schl%C3%BCssel", "/keys/\xff", "/", "", "keys", "/keys#x", `/keys\x`, "/keys/%zz",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		path, err := NormalPath(raw)
		if err != nil {
			if path != "" || err != ErrPath {
				t.Fatalf("%q: %q, %v", raw, path, err)
			}
			return
		}
		if again, err := NormalPath(path); err != nil || again != path {
			t.Fatalf("%q → %q → %q, %v", raw, path, again, err)
		}
		if asked, err := NormalPath(raw + "?x=/../y"); err != nil || asked != path {
			t.Fatalf("%q → %q, with a query %q, %v", raw, path, asked, err)
		}
		if path[0] != '/' || strings.Contains(path, "//") || strings.ContainsFunc(path, func(r rune) bool { return r != '/' && ambiguous(r) }) {
			t.Fatalf("%q → %q", raw, path)
		}
		for segment := range strings.SplitSeq(path, "/") {
			if segment == "." || segment == ".." {
				t.Fatalf("%q → %q", raw, path)
			}
		}
	})
}

// FuzzBytes holds that 32 bytes have one spelling.
func FuzzBytes(f *testing.F) {
	f.Add(strings.Repeat("0a", 32))
	f.Add(strings.Repeat("0A", 32))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		var b Bytes
		if b.UnmarshalText([]byte(text)) != nil {
			if b != (Bytes{}) {
				t.Fatalf("%q left %x behind", text, b)
			}
			return
		}
		if again, err := b.MarshalText(); err != nil || string(again) != text {
			t.Fatalf("%q is also %q, %v", text, again, err)
		}
	})
}
