//go:build cgo

package fitness

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/pkcs11"
)

// label is that of every object that is made here, and of nothing else on a token.
const label = "keyferry doctor"

// markPrefix begins a mark. What follows is when the examination began, in seconds since
// 1970, a slash, and what no other examination has.
const markPrefix = "keyferry/doctor/"

// mark is CKA_ID of what one examination makes: several may be at work on one token, also
// from different machines, and none may take away what another one needs.
type mark string

func newMark(begun time.Time) mark {
	return mark(fmt.Sprintf("%s%d/%s", markPrefix, begun.Unix(), rand.Text()))
}

// begun is when the examination began, by the clock of its machine; ok is false for what is
// no mark.
func (m mark) begun() (begun time.Time, ok bool) {
	rest, ok := strings.CutPrefix(string(m), markPrefix)
	seconds, _, found := strings.Cut(rest, "/")
	n, err := strconv.ParseInt(seconds, 10, 64)
	return time.Unix(n, 0), ok && found && err == nil
}

// leftBehindAfter is when what an examination made has surely been left behind: none lasts
// longer than an hour, and machines' clocks are not a day apart.
const leftBehindAfter = 24 * time.Hour

// leftBehind tells whether the examination was killed.
func (m mark) leftBehind(now time.Time) bool {
	begun, ok := m.begun()
	return ok && now.Sub(begun) > leftBehindAfter
}

// attributes are what each object is made with.
func (m mark) attributes() []*pkcs11.Attribute {
	return []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_ID, string(m))}
}
