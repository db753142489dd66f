package transfer

import (
	"context"
	"sync"

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

// askAll asks all signers at once and returns their answers in the cluster's order.
// It waits for every one: whether a share was released must be known.
func askAll[T any](ctx context.Context, signers []signer.Signer, ask func(context.Context, signer.Signer) (T, error)) []answer[T] {
	answers := make([]answer[T], len(signers))
	var wait sync.WaitGroup
	for i, one := range signers {
		wait.Go(func() {
			value, err := ask(ctx, one)
			answers[i] = answer[T]{signer: one.Info().ID, value: value, err: err}
		})
	}
	wait.Wait()
	return answers
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
