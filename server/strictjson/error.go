package strictjson

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxPath is how many bytes of a member's path an error repeats. Names are the
// sender's to choose.
const maxPath = 100

// Error says what is wrong with a text. It is written for the text's sender: it
// names members and positions, and never repeats a value, which may be secret.
type Error struct {
	Member  string // path of the member, such as "supportedSchemes[0].curve"; "" is the whole text
	Problem string // what is wrong with it, such as "is missing"
}

// Error returns a sentence such as `member "encryptionKey" must be a string`.
func (e *Error) Error() string {
	if e.Member == "" {
		return "the JSON text " + e.Problem
	}
	// Quoted as ASCII so that a look-alike, as the Kelvin sign for K, shows.
	return "member " + strconv.QuoteToASCII(e.Member) + " " + e.Problem
}

// malformed translates an error of the tokenizer, whose own text quotes the input.
func malformed(err error) *Error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{Problem: "ends too early"}
	}
	problem := "is malformed"
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		problem += " at byte " + strconv.FormatInt(syntax.ByteOffset, 10)
	}
	return &Error{Problem: problem}
}

// shorten cuts a path that is too long to repeat.
func shorten(path string) string {
	if len(path) <= maxPath {
		return path
	}
	return strings.ToValidUTF8(path[:maxPath], "") + "..."
}
