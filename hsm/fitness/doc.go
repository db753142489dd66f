// Package fitness finds out what a PKCS#11 token can really do, by doing it: a token's
// list of mechanisms and the attributes that it reads back say what somebody meant, and
// modules exist that list what they cannot do and store restrictions that they ignore.
//
// Reading order:
//
//   - report.go is the result: checks, what they mean for each [Use] of a token, and the
//     error of a token that is not fit
//   - [Examine] and [Try] (exam.go) run the checks; key.go makes the keys that they need, mark.go
//     says whose they are, and objects.go removes them again; leftovers.go removes what an
//     examination that was killed has left; answer.go reads what the token answers
//   - one family of checks a file: seal.go (AES-256-GCM), agreement.go (ECDH and hash),
//     signature.go (P-256), random.go, restrict.go (what a key's attributes forbid),
//     sessions.go and pace.go
//
// The keys are made by the templates of package hsm, which calls this package, and the
// calls that carry shares are its own too: what is examined is what will be used.
//
// The keys that somebody knows here are made for one check and seal nothing but a sample
// text: none of them is a secret.
//
// Nothing here touches another object on the token than those that it makes, which carry
// the label "keyferry doctor" and the mark of their examination: several may examine one token
// at the same time. Nothing here logs in: a PIN is tried once, by the caller.
package fitness
