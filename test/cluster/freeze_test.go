//go:build cgo

package cluster

import (
	"net/http"
	"strings"
	"testing"
)

// Operators stop their running signers without any server: all at once, an organisation
// or a key. Two of five do not stop an export, three do, until they are thawed; and each
// signer's own record has it.
func TestThreeOperatorsStopExportsWithoutTheServer(t *testing.T) {
	c := start(t)
	for _, what := range [][]string{{"--all"}, {"--organisation", c.organisation(t)}, {"--key", c.key}} {
		for n := range 2 {
			c.operate(t, n, append([]string{"signer", "freeze"}, what...)...)
		}
		c.exportBecomes(t, http.StatusOK, 3)
		c.operate(t, 2, append([]string{"signer", "freeze"}, what...)...)
		c.exportBecomes(t, http.StatusForbidden, 0)
		if frozen := c.operate(t, 2, "signer", "freezes"); !strings.Contains(frozen, strings.TrimPrefix(what[0], "--")) {
			t.Errorf("%v: the operator is shown %q", what, frozen)
		}
		for n := range 3 {
			c.operate(t, n, append([]string{"signer", "thaw"}, what...)...)
		}
		c.exportBecomes(t, http.StatusOK, 5)
	}
}
