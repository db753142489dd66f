// Package hsm is the way to a signer's PKCS#11 token: shares are sealed and opened
// there, imports are decrypted there, statements are signed there. No long-term
// private key of a signer exists anywhere else.
//
// Reading order:
//
//   - [Module] (module.go) owns one PKCS#11 library in this process; tokens.go finds
//     and makes tokens, softhsm.go prepares the software token for development
//   - [Token] (token.go) is one signer's token; login.go is the login that it keeps
//     and renews, sessions.go the bounded pool beside it
//   - ceremony.go makes the keys that keys.go describes and reads back what the
//     token made of them; handles.go finds them again at each login; restrict.go
//     tries to misuse them
//   - seal.go, ecdh.go and identity.go are what the keys do
//   - direct.go with direct.c is our own small binding, and errors.go what
//     PKCS#11's return values mean to callers
//
// # Who initialises the library
//
// C_Initialize and C_Finalize act on the whole process. crypto11, which serves the
// identity keys, insists on calling C_Initialize itself, and its last context to
// close calls C_Finalize under everybody else. So Module rations it: while at least
// one Token is open the library is initialised by crypto11, and Module counts its
// contexts; while none is open it is not initialised, and listing or making tokens
// initialises it for the length of that one call. All of this happens under one
// lock, and nothing else in the process may initialise the library. Hence the rule
// for callers: one Module for one library path in one process.
//
// # Two bindings and why
//
// Whatever carries a plaintext share, a digest of a shared secret or a PIN goes through
// a C file of ours: from locked memory straight into the library, with the vector
// registers and 64 KiB of stack wiped before the same C call returns. Everything else
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
