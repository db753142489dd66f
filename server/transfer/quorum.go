package transfer

import (
	"errors"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/fault"
	"keyferry/server/signer"
)

// reasonQuorum is recorded where too few signers can be reached.
const reasonQuorum fault.Reason = "export.quorum"

// good returns what the signers that did their part answered.
func good[T any](answers []answer[T]) []T {
	values := make([]T, 0, len(answers))
	for _, a := range answers {
		if a.err == nil {
			values = append(values, a.value)
		}
	}
	return values
}

// refusal is why there is no export, or nil if enough signers did their part.
//
// If those who cannot be reached would be enough to make up the number, waiting helps,
// and the caller is told how many are missing. Otherwise it is what most signers say:
// none alone can make the caller believe that the key is frozen, say.
func refusal[T any](answers []answer[T], minSigners int) error {
	did := 0
	var unreachable []error
	for _, a := range answers {
		switch {
		case a.err == nil:
			did++
		case fault.KindOf(a.err) == fault.Unavailable:
			unreachable = append(unreachable, fmt.Errorf("signer %v: %w", a.signer, a.err))
		}
	}
	switch {
	case did >= minSigners:
		return nil
	case did+len(unreachable) >= minSigners:
		message := fmt.Sprintf("%d of %d signers answered, and %d are needed: try again later", did, len(answers), minSigners)
		return fault.New(fault.Unavailable, reasonQuorum, message).Because(errors.Join(unreachable...))
	}
	return commonest(answers)
}

// commonest returns the first error with the reason that most signers gave.
func commonest[T any](answers []answer[T]) error {
	counts := map[fault.Reason]int{}
	var most error
	for _, a := range answers {
		if a.err != nil {
			counts[fault.ReasonOf(a.err)]++
		}
	}
	for _, a := range answers {
		if a.err != nil && (most == nil || counts[fault.ReasonOf(a.err)] > counts[fault.ReasonOf(most)]) {
			most = a.err
		}
	}
	return most
}

// outcomeOf is Void only if every signer said itself that it released nothing: what a
// signer has let go counts, whoever got it, and so does what it may have let go.
func outcomeOf[T any](answers []answer[T], refused error) audit.Outcome {
	if refused == nil {
		return audit.Released
	}
	for _, a := range answers {
		if a.err == nil || !signer.Refused(a.err) {
			return audit.Failed
		}
	}
	return audit.Void
}
