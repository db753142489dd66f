// Package sandbox is a whole Keyferry in one directory, for development and
// demonstration: five SoftHSM tokens, databases, an organisation that may export, and
// an account with everything that a client needs. There is nothing to configure.
//
//	Open        makes the directory ready, or takes up the one that is there
//	ServeWhile  serves the real API while something is done with it
//	Publish     a sample key, and client.env for other programs' clients
//	NewCluster  the same with signers that stand apart, as processes (cluster.go)
//
// The directory:
//
//	client.env     how to reach the server that runs now; removed before each start
//	manifest.json  who its signers are, to be pinned by clients and the guard
//	state/         configuration, secrets, tokens, databases (layout.go)
//
// state/ is made under another name and gets its own when it is complete; whatever
// comes later is done again at each start as far as it is missing. So a start that
// was interrupted is repaired by starting again.
//
// A sandbox protects nothing: the PINs lie beside the tokens.
package sandbox
