// Package hsm is the way to a signer's PKCS#11 token: shares are sealed and opened
// there, imports are decrypted there, statements are signed there. No long-term
// private key of a signer exists anywhere else.
//
// Reading order:
//
//   - [Module] (module.go) owns one PKCS#11 library in this process; library.go
//     initialises, ends and restarts it, gate.go keeps calls out meanwhile; tokens.go
//     finds and makes tokens, softhsm.go prepares the software token for development
//   - [Token] (token.go, config.go) is one signer's token; call.go has each operation run
//     where it can be given up: on an errand (errand.go) of one of the goroutines of
//     workers.go, several of them together (together.go), or on a caller's own that can
//     be left behind; watch.go is the time limit; login.go is the login that is replaced
//     when it dies, sessions.go the bounded pool beside it
//   - examine.go has hsm/fitness find out what a token can do; parameters.go is for libraries
//     that need some to be initialised
//   - breaker.go leaves a dead token alone, and observe.go tells metrics
//   - ceremony.go makes the keys that keys.go describes and reads back what the
//     token made of them; handles.go finds them again at each login; restrict.go
//     tries to misuse them
//   - wrapping.go makes, tries and destroys share-wrapping keys, which replace each
//     other; versions.go finds those that there are
//   - seal.go, ecdh.go and identity.go are what the keys do; identities.go replaces the last
//   - direct.go with direct.c is our own small binding, and errors.go what
//     PKCS#11's return values mean to callers
//
// # Who initialises the library
//
// C_Initialize and C_Finalize act on the whole process. crypto11, which serves the
// identity keys, insists on calling C_Initialize itself, and its last context to
// close calls C_Finalize under everybody else. So Module rations it: while at least
// one Token is open, the library is kept initialised by a crypto11 context that does
// nothing else; while none is open it is not initialised, and listing or making tokens
// initialises it for the length of that one call. Whoever initialises or ends it is
// alone in it, and nothing else in the process may. Hence the rule for callers: one
// Module for one library path in one process.
//
// A library that takes parameters when it is initialised ([OpenWithParameters]) gets them
// from Module, since crypto11 has none to give. There is no crypto11 context on it then, and
// the identity key signs by way of miekg/pkcs11.
//
// # What heals, and how
//
// An operation that meets a dead session, login or handle has the login replaced and is
// done again. If the token cannot be logged in to, every token of the module is logged
// out and the library is ended and initialised again: some see a token that was away
// only then. If that does not help, the breaker refuses operations at once, and lets one
// try again after a pause that grows.
//
// A call that hangs cannot be interrupted. Its caller is told [ErrHung], its seat goes to
// somebody else, and its session and memory stay with it until it returns. Hence the rule
// inside this package: what a call into the library reads or writes belongs to the job
// that makes the call, never to the caller. The library is not ended under it.
//
// # Two bindings and why
//
// Whatever carries a plaintext share, a digest of a shared secret or a PIN goes through
// a C file of ours: from locked memory straight into the library, with the vector
// registers and the stack wiped before the same C call returns: 64 KiB of it, or, behind
// an opening or sealing that succeeds, four times as much as such calls were measured to
// reach into and at least 16 KiB (reach.go). Everything else
// goes through miekg/pkcs11, which copies its arguments to C memory and frees them
// unwiped. crypto11 is told that the token needs no login and therefore never holds
// the PIN: a PKCS#11 login belongs to the process and the token, and Token keeps it.
// The build tag keyferry_nowipe turns the wiping off; it exists for tests that must
// see a leak to be believed.
//
// # Without cgo
//
// PKCS#11 is a C interface. Without cgo only [PIN] and the SoftHSM helpers remain, and
// whoever imports the rest does so behind the build constraint cgo.
package hsm
