package throwaway

import "testing"

// FuzzFinds finds something at once, since its claim holds for its seed alone.
func FuzzFinds(f *testing.F) {
	f.Add("good")
	f.Fuzz(func(t *testing.T, text string) {
		if text != "good" && len(text) > 0 {
			t.Fatalf("found %q", text)
		}
	})
}
