package store

import (
	"context"
	"errors"
	"strings"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
)

// statement is a statement of the first version's.
type statement struct {
	text string
	args []any
}

func execAll(tx *transaction, statements []statement) error {
	for _, s := range statements {
		if _, err := tx.ExecContext(context.Background(), s.text, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// What was stored by the first version means the same ever after.
func TestServerOfTheFirstVersionGoesOn(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		ecdsa, _ := schemes(t)
		public := point(t, ecdsa.Curve(), 7)
		e.first(t, place, serverKind, func(tx *transaction) error {
			zeros, text := make([]byte, 32), []byte("c")
			return execAll(tx, []statement{
				{`INSERT INTO organisations (id, name, created_at, export_reference, export_activated_at) VALUES ('or-1', 'Acme', 1, 'addendum', 1)`, nil},
				{`INSERT INTO users (id, org, kind, name, active, permissions, created_at) VALUES ('us-1', 'or-1', 'ServiceAccount', 'a', TRUE, 'Keys:Export', 2)`, nil},
				{`INSERT INTO credentials (org, id, user_id, kind, public_key, active, created_at) VALUES ('or-1', 'cr-1', 'us-1', 'Key', 'PEM', TRUE, 3)`, nil},
				{`INSERT INTO actions (id, label, deployment, org, user_id, nonce, issued_at, expires_at, method, path, payload_hash, payload,
					credential, credential_kind, client_data, signature, token_hash)
				VALUES ('ch-1', 'l', 'd', 'or-1', 'us-1', $1, 4, 5, 'POST', '/keys', $1, $2, 'cr-1', 'Key', $2, $2, $1)`, []any{zeros, text}},
				{`INSERT INTO keys (id, org, protocol, curve, public_key, min_signers, signers, name, status, created_at, exported_at)
				VALUES ('key-1', 'or-1', 'CGGMP21', 'secp256k1', $1, 3, 5, 'k', 'Active', 6, 7)`, []any{public.Hex()}},
				{`INSERT INTO exports (id, org, key_id, public_key, begun_at, state) VALUES ('ex-1', 'or-1', 'key-1', $1, 7, 'begun')`, []any{public.Hex()}},
				{`INSERT INTO imports (key_id, org, begun_at, state) VALUES ('key-2', 'or-1', 8, 'begun')`, nil},
			})
		})
		s := e.server(t, place)
		checkFirstAccounts(t, s)
		checkFirstAction(t, s)
		checkFirstKeys(t, s)
	})
}

func checkFirstAccounts(t *testing.T, s *Server) {
	t.Helper()
	ctx := context.Background()
	want := identity.Credential{
		ID: "cr-1", Org: "or-1", User: "us-1", Kind: identity.KeyCredential, PublicKey: "PEM", Active: true, CreatedAt: timeOf(3),
	}
	if got, err := s.Credential(ctx, "or-1", "cr-1"); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if user, err := s.User(ctx, "us-1"); err != nil || !user.May(identity.WalletsExport) {
		t.Errorf("got %+v, %v", user, err)
	}
	if org, err := s.Organisation(ctx, "or-1"); err != nil || org.Export == nil || org.Export.Reference != "addendum" {
		t.Errorf("got %+v, %v", org, err)
	}
}

func checkFirstAction(t *testing.T, s *Server) {
	t.Helper()
	if _, err := s.ActionByToken(context.Background(), [32]byte{}); !errors.Is(err, useraction.ErrNoAction) {
		t.Errorf("one that was not used has another id than its challenge's, and is not gone: %v", err)
	}
	execute(t, s.database, `UPDATE credentials SET kind = 'Fido2'`)
	by := useraction.Action{TokenHash: [32]byte{1}, Signed: useraction.Signed{
		Input: challenge.Input{Organisation: "or-1", User: "us-1"},
		Kind:  identity.Fido2Credential, Credential: "cr-1", AuthenticatorData: make([]byte, 37), ClientData: []byte{}, Signature: []byte{1},
	}}
	if err := s.AddAction(context.Background(), by); err != nil {
		t.Errorf("its counter does not begin at 0: %v", err)
	}
}

// Before actions were stored under their challenges' hashes, they had ids of their own.
func TestOfActionsFromBeforeTheirHashesUsedOnesStay(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		const lastVersion, added = 30, `INSERT INTO actions (id, label, deployment, org, user_id, nonce, issued_at, expires_at, method, path, payload_hash, payload,
			credential, credential_kind, client_data, signature, token_hash, used_at)
			VALUES ($1, 'l', 'd', 'or-1', $2, $3, 4, 5000, 'POST', '/keys/key-1/export', $3, $4, 'cr-1', 'Key', $4, $4, $5, $6)`
		zeros, text := make([]byte, 32), []byte("text")
		token := func(n byte) [32]byte { return [32]byte{n} }
		used, unused, approval := token(1), token(2), token(3)
		e.ofVersion(t, lastVersion, place, serverKind, func(tx *transaction) error {
			return execAll(tx, []statement{
				{`INSERT INTO organisations (id, name, created_at) VALUES ('or-1', 'Acme', 1)`, nil},
				{`INSERT INTO users (id, org, kind, name, active, permissions, created_at) VALUES ('us-1', 'or-1', 'ServiceAccount', 'a', TRUE, '', 2), ('us-2', 'or-1', 'ServiceAccount', 'b', TRUE, '', 2)`, nil},
				{`INSERT INTO keys (id, org, protocol, curve, public_key, min_signers, signers, name, status, created_at)
				VALUES ('key-1', 'or-1', 'CGGMP21', 'secp256k1', '02', 3, 5, 'k', 'Active', 6)`, nil},
				{added, []any{"ch-1", "us-1", zeros, []byte{}, used[:], 7}},
				{added, []any{"ch-2", "us-1", zeros, text, unused[:], nil}},
				{added, []any{"ch-3", "us-2", zeros, text, approval[:], 7}},
				{`INSERT INTO approvals (org, key_id, user_id, encryption_key, action, expires_at) VALUES ('or-1', 'key-1', 'us-2', $1, 'ch-3', 5000)`,
					[]any{strings.Repeat("0", 64)}},
			})
		})
		s := e.server(t, place)
		left, err := s.Approvals(context.Background(), transfer.Approval{Org: "or-1", Key: "key-1", User: "us-1", At: timeOf(4999)}, 9)
		if err != nil || len(left) != 1 || left[0].Payload != "text" || left[0].Input.User != "us-2" || string(left[0].Signature) != "text" {
			t.Errorf("of a valid approval: %+v, %v", left, err)
		}
		if _, err := s.ActionByToken(context.Background(), unused); !errors.Is(err, useraction.ErrNoAction) {
			t.Errorf("one that was not used: %v", err)
		}
		for _, token := range [][32]byte{used, approval} {
			a, err := s.ActionByToken(context.Background(), token)
			if err != nil || !a.Used {
				t.Errorf("one that was used: %+v, %v", a, err)
			}
			again := transfer.Import{Key: "key-2", Org: "or-1", BegunAt: start}
			if err := s.BeginImport(context.Background(), a.ID().String(), again, entry(audit.ImportBegun)); !errors.Is(err, useraction.ErrReplayed) {
				t.Errorf("used again: %v", err)
			}
		}
	})
}

