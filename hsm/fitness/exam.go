//go:build cgo

package fitness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/pkcs11"
)

// Bench is a token that is ready to be examined: the library is initialised, and a session
// of somebody else keeps the token logged in.
type Bench struct {
	*pkcs11.Ctx
	Slot  uint
	Label string // of the token
	Calls Calls
	Keys  Keys
	Now   func() time.Time
}

// Calls are the calls that carry shares, which package hsm makes by a binding of its own.
// Errors are [pkcs11.Error].
type Calls interface {
	// Seal encrypts by AES-GCM. out is 16 bytes longer than the plaintext; iv, 12 bytes,
	// has the nonce that the token used when it returns.
	Seal(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, iv, aad, plaintext, out []byte) error
	// Open is the reverse; out is as long as the ciphertext with its tag.
	Open(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, iv, aad, ciphertext, out []byte) error
	// HashSharedX writes SHA-256(first || x) || SHA-256(second || x), x being the ECDH of
	// the key and peer, 65 bytes.
	HashSharedX(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, peer, first, second, out []byte) error
}

// Keys are the keys that a signer needs, as the key ceremony makes them.
type Keys struct{ ShareWrapping, Import, Identity Key }

// exam is one examination.
type exam struct {
	Bench
	report    *Report
	mark      mark
	session   pkcs11.SessionHandle  // of the family of checks that is running
	permanent bool                  // make keys that stay, as the key ceremony does
	made      []pkcs11.ObjectHandle // and not removed yet
	begin     func(check string) error
	steady    bool  // what may pass counts as a failure
	trouble   bool  // a check failed by what may pass, and is to be made again
	stopped   error // why no more checks are run
}

// Examine runs all checks. It calls begin before each one and stops at its error, which it
// returns; begin must see to it that no examination lasts longer than an hour. Examine removes
// what it made in every case, and what an earlier one that was killed has left, but nothing
// that may be another one's that is at work.
func Examine(b Bench, begin func(check string) error) (*Report, error) {
	e := newExam(b, begin)
	e.permanent = true
	return e.run(e.leftovers, e.limits, e.random, e.sealing, e.agreement, e.signing, e.paces)
}

// Try runs the checks that a service can afford at each start: every mechanism against a
// known answer, and whether keys can be got out. All of its objects are the session's.
func Try(ctx context.Context, b Bench) (*Report, error) {
	e := newExam(b, func(string) error { return ctx.Err() })
	return e.run(e.sealing, e.agreement, e.signing)
}

func newExam(b Bench, begin func(string) error) *exam {
	return &exam{Bench: b, report: &Report{Version: 1}, mark: newMark(b.Now()), begin: begin}
}

func (e *exam) run(families ...func()) (*Report, error) {
	e.stopped = e.describe()
	for _, family := range families {
		if e.stopped == nil {
			e.stopped = e.patiently(family)
		}
	}
	if e.stopped != nil {
		return nil, e.stopped
	}
	e.report.conclude()
	return e.report, nil
}

// A family of checks that meets trouble is tried again, after a moment.
const (
	attempts = 3
	moment   = 200 * time.Millisecond
)

// patiently runs a family of checks, and runs it again if one failed for a reason that may
// pass, such as a token that is busy: what a token cannot do, it cannot do then either.
func (e *exam) patiently(family func()) error {
	checks, operations := len(e.report.Checks), len(e.report.Operations)
	for attempt := 1; ; attempt++ {
		e.trouble = false
		if err := e.alone(family); err != nil || !e.trouble || attempt == attempts {
			return err
		}
		e.report.Checks, e.report.Operations = e.report.Checks[:checks], e.report.Operations[:operations]
		time.Sleep(moment)
	}
}

// alone runs a family of checks on a session of its own: one that the token refused
// something on may have an operation left that is in the way of others. What the family
// made goes with it.
func (e *exam) alone(family func()) (err error) {
	e.session, err = e.OpenSession(e.Slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return fmt.Errorf("opening a session: %w", err)
	}
	family()
	err = errors.Join(e.stopped, e.removeAll())
	if closed := e.CloseSession(e.session); err == nil && closed != nil {
		err = fmt.Errorf("closing a session: %w", closed)
	}
	return err
}

// describe asks again, like every family of checks, where the answer is one that may pass: a
// token whose information another process is just writing, say.
func (e *exam) describe() error {
	for attempt := 1; ; attempt++ {
		err := e.askWho()
		if err == nil || !mayPass(err) || attempt == attempts {
			return err
		}
		time.Sleep(moment)
	}
}

func (e *exam) askWho() error {
	info, err := e.GetInfo()
	if err != nil {
		return fmt.Errorf("asking the library who it is: %w", err)
	}
	e.report.Module = Module{
		Manufacturer: info.ManufacturerID, Description: info.LibraryDescription,
		Version: versionOf(info.LibraryVersion), Cryptoki: versionOf(info.CryptokiVersion),
	}
	token, err := e.GetTokenInfo(e.Slot)
	if err != nil {
		return fmt.Errorf("asking the token who it is: %w", err)
	}
	if token.Label != e.Label {
		return fmt.Errorf("the token calls itself %q and not %q any more: %w", token.Label, e.Label, pkcs11.Error(pkcs11.CKR_TOKEN_NOT_PRESENT))
	}
	e.report.Token = Description{Label: token.Label, Manufacturer: token.ManufacturerID, Model: token.Model}
	return nil
}

func versionOf(v pkcs11.Version) string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// check runs one check, unless the examination has stopped, and reports whether it passed
// or is only a warning.
func (e *exam) check(name string, uses []Use, try func() finding) bool {
	if e.stopped == nil {
		e.stopped = e.begin(name)
	}
	if e.stopped != nil {
		return false
	}
	f := try()
	if lost(f.err) {
		e.stopped = fmt.Errorf("%s: the token went away: %w", name, f.err)
		return false
	}
	e.trouble = e.trouble || f.outcome == Failed && !e.steady && mayPass(f.err)
	if uses == nil {
		uses = []Use{}
	}
	e.report.Checks = append(e.report.Checks, Check{Name: name, Uses: uses, Outcome: f.outcome, Detail: f.detail, Remedy: f.remedy})
	return f.outcome == Passed || f.outcome == Warning
}
