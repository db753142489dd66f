package strictjson

import (
	"strings"
	"unicode"
)

// fold maps all names that differ in case only to one: fold(a) == fold(b) exactly if
// [strings.EqualFold] holds. That is how encoding/json matches names to fields, the
// Kelvin sign to "k" and the long s to "s" included.
func fold(name string) string { return strings.Map(foldRune, name) }

// foldRune returns the smallest rune of those that r equals under simple folding.
// SimpleFold steps through them in rising order and then starts over.
func foldRune(r rune) rune {
	next := unicode.SimpleFold(r)
	for next > r {
		r, next = next, unicode.SimpleFold(next)
	}
	return next
}
