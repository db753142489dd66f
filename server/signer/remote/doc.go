// Package remote carries the contract of package signer over a network: [Client] is a
// signer for those who ask, and [Handler] puts a signer that is here behind it.
//
//	pin.go, tls.go       mutual TLS 1.3; each side knows the other's public key
//	certificate.go       certificates that are made on the spot and renewed
//	connect.go           connections of which it is sure that the signer has taken them
//	client.go, send.go   the asking side; what an error says about what was done
//	handler.go, serve.go the answering side, with its limits
//	guarded.go           a panic is an error like others
//	wire.go, refusal.go  the texts, which are in docs/protocol.md
//
// There is no authority: a connection is good if the other side has the private key
// that belongs to the pinned public key, which is the manifest's for a signer and the
// operator's for the server. A connection gives nobody the right to a share. What a
// signer does follows from the user's signature alone, and what it answers it signs.
package remote
