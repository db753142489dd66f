//go:build cgo

package hsm

import (
	"context"
	"errors"
	"fmt"

	"github.com/ThalesGroup/crypto11"
)

// IdentityAt returns one of the signer's identity keys by its version: 1 for the one that
// the key ceremony makes, as [Token.Identity] does, and more for each that took the place
// of another. Its Public is nil while the token has no such key. Which of them is in use
// is for the cluster's manifest to say.
func (t *Token) IdentityAt(version int) Identity {
	return Identity{token: t, version: version, ctx: context.Background()}
}

// MakeIdentity makes the identity key of a version, unless it is there. The versions
// before it must be there. Errors: as [Token.Init]'s.
func (t *Token) MakeIdentity(ctx context.Context, version int) (KeyState, error) {
	if version < 2 || t.IdentityAt(version-1).Public() == nil {
		return KeyState{}, fmt.Errorf("making identity key %d: %w: the one before it is missing", version, ErrNotInitialised)
	}
	ctx = handedOver(ctx)
	t.ceremony.Lock()
	defer t.ceremony.Unlock()
	created := false // over all attempts
	state, err := run(ctx, t, job[KeyState]{
		op: opCeremony,
		work: withSession(t, func(s session) (KeyState, error) {
			state, err := s.ensure(identityKeyAt(version))
			created = created || state.Created
			return state, err
		}),
	})
	if err != nil {
		return KeyState{}, err
	}
	state.Created = created
	return state, t.lookFor(ctx, version)
}

// lookFor logs in again, once, if this login does not know the key.
func (t *Token) lookFor(ctx context.Context, version int) error {
	looked := false
	_, err := run(ctx, t, job[struct{}]{op: opCeremony, work: func(l *login) (none struct{}, err error) {
		if l.keys != nil && l.keys.identityAt(version) != nil {
			return none, nil
		}
		if looked {
			return none, ErrNotInitialised
		}
		looked = true
		return none, errOldLogin
	}})
	return err
}

func identityKeyAt(version int) keySpec {
	spec := identityKey()
	spec.name.version = version
	return spec
}

// laterIdentities finds the identity keys that took the place of the first one, and makes
// sure that none of them can leave the token. Versions have no gaps.
func (s session) laterIdentities(signing *crypto11.Context) ([]signingPair, error) {
	var later []signingPair
	for version := 2; ; version++ {
		spec := identityKeyAt(version)
		key, err := s.find(spec)
		if errors.Is(err, ErrNotInitialised) {
			return later, nil
		}
		if err == nil {
			err = s.mustBeHidden(spec, key.private)
		}
		if err != nil {
			return nil, err
		}
		found, err := s.signingPair(spec.name, key, signing)
		if err != nil {
			return nil, err
		}
		later = append(later, found)
	}
}

// identityAt is nil for a version that this login does not know.
func (k *keySet) identityAt(version int) *signingPair {
	if version < 1 || version > len(k.identities) {
		return nil
	}
	return &k.identities[version-1]
}

// continues reports whether the other has all identity keys that k has. Some may have come.
func (k *keySet) continues(other *keySet) bool {
	for i, mine := range k.identities {
		their := other.identityAt(i + 1)
		if their == nil || !mine.public.Equal(their.public) {
			return false
		}
	}
	return true
}
