// Package trust is whom a signer believes by its own record: documents that an
// organisation's offline root key signs, and what a signer makes of them.
//
// The way of a document:
//
//	Template, Draft      what to review                                  (draft.go)
//	Parse                a text that a person wrote or edited → Document (parse.go, check.go)
//	Sign                 by the offline RootKey → Signed                 (rootkey.go, signed.go)
//	Verify               by the Root that a signer's operator pinned → Signed
//	Directory.Install    durable, and never an older one                 (directory.go)
//	Trust.Reload         into force, recorded first                      (reload.go)
//	Trust.Credential     what the signer asks of it at every action (trust.go)
//
// Whoever carries a document, the API server included, can neither make nor change
// one. What he could do is to bring an old one back, in which a revoked credential is
// still good; so serials only grow, by the installed file and by a record in the
// signer's own database ([Serials]). Both restored from one backup are not noticed.
//
// A document is a JSON text with exactly one spelling. Its bytes, and those of a
// signed file, are in docs/protocol.md. Nothing here calls into C.
package trust
