// Package strictjson reads JSON that comes from outside, so that no two parsers can
// read it differently.
//
// What one parser skips and the next one takes is a way around every check between
// them. The package therefore refuses whatever parsers are known to disagree about:
// members that appear twice or differ in case only, text after the value, invalid
// UTF-8, lone surrogates, a null where a value belongs, numbers that are not plainly
// integers. What it accepts, encoding/json reads to the same values.
//
//   - [Decode] reads a request's body into a struct (decode.go).
//   - [Equal] compares two spellings of one value, as with a signed payload and the
//     body that follows it (equal.go).
//   - [Error] is what either says to the sender of a bad text (error.go).
//
// Both read a text the same way: once through check (check.go, with fold.go for
// names), which knows what the target's type asks for (shape.go, made from the type
// in target.go), and then, as the text can no longer be misunderstood, through the
// library.
//
// The package has no limit of size: its callers cap what they read. Time and memory
// grow linearly with the text, apart from the sorting of members in [Equal].
package strictjson

// maxDepth is how deep objects and arrays may be nested, the outermost one counted.
// The API's own texts have four levels; the rest is room for unknown members.
const maxDepth = 32
