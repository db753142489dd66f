//go:build linux && cgo

package bench

import (
	"testing"

	"keyferry/server/store/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }
