package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/signer"
)

// Disposal discards a share that does not open any more, committed or not, for the node's
// operator: nobody else can ask for it. It works beside processes that serve, verify and
// rotate: what is removed is the very row that was found damaged, or nothing.
//
// A share is damaged if the token says so again and again and works meanwhile. A token or a
// store in trouble is an error like everywhere, and no damage.
type Disposal struct {
	Node  *Node
	Token KeyList // the node's own
}

// KeyList is what a disposal needs of the node's token beside what the node needs;
// *hsm.Token has it.
type KeyList interface {
	// WrappingKeys returns the share-wrapping keys on the token.
	WrappingKeys(ctx context.Context) ([]hsm.WrappingKey, error)
}

// Damage is a share that does not open.
type Damage struct {
	ShareName
	Cause error
	seen  Share // zero if it cannot even be read
}

// Discarded is the record of a share that was discarded. It stays, with what is public of the
// share, for as long as the share does not come back.
type Discarded struct {
	ShareName
	Since  time.Time
	Reason string
}

// The errors of a [Disposal]. ErrOtherToken and ErrNoShare are others.
var (
	// ErrSound: the share opens, and so stays.
	ErrSound = errors.New("the share is sound")
	// ErrMisnamed: the share opens under another key than its row says, and so stays.
	ErrMisnamed = errors.New("the share is sound, but its row names another share-wrapping key than the one that it is under")
	// ErrNothingOpens: no other share opens either. Then the token or its keys are not those
	// of the store.
	ErrNothingOpens = errors.New("none of the store's other shares opens either")
	// ErrChanged: the row is not the one any more that was found damaged.
	ErrChanged = errors.New("the share's row was changed meanwhile")
	// ErrReason: the reason cannot go on record.
	ErrReason = errors.New("a reason has 1 to 500 bytes of text, on one line")
)

// Discards is the part of a [Store] that a disposal works on. It is durable and safe for
// concurrent use, also by several processes.
type Discards interface {
	// NamedShare returns whose key it is, readable or not, or ErrNoShare.
	NamedShare(ctx context.Context, key keyring.KeyID) (ShareName, error)
	// DiscardDamaged removes a share and, if it was committed, keeps what is public of it
	// with the record; all or nothing. It is ErrChanged if the row does not read as it was
	// seen, which is zero if it was ErrUnreadable; ErrNoShare if there is none.
	DiscardDamaged(ctx context.Context, d Discarded, seen Share, about ...audit.Entry) error
	// Discarded returns the record of a committed share that was discarded and did not come
	// back, or ErrNoShare.
	Discarded(ctx context.Context, key keyring.KeyID) (Discarded, error)
}

// looks is how often a share must be found damaged, by a token that works.
const looks = 3

// Examine finds out what is wrong with a share, and changes nothing. It is an error if the
// share is not to be discarded: see the errors above.
func (d Disposal) Examine(ctx context.Context, key keyring.KeyID) (Damage, error) {
	name, err := d.Node.Store.NamedShare(ctx, key)
	if err != nil {
		return Damage{}, err
	}
	var damage Damage
	for range looks {
		if damage, err = d.Node.damage(ctx, name); err != nil {
			return Damage{}, err
		}
		if err := d.Node.hasCurrentKey(ctx); err != nil {
			return Damage{}, err
		}
	}
	if err := d.opensUnderAnother(ctx, damage.seen); err != nil {
		return Damage{}, err
	}
	return damage, d.Node.anotherOpens(ctx, key)
}

// Discard examines a share and removes it, with the reason on record.
func (d Disposal) Discard(ctx context.Context, key keyring.KeyID, reason string) (Damage, error) {
	if err := checkReason(reason); err != nil {
		return Damage{}, err
	}
	damage, err := d.Examine(ctx, key)
	if err != nil {
		return Damage{}, err
	}
	entry := d.Node.keyEntry(audit.DamagedShareDiscarded, damage.Org, key)
	entry.Details = map[string]string{"damage": strings.ToValidUTF8(damage.Cause.Error(), "?"), "reason": reason}
	discarded := Discarded{ShareName: damage.ShareName, Since: d.Node.Now(), Reason: reason}
	if err := d.Node.Store.DiscardDamaged(ctx, discarded, damage.seen, entry); err != nil {
		return Damage{}, err
	}
	return damage, nil
}

// Discarded returns the record of a share that was discarded before, or ErrNoShare.
func (d Disposal) Discarded(ctx context.Context, key keyring.KeyID) (Discarded, error) {
	return d.Node.Store.Discarded(ctx, key)
}

func checkReason(reason string) error {
	if reason == "" || len(reason) > 500 || !utf8.ValidString(reason) || strings.ContainsFunc(reason, unicode.IsControl) {
		return ErrReason
	}
	return nil
}

// damage looks at a share once.
func (n *Node) damage(ctx context.Context, name ShareName) (Damage, error) {
	defer n.Sweeper.Soon()
	share, err := findShare(ctx, n.Store, name.Org, name.Key)
	if err == nil {
		err = n.check(ctx, share)
	}
	switch {
	case err == nil:
		return Damage{}, ErrSound
	case errors.Is(err, signer.ErrDamaged):
		return Damage{ShareName: name, Cause: cause(err), seen: share}, nil
	}
	return Damage{}, err
}

// opensUnderAnother tries all keys of the token, whatever the row says. Sound is what check
// calls so.
func (d Disposal) opensUnderAnother(ctx context.Context, seen Share) error {
	if seen.Key == "" {
		return nil
	}
	there, err := d.Token.WrappingKeys(ctx)
	if err != nil {
		return tokenFault(err)
	}
	defer d.Node.Sweeper.Soon()
	for _, key := range there {
		seen.WrappingKey = key
		err := d.Node.check(ctx, seen)
		if err == nil {
			return fmt.Errorf("%w: v%d", ErrMisnamed, key)
		}
		if !errors.Is(err, signer.ErrDamaged) {
			return err
		}
	}
	return nil
}

// anotherOpens makes sure that the token holds a key that shares of this store are under: one
// that was made anew under the old name opens nothing. A share that is alone proves nothing.
func (n *Node) anotherOpens(ctx context.Context, but keyring.KeyID) error {
	damaged := 0
	err := n.eachShare(ctx, func(name ShareName) error {
		if name.Key == but {
			return nil
		}
		_, err := n.damage(ctx, name)
		switch {
		case err == nil:
			damaged++
		case errors.Is(err, signer.ErrNoShare):
		default:
			return err
		}
		return nil
	})
	switch {
	case errors.Is(err, ErrSound):
		return nil
	case err == nil && damaged > 0:
		return ErrNothingOpens
	}
	return err
}
