//go:build cgo

package fitness

import "bytes"

// random asks for random bytes. Keyferry's own come from the operating system; the
// token's make its keys.
func (e *exam) random() {
	e.check("random", uses(), func() finding {
		first, err := e.GenerateRandom(e.session, 32)
		if err != nil {
			return refused(err, "generating random bytes", "none needed: Keyferry asks the token for keys, not for random bytes").orWarn()
		}
		second, err := e.GenerateRandom(e.session, 32)
		if err != nil {
			return refused(err, "generating random bytes again", "ask the token's maker").orWarn()
		}
		if len(first) != 32 || bytes.Equal(first, second) || bytes.Equal(first, make([]byte, 32)) {
			return wrong("do not use this token: keys that it makes may be known", "what it calls random is not")
		}
		return passed("two draws of 32 bytes differ")
	})
}
