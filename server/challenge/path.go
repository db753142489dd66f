package challenge

import (
	"errors"
	"net/url"
	"strings"
)

// maxPath is far beyond the longest path of the API.
const maxPath = 1024

// ErrPath says that a path has no normal form.
var ErrPath = errors.New("the path is not one of the API's form")

// NormalPath returns the one form of a request path that is signed, compared and
// routed: without query, runs of slashes folded into one (the Go SDK writes "//keys"
// behind a base URL that ends in a slash), percent-decoded once.
//
// Refused with [ErrPath] is whatever two readers might take differently: an escaped
// slash, a percent sign that would decode again, dot segments, control characters,
// backslashes, a fragment, and anything that is not an absolute path.
func NormalPath(raw string) (string, error) {
	raw, _, _ = strings.Cut(raw, "?")
	if len(raw) > maxPath || !strings.HasPrefix(raw, "/") || strings.Contains(raw, "#") {
		return "", ErrPath
	}
	var segments []string
	for segment := range strings.SplitSeq(raw[1:], "/") {
		decoded, err := url.PathUnescape(segment)
		if err != nil || decoded == "." || decoded == ".." || strings.ContainsFunc(decoded, ambiguous) {
			return "", ErrPath
		}
		segments = append(segments, decoded)
	}
	path := "/" + strings.Join(segments, "/")
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path, nil
}

// ambiguous is true for what some reader treats as more than a letter, and for the
// replacement rune of invalid UTF-8.
func ambiguous(r rune) bool {
	return r < 0x20 || r == 0x7f || r == '/' || r == '\\' || r == '%' || r == '?' || r == '#' || r == '\uFFFD'
}
