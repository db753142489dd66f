package transfer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"keyferry/server/audit"
	"keyferry/server/fault"
	"keyferry/server/signer"
)

// answer is what one signer said.
type answer[T any] struct {
	signer signer.ID
	value  T
	err    error
}

// askAll asks all signers at once and returns their answers in the same order, after
// the timeout at the latest: whoever has not answered by then has ErrNoAnswer, and is
// told through the context that nobody waits any more. What was begun is not cut short
// because its caller has gone.
func askAll[T any](ctx context.Context, timeout time.Duration, signers []signer.Signer, ask func(context.Context, signer.Signer) (T, error)) []answer[T] {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	type reply struct {
		place int
		answer[T]
	}
	replies := make(chan reply, len(signers)) // with room for those that come too late
	answers := make([]answer[T], len(signers))
	for i, one := range signers {
		answers[i] = answer[T]{signer: one.Info().ID, err: signer.ErrNoAnswer}
		go func() {
			value, err := guarded(ctx, one, ask)
			replies <- reply{i, answer[T]{one.Info().ID, value, timedOut(err)}}
		}()
	}
	for range signers {
		select {
		case r := <-replies:
			answers[r.place] = r.answer
		case <-ctx.Done():
			return answers
		}
	}
	return answers
}

// timedOut gives the name of a lost answer to the error of a signer that was told that
// its time is up. One that knows what it did says so itself.
func timedOut(err error) error {
	if errors.Is(err, context.DeadlineExceeded) && fault.KindOf(err) == fault.Internal {
		return signer.ErrNoAnswer.Because(err)
	}
	return err
}

// guarded makes an error of a panic, which would end the process, and with it the
// requests of everybody. Of the stack it keeps the places and leaves out the arguments:
// those may be secret.
func guarded[T any](ctx context.Context, one signer.Signer, ask func(context.Context, signer.Signer) (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in signer %v: %v at %s", one.Info().ID, p, places())
		}
	}()
	return ask(ctx, one)
}

// places names the functions and lines that led to a panic, the innermost first.
func places() string {
	const skipped, most = 3, 16 // Callers, places and the function that recovers
	counters := make([]uintptr, most)
	frames := runtime.CallersFrames(counters[:runtime.Callers(skipped, counters)])
	var list []string
	for frame, more := frames.Next(); more; frame, more = frames.Next() {
		list = append(list, fmt.Sprintf("%s:%d", frame.Function, frame.Line))
	}
	return strings.Join(list, ", ")
}

// firstError returns the error of the first signer that has one.
func firstError[T any](answers []answer[T]) error {
	for _, a := range answers {
		if a.err != nil {
			return a.err
		}
	}
	return nil
}

// outcomes says for the record how each signer answered.
func outcomes[T any](answers []answer[T]) []audit.SignerOutcome {
	list := make([]audit.SignerOutcome, len(answers))
	for i, a := range answers {
		list[i].Signer = a.signer.String()
		if a.err != nil {
			list[i].Reason = fault.ReasonOf(a.err)
		}
	}
	return list
}