func checkFirstKeys(t *testing.T, s *Server) {
	t.Helper()
	key, err := s.Key(context.Background(), "or-1", "key-1")
	if err != nil || key.MinSigners != 3 || !key.ExportedAt.Equal(timeOf(7)) {
		t.Errorf("got %+v, %v", key, err)
	}
	exports, imports, err := s.Unfinished(context.Background())
	if err != nil || len(exports) != 1 || len(imports) != 1 {
		t.Fatalf("left open: %v, %v, %v", exports, imports, err)
	}
	if _, err := s.FinishExport(context.Background(), exports[0], audit.Void, entry(audit.ExportFinished)); err != nil {
		t.Error(err)
	}
	if key, err := s.Key(context.Background(), "or-1", "key-1"); err != nil || key.Exported() {
		t.Errorf("an export that is void still counts: %+v, %v", key, err)
	}
}

func TestSignerOfTheFirstVersionGoesOn(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place, ctx := t.TempDir(), context.Background()
		ecdsa, _ := schemes(t)
		want, id := newShare(t, ecdsa, 5), signer.ID{9}
		used := node.Use{Action: [32]byte{1}, Digest: [32]byte{2}, ExpiresAt: start}
		e.first(t, place, signerKind, func(tx *transaction) error {
			public, err := publicSharesColumn(want)
			if err != nil {
				return err
			}
			return execAll(tx, []statement{
				{`INSERT INTO enrolment (id, signer) VALUES (1, $1)`, []any{id.String()}},
				{`INSERT INTO shares (key_id, org, protocol, curve, public_key, min_signers, share_index, public_shares, sealed, committed)
				VALUES ($1, $2, 'CGGMP21', 'secp256k1', $3, $4, $5, $6, $7, TRUE)`,
					[]any{want.Key, want.Org, want.PublicKey.Hex(), want.MinSigners, want.Index[:], public, want.Blob}},
				{`INSERT INTO uses (action, digest, expires_at) VALUES ($1, $2, $3)`, []any{used.Action[:], used.Digest[:], used.ExpiresAt.UnixMilli()}},
			})
		})
		s := e.signer(t, place)
		if got, err := s.Enrolled(ctx); err != nil || got != id {
			t.Errorf("enrolled %v, %v", got, err)
		}
		want.Committed = true
		got, err := s.Share(ctx, want.Org, want.Key)
		if diff := compareShares(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if err := s.UseAction(ctx, node.Use{Action: used.Action, Digest: [32]byte{3}, ExpiresAt: start}, entry(audit.ShareReleased)); !errors.Is(err, node.ErrUsed) {
			t.Errorf("an action was good twice: %v", err)
		}
		if err := s.UseAction(ctx, used, entry(audit.ShareReleased)); err != nil {
			t.Error(err)
		}
		if tree, err := s.Tree(ctx); err != nil || tree.Size() != 1 {
			t.Errorf("%d entries, %v", tree.Size(), err)
		}
	})
}
