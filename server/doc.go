// Package server puts a Keyferry server together from its configuration.
//
//	New, Run, Close   the API with its embedded signers: the whole life of a server
//	InitSigners       the key ceremony on the signers' tokens, before the first start
//	OpenOffice        the operator's use cases on the same database, from another process
//	IngestShares      a signer's operator brings shares of keys that a cluster elsewhere has
//
// It decides nothing: it opens what the other packages work with, in an order in
// which each can rely on the one before, and closes it in reverse.
//
// Embedded signers are in the server's own process and trust its database: that
// protects what is stored, and gives no protection against the process itself. The
// server says so when it starts.
//
// Everything here needs cgo, for PKCS#11 and for SQLite.
package server
