//go:build linux && cgo

package bench

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"keyferry/server/audit"
	"keyferry/server/audit/merkle"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/shares"
)

// A filled database has, for each key, its row, its holders and the entry about its
// import; and for each tenth one an export that was released, with the user action that
// allowed it and two entries. Keys are n·G; the holders' public shares are not theirs,
// which nobody can tell from the rows.
const (
	holdersPerKey  = 3
	keysPerExport  = 10
	keysPerFilling = 10_000 // in one transaction
)

// firstKey is when the first key was made; the others follow, one a second.
var firstKey = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func keyID(n int) keyring.KeyID {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return keyring.KeyID(identity.DeriveID("key", [16]byte(sum[:16])))
}

func keyMade(n int) time.Time { return firstKey.Add(time.Duration(n) * time.Second) }

// filling is a database while it is filled, past the store but for how the audit log
// grows.
type filling struct {
	who         account
	point       secp256k1.JacobianPoint // the last key
	commitments [holdersPerKey][]byte
	tree        merkle.Tree
	tables      tables
}

type tables struct{ keys, holders, actions, exports, entries, nodes *table }

func (t tables) all() []*table {
	return []*table{t.keys, t.holders, t.actions, t.exports, t.entries, t.nodes}
}

func newTables() tables {
	return tables{
		keys:    newTable("keys", "id org protocol curve public_key min_signers signers name status created_at exported_at"),
		holders: newTable("holders", "key_id signer share_index commitment"),
		actions: newTable("actions", "id label deployment org user_id nonce issued_at expires_at method path payload_hash payload credential credential_kind client_data signature token_hash used_at"),
		exports: newTable("exports", "id org key_id public_key begun_at state"),
		entries: newTable("audit_log", "seq entry leaf_hash"),
		nodes:   newTable("audit_nodes", "position hash"),
	}
}

// fill adds keys to a database that has none, in a few large transactions.
func fill(t testing.TB, db *sql.DB, who account, tree merkle.Tree, keys int) {
	t.Helper()
	f := &filling{who: who, tree: tree, tables: newTables()}
	for i := range f.commitments {
		f.nextPoint()
		point, err := shares.Secp256k1.ParsePoint(f.compressed())
		need(t, err)
		f.commitments[i] = point.Uncompressed()
	}
	for n := 0; n < keys; n += keysPerFilling {
		tx, err := db.Begin()
		need(t, err)
		if err := f.some(tx, n, min(n+keysPerFilling, keys)); err != nil {
			tx.Rollback()
			t.Fatal(err)
		}
		need(t, tx.Commit())
	}
}

func (f *filling) some(tx *sql.Tx, from, to int) error {
	for n := from; n < to; n++ {
		if err := f.key(tx, n); err != nil {
			return fmt.Errorf("adding key %d: %w", n, err)
		}
	}
	for _, table := range f.tables.all() {
		if err := table.flush(tx); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`UPDATE audit_state SET size = $1, edge = $2 WHERE id = 1`, f.tree.Size(), f.tree.Edge())
	return err
}

func (f *filling) key(tx *sql.Tx, n int) error {
	f.nextPoint()
	id, public := keyID(n), hex.EncodeToString(f.compressed())
	var exported any // NULL
	if n%keysPerExport == 0 {
		exported = keyMade(n + 1).UnixMilli()
	}
	err := f.tables.keys.add(tx, string(id), string(f.who.org), "CGGMP21", "secp256k1", public, 2, holdersPerKey,
		fmt.Sprintf("key %d", n), string(keyring.Active), keyMade(n).UnixMilli(), exported)
	if err != nil {
		return err
	}
	for i, commitment := range f.commitments {
		index := shares.IndexOf(i + 1)
		if err := f.tables.holders.add(tx, string(id), hex.EncodeToString(hash(i)), index[:], commitment); err != nil {
			return err
		}
	}
	if err := f.entry(tx, audit.Entry{Kind: audit.ImportFinished, Key: string(id), Outcome: audit.Stored}, keyMade(n)); err != nil {
		return err
	}
	if exported == nil {
		return nil
	}
	return f.export(tx, n, public)
}

// export adds a released export of a key, with the used action behind it.
func (f *filling) export(tx *sql.Tx, n int, public string) error {
	id, at := identity.NewID("ex"), keyMade(n+1)
	action := identity.NewID("ch")
	if err := f.who.addAction(tx, f.tables.actions, action, at, at.UnixMilli()); err != nil {
		return err
	}
	if err := f.tables.exports.add(tx, id, string(f.who.org), string(keyID(n)), public, at.UnixMilli(), string(audit.Released)); err != nil {
		return err
	}
	for _, e := range []audit.Entry{{Kind: audit.ExportBegun}, {Kind: audit.ExportFinished, Outcome: audit.Released}} {
		e.Key, e.Export, e.Action = string(keyID(n)), id, hex.EncodeToString(hash(n))
		if err := f.entry(tx, e, at); err != nil {
			return err
		}
	}
	return nil
}

// entry appends to the log as the store does.
func (f *filling) entry(tx *sql.Tx, e audit.Entry, at time.Time) error {
	e.Time, e.Org, e.User = challenge.MillisOf(at), f.who.org, f.who.user
	canonical, err := e.Canonical()
	if err != nil {
		return err
	}
	leaf := merkle.LeafHash(canonical)
	if err := f.tables.entries.add(tx, f.tree.Size(), canonical, leaf[:]); err != nil {
		return err
	}
	for _, node := range f.tree.Append(leaf) {
		if err := f.tables.nodes.add(tx, node.Position, node.Hash[:]); err != nil {
			return err
		}
	}
	return nil
}

func (f *filling) nextPoint() {
	var g secp256k1.JacobianPoint
	secp256k1.ScalarBaseMultNonConst(new(secp256k1.ModNScalar).SetInt(1), &g)
	secp256k1.AddNonConst(&f.point, &g, &f.point)
	f.point.ToAffine()
}

func (f *filling) compressed() []byte {
	return secp256k1.NewPublicKey(&f.point.X, &f.point.Y).SerializeCompressed()
}

func hash(n int) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("hash"), uint64(n)))
	return sum[:]
}
