//go:build cgo

package hostile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/store"
	"keyferry/server/useraction"
)

// A signer whose database came from a backup has forgotten what was used since. What the
// attacker kept from that time is refused all the same, because of when it was issued.
func TestRestoredSignerRefusesWhatItHasForgotten(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	backup := s.backUp(t, 0)
	action := s.signExport(t, s.victim, s.key)
	s.gives(t, action)
	again := action
	again.ClientData = []byte(`{"type":"key.get","challenge":"` + action.Input.Challenge() + `"}`)
	again.Signature = s.victim.SignBytes(again.ClientData)
	s.refuse(t, again, signer.ErrReplayed)

	forgetful := s.restore(t, backup, func(*node.Config) {})
	if err := exportOf(forgetful, again); err != nil {
		t.Errorf("nothing protects a signer that does not know that it was restored: %v", err)
	}
	restored := s.restore(t, copyOf(t, backup), func(c *node.Config) { c.NotBefore = s.Clock.Now() })
	for name, kept := range map[string]useraction.Signed{"the action": action, "its other answer": again} {
		if err := exportOf(restored, kept); !errors.Is(err, signer.ErrConsent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.Clock.Advance(2 * useraction.ClockSkew)
	if err := exportOf(restored, s.signExport(t, s.victim, s.key)); err != nil {
		t.Errorf("an action from after the restart: %v", err)
	}
}

func exportOf(one signer.Signer, action useraction.Signed) error {
	_, err := one.Export(context.Background(), signer.Request{Action: action})
	return err
}

// backUp copies a signer's database as it is, before anything was used.
func (s *stage) backUp(t *testing.T, at int) string {
	t.Helper()
	return copyOf(t, filepath.Join(s.Dir, fmt.Sprintf("signer-%d.db", at)))
}

// copyOf returns the path of a copy of a database.
func copyOf(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	must(t, err)
	defer db.Close()
	to := filepath.Join(t.TempDir(), "copy.db")
	_, err = db.ExecContext(t.Context(), `VACUUM INTO $1`, to)
	must(t, errors.Join(err, os.Chmod(to, 0o600)))
	return to
}

// restore starts the first signer with another database.
func (s *stage) restore(t *testing.T, path string, change func(*node.Config)) *node.Node {
	t.Helper()
	own, err := store.OpenSigner(context.Background(), store.Config{Path: path})
	must(t, err)
	t.Cleanup(func() { own.Close() })
	return s.Restart(t, 0, func(c *node.Config) {
		c.Store = own
		change(c)
	})
}
