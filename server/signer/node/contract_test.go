//go:build cgo

package node_test

import (
	"testing"

	"keyferry/server/signer"
	"keyferry/server/signer/signertest"
	"keyferry/test/rig"
)

func TestNodeKeepsTheContract(t *testing.T) {
	signertest.Test(t, func(_ *testing.T, r *rig.Rig) []signer.Signer { return r.Signers })
}
