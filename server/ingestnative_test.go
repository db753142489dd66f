//go:build cgo

package server

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyferry/server/identity"
	"keyferry/shares/locked"
	"keyferry/test/rig"
)

// newNativeMigration is of a cluster that an open library's dealer dealt: see
// test/cggmp21. Each signer has one party's line.
func newNativeMigration(t *testing.T, format IngestFormat, name string, n int) *migration {
	t.Helper()
	r := rig.New(t, n)
	m := &migration{Rig: r, Account: r.Account(t, r.Organisation(t), identity.Permissions()...), format: format}
	path := filepath.Join("..", "shares", "testdata", "native", name)
	text, err := os.ReadFile(path + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		m.lines = append(m.lines, []string{strings.TrimSpace(line)})
	}
	if len(m.lines) != n {
		t.Fatalf("%d shares for %d signers", len(m.lines), n)
	}
	written, err := os.ReadFile(path + ".key")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := locked.New(32)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(secret.Destroy)
	if _, err := hex.Decode(secret.Bytes(), []byte(strings.TrimSpace(string(written)))); err != nil {
		t.Fatal(err)
	}
	m.secrets = []*locked.Buffer{secret}
	return m
}

func TestKeysOfTheOpenLibrariesAreExportedAsTheirDealersDealtThem(t *testing.T) {
	for _, c := range []struct {
		format IngestFormat
		name   string
		n      int
	}{
		{CGGMP21Shares, "cggmp21-secp256k1-3of5", 5},
		{CGGMP21Shares, "cggmp24-stark-2of3", 3},
		{CGGMP21Shares, "core-secp256k1-additive-3", 3},
		{GivreShares, "core-ed25519-2of3", 3},
		{GivreShares, "core-secp256k1-2of3-points-3-1-2", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newNativeMigration(t, c.format, c.name, c.n)
			receipts := m.ingestAll(t)
			if adopted, _, err := m.adopt(m.User.Org, receipts); err != nil || adopted != 1 {
				t.Fatalf("adopted %d: %v", adopted, err)
			}
			service := m.Service(t)
			if err := service.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			m.recovers(t, service, receipts[0], m.secrets[0])
		})
	}
}

func TestKeyWithAChainCodeIsTakenInOnlyIfTheOperatorLeavesItBehind(t *testing.T) {
	m := newNativeMigration(t, CGGMP21Shares, "cggmp24-secp256k1-2of3-hd", 3)
	if progress, _, err := m.ingest(t, 0, -1, m.lines[0]...); !errors.Is(err, errChainCode) || progress.Done != 0 {
		t.Errorf("taken in: %+v, %v", progress, err)
	}
	m.withoutChainCodes = true
	if progress, _, err := m.ingest(t, 0, -1, m.lines[0]...); err != nil || progress.New != 1 {
		t.Errorf("left behind: %+v, %v", progress, err)
	}
}

// Each signer's operator has his own party's file. Another's is a valid share too, but
// two signers with one share are found out before the key is one.
func TestTwoSignersWithTheSamePartysShareAreFoundOut(t *testing.T) {
	m := newNativeMigration(t, CGGMP21Shares, "core-secp256k1-additive-3", 3)
	m.lines[1] = m.lines[0]
	if adopted, _, err := m.adopt(m.User.Org, m.ingestAll(t)); err == nil || adopted != 0 {
		t.Errorf("adopted %d: %v", adopted, err)
	}
}

func TestIngestRefusesAFormatThatThereIsNot(t *testing.T) {
	if _, err := IngestShares(t.Context(), NodeConfig{}, Ingest{Format: "gg18"}); err == nil || !strings.Contains(err.Error(), "plain, cggmp21 and givre") {
		t.Errorf("%v", err)
	}
}
