package trusttest

import (
	"testing"

	"keyferry/server/signer/trust"
)

func TestSerialsInMemoryKeepTheContract(t *testing.T) {
	TestSerials(t, func(*testing.T) trust.Serials { return new(Serials) })
}
