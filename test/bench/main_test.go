//go:build linux && cgo

package bench

import (
	"testing"

	"keyferry/server/store/postgrestest"
	"keyferry/test/asprogram"
)

func TestMain(m *testing.M) { asprogram.Main(m, postgrestest.Main) }
