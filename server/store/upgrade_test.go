package store

import (
	"context"
	"path/filepath"
	"testing"

	"keyferry/server/identity"
	"keyferry/server/useraction"
)

// What was stored by the first version means the same ever after.
func TestCredentialsOfTheFirstVersionSignOn(t *testing.T) {
	place := t.TempDir()
	path := filepath.Join(place, "server.db")
	writes, readers, err := openSQLite(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := newProvider(sqlite(), writes, serverKind)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO organisations (id, name, created_at) VALUES ('or-1', 'Acme', 1)`,
		`INSERT INTO users (id, org, kind, name, active, permissions, created_at) VALUES ('us-1', 'or-1', 'ServiceAccount', 'a', TRUE, 'Keys:Export', 2)`,
		`INSERT INTO credentials (org, id, user_id, kind, public_key, active, created_at) VALUES ('or-1', 'cr-1', 'us-1', 'Key', 'PEM', TRUE, 3)`,
		`INSERT INTO actions (id, label, deployment, org, user_id, nonce, issued_at, expires_at, method, path, payload_hash, payload,
			credential, credential_kind, client_data, signature, token_hash)
		VALUES ('ch-1', 'l', 'd', 'or-1', 'us-1', zeroblob(32), 4, 5, 'POST', '/keys', zeroblob(32), '', 'cr-1', 'Key', 'c', 's', zeroblob(32))`,
	} {
		if _, err := writes.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := writes.Close(); err != nil {
		t.Fatal(err)
	}
	if err := readers.Close(); err != nil {
		t.Fatal(err)
	}

	s := sqliteServer(t, place)
	want := identity.Credential{
		ID: "cr-1", Org: "or-1", User: "us-1", Kind: identity.KeyCredential, PublicKey: "PEM", Active: true, CreatedAt: timeOf(3),
	}
	if got, err := s.Credential(context.Background(), "or-1", "cr-1"); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	action, err := s.ActionByID(context.Background(), "ch-1")
	if err != nil || action.Signed == nil || action.Signed.AuthenticatorData != nil {
		t.Errorf("got %+v, %v", action, err)
	}
	if user, err := s.User(context.Background(), "us-1"); err != nil || !user.May(identity.WalletsExport) {
		t.Errorf("got %+v, %v", user, err)
	}
	execute(t, s.database, `UPDATE credentials SET kind = 'Fido2'`)
	by := useraction.Assertion{Kind: identity.Fido2Credential, Credential: "cr-1", AuthenticatorData: make([]byte, 37), TokenHash: [32]byte{1}}
	execute(t, s.database, `UPDATE actions SET token_hash = NULL`)
	if err := s.CompleteAction(context.Background(), "ch-1", by); err != nil {
		t.Errorf("its counter does not begin at 0: %v", err)
	}
}
