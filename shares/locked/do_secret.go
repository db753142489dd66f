//go:build goexperiment.runtimesecret

package locked

import "runtime/secret"

// Erases reports whether Do makes the runtime erase what f leaves behind.
const Erases = true

// Do runs f, which computes on secrets in pure Go, and has the runtime erase the
// registers and the stack that f used when it returns, and the heap values that it
// allocated when they are next collected.
//
// f must not call into C: the Go 1.26 runtime crashes on a cgo call in this mode.
// Results that outlive f go into memory that the caller allocated before.
func Do(f func()) { secret.Do(f) }
