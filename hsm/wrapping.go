//go:build cgo

package hsm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// WrappingKeys asks the token which share-wrapping keys it has, oldest first.
func (t *Token) WrappingKeys(ctx context.Context) ([]WrappingKey, error) {
	return run(ctx, t, job[[]WrappingKey]{
		op: opCeremony,
		work: withKeys(t, func(s session) ([]WrappingKey, error) {
			found, err := s.wrappingKeys()
			return slices.Sorted(maps.Keys(found)), err
		}),
	})
}

// TryWrappingKey has the token open what it seals under the key. [ErrNoWrappingKey] says
// that it does not have the key.
func (t *Token) TryWrappingKey(ctx context.Context, key WrappingKey) error {
	_, err := run(ctx, t, job[struct{}]{
		op:   opSelfTest,
		work: withWrappingKey(t, key, func(s session) (struct{}, error) { return struct{}{}, s.knownAnswer(key) }),
	})
	return err
}

// MakeWrappingKey makes the key, which must be newer than all others, reads back what the
// token made of it, tries a forbidden use, and has it seal and open; a key that cannot does
// not stay. A key that bears its name already is refused: something may be sealed under it.
//
// Errors beside those of every operation: as for [Token.Init].
func (t *Token) MakeWrappingKey(ctx context.Context, key WrappingKey) (KeyState, error) {
	ctx = handedOver(ctx)
	t.ceremony.Lock()
	defer t.ceremony.Unlock()
	return run(ctx, t, job[KeyState]{
		op:   opCeremony,
		work: withKeys(t, func(s session) (KeyState, error) { return s.makeWrappingKey(key) }),
	})
}

func (s session) makeWrappingKey(key WrappingKey) (KeyState, error) {
	spec := shareWrappingKey(key)
	found, err := s.listWrappingKeys()
	if err != nil {
		return KeyState{}, err
	}
	if key <= FirstWrappingKey || key <= found.newest() {
		return KeyState{}, fmt.Errorf("making %q: it must be newer than v%d", spec.name.label(), max(found.newest(), FirstWrappingKey))
	}
	state, err := s.ensure(spec)
	if err != nil {
		return KeyState{}, fmt.Errorf("key %q: %w", spec.name.label(), err)
	}
	if !state.Created {
		return KeyState{}, fmt.Errorf("key %q: somebody else made it at the same moment: %w", spec.name.label(), ErrKeysChanged)
	}
	return state, s.mustWork(spec, key)
}

// mustWork has a key that was just made seal and open.
func (s session) mustWork(spec keySpec, key WrappingKey) error {
	made, err := s.find(spec)
	if err != nil {
		return err
	}
	s.keys = &keySet{wrapping: wrappingKeys{key: made.private}}
	if err := s.knownAnswer(key); err != nil {
		return errors.Join(err, s.destroy(made))
	}
	return nil
}

// DestroyWrappingKey destroys a key that is not the newest, for ever, and looks whether it
// is gone. One that is not there is no error. What is sealed under it can never be opened
// again.
func (t *Token) DestroyWrappingKey(ctx context.Context, key WrappingKey) error {
	ctx = handedOver(ctx)
	t.ceremony.Lock()
	defer t.ceremony.Unlock()
	_, err := run(ctx, t, job[struct{}]{
		op:   opCeremony,
		work: withKeys(t, func(s session) (struct{}, error) { return struct{}{}, s.destroyWrappingKey(key) }),
	})
	return err
}

func (s session) destroyWrappingKey(key WrappingKey) error {
	found, err := s.listWrappingKeys()
	if err != nil {
		return err
	}
	spec := shareWrappingKey(key)
	if key >= found.newest() {
		return fmt.Errorf("destroying %q: the newest share-wrapping key is never destroyed", spec.name.label())
	}
	if err := s.destroyAll(spec); err != nil {
		return err
	}
	if _, err := s.find(spec); !errors.Is(err, ErrNotInitialised) {
		return fmt.Errorf("destroying %q: the token says that it did, and still has the key: %w", spec.name.label(), errors.Join(err, ErrRefused))
	}
	return nil
}

// destroyAll destroys what bears a key's name.
func (s session) destroyAll(spec keySpec) error {
	found, err := s.findAll(spec, spec.class())
	if err != nil {
		return explain(fmt.Sprintf("finding %q", spec.name.label()), err)
	}
	for _, handle := range found {
		if err := s.DestroyObject(s.handle, handle); err != nil {
			return explain(fmt.Sprintf("destroying %q", spec.name.label()), err)
		}
	}
	return nil
}

// withWrappingKey makes a job's work of an operation under a share-wrapping key. One that
// the login does not know may have been made since, by another process: then its handle is
// found by logging in anew. The token is asked first, so that nobody can cause logins by
// asking for keys that do not exist.
func withWrappingKey[R any](t *Token, key WrappingKey, work func(session) (R, error)) func(*login) (R, error) {
	return withKeys(t, func(s session) (none R, err error) {
		if _, known := s.keys.wrapping[key]; !known {
			if err := s.mustHave(key); err != nil {
				return none, err
			}
			return none, errOldLogin
		}
		result, err := work(s)
		if err == nil || errors.Is(err, ErrBlob) || mendable(err) {
			return result, err
		}
		if missing := s.mustHave(key); errors.Is(missing, ErrNoWrappingKey) {
			err = missing // whatever the token calls the use of a key that was destroyed
		}
		return none, err
	})
}

// mustHave asks the token whether it has the key.
func (s session) mustHave(key WrappingKey) error {
	spec := shareWrappingKey(key)
	_, err := s.find(spec)
	if errors.Is(err, ErrNotInitialised) {
		return fmt.Errorf("%q: %w", spec.name.label(), ErrNoWrappingKey)
	}
	return err
}
