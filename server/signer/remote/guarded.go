package remote

import (
	"context"
	"fmt"
	"runtime"
	"strings"
)

// guarded makes an error of a panic, which would end the connection without an answer.
// What the panic says may be secret, and so may the arguments on the stack: where it
// happened has to do.
func guarded[B any](ctx context.Context, body B, answer func(context.Context, B) (any, acted, error)) (result any, about acted, err error) {
	defer func() {
		if recover() != nil {
			result, err = nil, fmt.Errorf("panic at %s", origin())
		}
	}()
	return answer(ctx, body)
}

// origin names the line of the panic that is being recovered from.
func origin() string {
	const skipped, most = 3, 8 // Callers, origin and the function that recovers
	counters := make([]uintptr, most)
	frames := runtime.CallersFrames(counters[:runtime.Callers(skipped, counters)])
	for frame, more := frames.Next(); more; frame, more = frames.Next() {
		if !strings.HasPrefix(frame.Function, "runtime.") {
			return fmt.Sprintf("%s:%d", frame.File, frame.Line)
		}
	}
	return "an unknown line"
}
