//go:build cgo && !keyferry_nowipe

package hsm_test

import (
	"testing"

	"keyferry/hsm"
)

func TestReleaseBuildsWipe(t *testing.T) {
	if !hsm.Wipes() {
		t.Error("this build leaves shares in registers and on the stack: it is for memory scans alone")
	}
}
