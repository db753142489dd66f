//go:build cgo

package hsm

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/pkcs11"

	"keyferry/hsm/fitness"
)

// examinePatience is how long one check may take: token hardware makes keys in seconds.
const examinePatience = 30 * time.Second

// examineLimit is how long an examination may take: others take what is much older for left
// behind. It takes seconds.
const examineLimit = time.Hour

// Examine finds out what the token with this label can do, with objects of its own that
// it removes again. The PIN is tried once. The token must not be open; a signer in
// another process may use it meanwhile, and another one may be examining it. progress, if not nil, hears of each check before it
// runs.
//
// When the context ends, so does the examination, after the check that is running. A check
// that does not return in time makes Examine return [ErrHung]; the Module cannot be used
// any more then.
func (m *Module) Examine(ctx context.Context, label string, pin *PIN, progress func(check string)) (*fitness.Report, error) {
	own, err := pin.clone()
	if err != nil {
		return nil, fmt.Errorf("token %q: %w", label, err)
	}
	ctx, cancel := context.WithTimeout(ctx, examineLimit)
	defer cancel()
	steps, done := make(chan string), make(chan examined, 1)
	go func() {
		defer own.Destroy()
		report, err := m.examine(label, own, func(check string) error {
			select {
			case steps <- check:
			case <-ctx.Done():
			}
			return ctx.Err()
		})
		done <- examined{report, err}
	}()
	return await(steps, done, progress)
}

type examined struct {
	report *fitness.Report
	err    error
}

// await gives the result, unless a step takes too long.
func await(steps <-chan string, done <-chan examined, progress func(string)) (*fitness.Report, error) {
	step := "initialising the library and logging in"
	for {
		select {
		case step = <-steps:
			if progress != nil {
				progress(step)
			}
		case e := <-done:
			return e.report, e.err
		case <-time.After(examinePatience):
			return nil, fmt.Errorf("examining: %s: %w", step, ErrHung)
		}
	}
}

func (m *Module) examine(label string, pin *PIN, begin func(string) error) (report *fitness.Report, err error) {
	err = m.administer(func() error {
		for _, t := range m.openTokens() {
			if t.cfg.Label == label {
				return ErrInUse
			}
		}
		token, err := m.find(label)
		if err != nil {
			return err
		}
		report, err = m.examineSlot(token, pin, begin)
		return err
	})
	if err != nil {
		return nil, explain(fmt.Sprintf("examining token %q", label), err)
	}
	report.Module.Path = m.path
	return report, nil
}

// examineSlot logs in for the examination. Closing the last session logs out.
func (m *Module) examineSlot(token placed, pin *PIN, begin func(string) error) (*fitness.Report, error) {
	if err := pinMayBeTried(token.info); err != nil {
		return nil, err
	}
	handle, err := m.p11.OpenSession(token.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return nil, explain("opening a session", err)
	}
	defer m.p11.CloseSession(handle)
	if err := m.direct.login(handle, pkcs11.CKU_USER, pin.bytes()); err != nil {
		return nil, explain("logging in", err)
	}
	return fitness.Examine(m.bench(token.slot, token.info.Label), begin)
}

// SelfTest tries what a signer needs of the token, each against a known answer, and
// whether keys can be got out of it: what [fitness.Try] does, on objects of sessions that
// end with it. The report says what the token is fit for, and no error says that it is.
// What a test found, later operations go by: [Token.Init] makes no import key on a token
// that cannot import, and [Token.OpenShare] knows the token's answer to a changed share.
//
// Errors: as for every operation.
func (t *Token) SelfTest(ctx context.Context) (*fitness.Report, error) {
	report, err := run(ctx, t, job[*fitness.Report]{
		op: opFitness,
		work: func(l *login) (*fitness.Report, error) {
			return fitness.Try(ctx, t.module.bench(l.slot, t.cfg.Label))
		},
	})
	if err != nil {
		return nil, err
	}
	report.Module.Path = t.module.path
	t.fitness.Store(report)
	return report, nil
}

// fittingKeys are those of the lasting keys that the token can have.
func (t *Token) fittingKeys() []keySpec {
	if t.cannotImport() != nil {
		return []keySpec{identityKey()}
	}
	return lastingKeys()
}

// omitted reports the keys that fittingKeys leaves out.
func (t *Token) omitted() []KeyState {
	err := t.cannotImport()
	if err == nil {
		return nil
	}
	return []KeyState{{Role: roleImport, Label: importKey().name.label(), ID: importKey().name.id(), Omitted: err.Error()}}
}

func (t *Token) cannotImport() error {
	if report := t.fitness.Load(); report != nil {
		return report.Require(fitness.Import)
	}
	return nil
}

// tampered is the token's answer to a changed text, if a self-test met one.
func (t *Token) tampered() pkcs11.Error {
	if report := t.fitness.Load(); report != nil {
		return pkcs11.Error(report.Tampered)
	}
	return 0
}

// mayBeBadTag also knows what this very token answers to a changed text.
func (s session) mayBeBadTag(err error) bool {
	return maybeBadTag(err) || s.tampered != 0 && returned(err) == s.tampered
}

func (m *Module) bench(slot uint, label string) fitness.Bench {
	return fitness.Bench{
		Ctx: m.p11, Slot: slot, Label: label, Calls: calls{m.direct}, Now: time.Now,
		Keys: fitness.Keys{
			ShareWrapping: described(shareWrappingKey(FirstWrappingKey), fitness.Hold),
			Import:        described(importKey(), fitness.Import),
			Identity:      described(identityKey(), fitness.Sign),
		},
	}
}

// described is a key as it is to be examined.
func described(s keySpec, use fitness.Use) fitness.Key {
	return fitness.Key{
		Role: s.name.role, Use: use, Generate: s.generate, Private: lines(s.private), Public: lines(s.public),
		Misuse: fitness.Misuse{Name: s.forbidden.name, Try: func(p11 *pkcs11.Ctx, handle pkcs11.SessionHandle, key pkcs11.ObjectHandle) error {
			return s.forbidden.try(session{Ctx: p11, handle: handle}, key)
		}},
	}
}

func lines(attributes []attribute) []fitness.Attribute {
	var list []fitness.Attribute
	for _, a := range attributes {
		list = append(list, fitness.Attribute{Name: a.name, Kind: a.kind, Value: a.value, Essential: a.essential, Optional: a.optional})
	}
	return list
}

// calls lets an examination make the calls that carry shares.
type calls struct{ *direct }

func (c calls) Seal(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, iv, aad, plaintext, out []byte) error {
	return c.seal(session, key, iv, aad, plaintext, out)
}

func (c calls) Open(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, iv, aad, ciphertext, out []byte) error {
	return c.open(session, key, iv, aad, ciphertext, out)
}

func (c calls) HashSharedX(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, peer, first, second, out []byte) error {
	return c.hashSharedX(session, key, peer, first, second, out)
}
