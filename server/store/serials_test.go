package store

import (
	"context"
	"errors"
	"testing"

	"keyferry/server/signer/trust"
	"keyferry/server/signer/trust/trusttest"
)

func TestSerialsKeepTheirContract(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		trusttest.TestSerials(t, func(t *testing.T) trust.Serials { return e.signer(t, t.TempDir()) })
	})
}

func TestSerialsOutliveTheProcess(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		if err := e.signer(t, place).Advance(context.Background(), "or-1", 7, [32]byte{7}); err != nil {
			t.Fatal(err)
		}
		if err := e.signer(t, place).Advance(context.Background(), "or-1", 6, [32]byte{6}); !errors.Is(err, trust.ErrRollback) {
			t.Errorf("another handle: %v", err)
		}
	})
}
