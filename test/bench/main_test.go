//go:build linux && cgo

package bench

import (
	"os"
	"testing"

	"keyferry/server/cli"
	"keyferry/server/store/postgrestest"
)

// asProgram is the variable with which this test binary is the program itself, for a
// cluster's processes. It is not named as settings are: the program would refuse it.
const asProgram = "BENCH_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(cli.Main())
	}
	postgrestest.Main(m)
}
