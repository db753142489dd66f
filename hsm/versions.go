//go:build cgo

package hsm

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/pkcs11"
)

// WrappingKey names one of a token's share-wrapping keys by its version: 1 for the one
// that the key ceremony makes, and more for each that took the place of another. Which
// of them shares are sealed under, and when one is not needed any more, is for those to
// know who keep the shares.
type WrappingKey int

// FirstWrappingKey is the one that the key ceremony makes.
const FirstWrappingKey WrappingKey = 1

// wrappingKeys are those on the token, as one login sees them.
type wrappingKeys map[WrappingKey]pkcs11.ObjectHandle

// newest is 0 if there is none.
func (k wrappingKeys) newest() WrappingKey {
	var newest WrappingKey
	for key := range k {
		newest = max(newest, key)
	}
	return newest
}

// wrappingSpecs describes the share-wrapping keys of the token, or the first one if it
// has none: once another has taken its place it is not made again.
func (s session) wrappingSpecs() ([]keySpec, error) {
	found, err := s.listWrappingKeys()
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return []keySpec{shareWrappingKey(FirstWrappingKey)}, nil
	}
	var specs []keySpec
	for _, key := range slices.Sorted(maps.Keys(found)) {
		specs = append(specs, shareWrappingKey(key))
	}
	return specs, nil
}

// wrappingKeys finds the share-wrapping keys, one at least, and makes sure that none of
// them can leave the token.
func (s session) wrappingKeys() (wrappingKeys, error) {
	found, err := s.listWrappingKeys()
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("share-wrapping key: %w", ErrNotInitialised)
	}
	for key, handle := range found {
		if err := s.mustBeHidden(shareWrappingKey(key), handle); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// oneWorks has a share-wrapping key seal and open, the newest that can, where the newest of
// all has failed. A key whose maker was killed at it may stay half made, and is in nobody's
// way: operations name the one that they need. The newest is tried again itself: SoftHSM
// answers for a key as if it had no attributes while it reads it anew, because another
// process has written to the token.
func (s session) oneWorks(failed error) error {
	if s.keys == nil {
		return failed
	}
	for _, key := range slices.Backward(slices.Sorted(maps.Keys(s.keys.wrapping))) {
		if failed = s.knownAnswer(key); failed == nil {
			return nil
		}
	}
	return failed
}

// settleTime is for a key that is half made or half destroyed to become one or the other.
const settleTime = 20 * time.Millisecond

// keysMayChange reports, a moment later, whether a rotation in another process may be to
// blame for an error: there is more than one share-wrapping key, or another than the session
// knows. Modules have many answers for a key that is half made or half destroyed: SoftHSM
// also says that it may not be used for the mechanism.
func (s session) keysMayChange() bool {
	if s.keys == nil {
		return false
	}
	time.Sleep(settleTime)
	now, err := s.listWrappingKeys()
	return err == nil && (len(now) > 1 || !maps.Equal(now, s.keys.wrapping))
}

// listWrappingKeys goes through all secret keys of the token: PKCS#11 finds no names by
// their beginning.
func (s session) listWrappingKeys() (wrappingKeys, error) {
	handles, err := s.secretKeys()
	if err != nil {
		return nil, explain("finding the share-wrapping keys", err)
	}
	found := make(wrappingKeys)
	for _, handle := range handles {
		key, err := s.wrappingKeyOf(handle)
		if err != nil {
			return nil, explain("finding the share-wrapping keys", err)
		}
		if key == 0 {
			continue
		}
		if _, twice := found[key]; twice {
			return nil, fmt.Errorf("more than one key %q: %w", shareWrappingKey(key).name.label(), ErrKeysChanged)
		}
		found[key] = handle
	}
	return found, nil
}

func (s session) secretKeys() (all []pkcs11.ObjectHandle, err error) {
	const atATime = 100
	template := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
	}
	if err := s.FindObjectsInit(s.handle, template); err != nil {
		return nil, err
	}
	for {
		found, _, err := s.FindObjects(s.handle, atATime)
		if err != nil || len(found) == 0 {
			if final := s.FindObjectsFinal(s.handle); err == nil {
				err = final
			}
			return all, err
		}
		all = append(all, found...)
	}
}

// wrappingKeyOf is 0 for a key that does not have both names of a share-wrapping key.
func (s session) wrappingKeyOf(handle pkcs11.ObjectHandle) (WrappingKey, error) {
	label, err := s.attribute(handle, pkcs11.CKA_LABEL)
	if err != nil {
		return 0, err
	}
	id, err := s.attribute(handle, pkcs11.CKA_ID)
	if err != nil {
		return 0, err
	}
	_, version, _ := strings.Cut(string(id), "keyferry/"+roleShareWrapping+"/")
	n, err := strconv.ParseInt(version, 10, 32)
	name := keyName{roleShareWrapping, int(n)}
	if err != nil || n < int64(FirstWrappingKey) || string(label) != name.label() || string(id) != name.id() {
		return 0, nil
	}
	return WrappingKey(n), nil
}
