package strictjson

import (
	"strings"
	"testing"
	"unicode"
)

func TestFoldMatchesExactlyWhatEqualFoldMatches(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0xd800 && r < 0xe000 {
			continue // no character
		}
		next := unicode.SimpleFold(r)
		if fold(string(r)) != fold(string(next)) {
			t.Errorf("%U and %U fold apart", r, next)
		}
		if folded := fold(string(r)); !strings.EqualFold(folded, string(r)) {
			t.Errorf("%U folds to %q", r, folded)
		}
	}
	for _, pair := range [][2]string{{"a", "b"}, {"a_b", "ab"}, {"a-b", "ab"}, {"ß", "ss"}, {"ı", "i"}, {"é", "e"}} {
		if fold(pair[0]) == fold(pair[1]) {
			t.Errorf("%q folds together", pair)
		}
	}
}
