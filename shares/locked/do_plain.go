//go:build !goexperiment.runtimesecret

package locked

// Erases reports whether Do makes the runtime erase what f leaves behind.
const Erases = false

// Do runs f. This build has no runtime support for erasing temporaries; see the
// build with GOEXPERIMENT=runtimesecret. f must not call into C all the same, so
// that both builds run the same code.
func Do(f func()) { f() }
