package fault

import (
	"errors"
	"fmt"
	"testing"
)

var errReplayed = New(Invalid, "action.replayed", "user action has already been used")

func TestCauseIsKeptAndStaysTheSameFault(t *testing.T) {
	cause := errors.New("row changed")
	err := fmt.Errorf("redeeming: %w", errReplayed.Because(cause))
	if !errors.Is(err, errReplayed) || !errors.Is(err, cause) {
		t.Errorf("%v is neither its fault nor its cause", err)
	}
	if errReplayed.Cause != nil {
		t.Error("the shared value was changed")
	}
}

func TestKindAndReasonAreFoundThroughWrapping(t *testing.T) {
	err := fmt.Errorf("exporting: %w", errReplayed)
	if KindOf(err) != Invalid || ReasonOf(err) != "action.replayed" {
		t.Errorf("got %v, %v", KindOf(err), ReasonOf(err))
	}
	plain := errors.New("disk on fire")
	if KindOf(plain) != Internal || ReasonOf(plain) != ReasonInternal {
		t.Errorf("a plain error counts as %v, %v", KindOf(plain), ReasonOf(plain))
	}
}

func TestFaultsOfDifferentReasonsDiffer(t *testing.T) {
	if errors.Is(New(Invalid, "a", "same"), New(Invalid, "b", "same")) {
		t.Error("faults are told apart by their text only")
	}
}
