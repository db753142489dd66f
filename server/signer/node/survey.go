package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"keyferry/server/fault"
	"keyferry/server/keyring"
	"keyferry/server/signer"
)

// Verification is what came of opening every share and checking it.
type Verification struct {
	FinishedAt  time.Time // zero: there was none yet
	Took        time.Duration
	Intact      int
	Damaged     int
	SucceededAt time.Time // when one last found no damage; zero: never
}

// Verifications keeps the last one.
type Verifications interface {
	// RecordVerification replaces the last one; SucceededAt follows from Damaged.
	RecordVerification(ctx context.Context, v Verification) error
	// LastVerification is zero if there was none.
	LastVerification(ctx context.Context) (Verification, error)
}

// Survey is how VerifyShares goes about it.
type Survey struct {
	// Pause is a rest after each share, so that exports hardly notice.
	Pause time.Duration
	// Patience is how long one share is tried while token or store are in trouble that
	// passes, before the survey is given up.
	Patience time.Duration
	// Damaged is told of each share that is damaged; nil: nobody.
	Damaged func(key keyring.KeyID, err error)
	// Progress is told how many shares were looked at; nil: nobody.
	Progress func(done int)
}

// VerifyShares opens every share, committed or not, checks it against its public share,
// releases nothing, and records what came of it. Damage is no error; a token or a store in
// trouble is one, and then nothing is recorded.
func (n *Node) VerifyShares(ctx context.Context, s Survey) (Verification, error) {
	v, err := n.survey(ctx, s)
	if err != nil {
		return Verification{}, err
	}
	if err := n.Store.RecordVerification(ctx, v); err != nil {
		return Verification{}, err
	}
	return n.Store.LastVerification(ctx)
}

func (n *Node) survey(ctx context.Context, s Survey) (Verification, error) {
	start := n.Now()
	var v Verification
	err := n.eachShare(ctx, func(name ShareName) error {
		err := s.outlast(ctx, func() error { return n.lookAt(ctx, name) })
		if err := v.count(name, err, s.Damaged); err != nil {
			return err
		}
		if s.Progress != nil {
			s.Progress(v.Intact + v.Damaged)
		}
		return rest(ctx, s.Pause)
	})
	v.FinishedAt, v.Took = n.Now(), n.Now().Sub(start)
	return v, err
}

func (n *Node) lookAt(ctx context.Context, name ShareName) error {
	share, err := findShare(ctx, n.Store, name.Org, name.Key)
	if err != nil {
		return err
	}
	defer n.Sweeper.Soon()
	return n.check(ctx, share)
}

// troubleRest is between two tries of one share.
const troubleRest = 250 * time.Millisecond

// outlast tries again what meets trouble that passes: a survey of many shares takes hours,
// and would never come to its end if each moment in which all sessions are in use ended it.
func (s Survey) outlast(ctx context.Context, look func() error) error {
	for waited := time.Duration(0); ; waited += troubleRest {
		err := look()
		if waited >= s.Patience || fault.KindOf(err) != fault.Unavailable {
			return err
		}
		if err := rest(ctx, troubleRest); err != nil {
			return err
		}
	}
}

// count takes one share's outcome. A share that was discarded meanwhile counts as nothing.
func (v *Verification) count(name ShareName, err error, damaged func(keyring.KeyID, error)) error {
	switch {
	case err == nil:
		v.Intact++
	case errors.Is(err, signer.ErrNoShare):
	case errors.Is(err, signer.ErrDamaged):
		v.Damaged++
		if damaged != nil {
			damaged(name.Key, cause(err))
		}
	default:
		return fmt.Errorf("verifying share of %s: %w", name.Key, err)
	}
	return nil
}

// cause is what operators need of a fault: not what its caller would be told.
func cause(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Cause != nil {
		return f.Cause
	}
	return err
}

// namesAtOnce is how many shares are listed by one query.
const namesAtOnce = 256

// eachShare calls do for every share that is there all the time.
func (n *Node) eachShare(ctx context.Context, do func(ShareName) error) error {
	var last keyring.KeyID
	for {
		names, err := n.Store.ShareNames(ctx, last, namesAtOnce)
		if err != nil || len(names) == 0 {
			return err
		}
		for _, name := range names {
			if err := do(name); err != nil {
				return err
			}
		}
		last = names[len(names)-1].Key
	}
}

func rest(ctx context.Context, pause time.Duration) error {
	if pause <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
