//go:build linux && cgo

package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
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
	"keyferry/shares/manifest"
)

// A filled database has, for each key, its row, its holders and the entry about its
// import; and for each tenth one an export that was released, with the user action that
// allowed it and two entries. Keys are n·G; the holders' public shares are not theirs,
// which nobody can tell from the rows.
const (
	holdersPerKey = 3
	keysPerExport = 10
	keysPerFlush  = 1000
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
	insert      func(*table) error
}

type tables struct{ keys, holders, actions, exports, entries, nodes *table }

// all has what others refer to before what refers to it.
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

// fill adds keys to a database that has none. It does so in one transaction: keys' ids
// have no order, so that each of several would write most pages of the indexes anew.
func fill(t testing.TB, e engine, db *sql.DB, who account, tree merkle.Tree, keys int) {
	t.Helper()
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	need(t, err)
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	need(t, err)
	defer tx.Rollback() // without effect once it is committed
	f := &filling{who: who, tree: tree, tables: newTables(), insert: e.insert(conn, tx)}
	for i := range f.commitments {
		f.nextPoint()
		point, err := shares.Secp256k1.ParsePoint(f.compressed())
		need(t, err)
		f.commitments[i] = point.Uncompressed()
	}
	need(t, f.all(keys))
	_, err = tx.Exec(`UPDATE audit_state SET size = $1, edge = $2 WHERE id = 1`, f.tree.Size(), f.tree.Edge())
	need(t, err)
	need(t, tx.Commit())
}

func (f *filling) all(keys int) error {
	for n := range keys {
		if err := f.key(n); err != nil {
			return fmt.Errorf("adding key %d: %w", n, err)
		}
		if (n+1)%keysPerFlush == 0 || n+1 == keys {
			if err := f.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *filling) flush() error {
	for _, table := range f.tables.all() {
		if err := f.insert(table); err != nil {
			return err
		}
	}
	return nil
}

func (f *filling) key(n int) error {
	f.nextPoint()
	id, public := keyID(n), hex.EncodeToString(f.compressed())
	var exported any // NULL
	if n%keysPerExport == 0 {
		exported = keyMade(n + 1).UnixMilli()
	}
	f.tables.keys.add(string(id), string(f.who.org), "CGGMP21", "secp256k1", public, 2, holdersPerKey,
		fmt.Sprintf("key %d", n), string(keyring.Active), keyMade(n).UnixMilli(), exported)
	for i, commitment := range f.commitments {
		index := shares.IndexOf(i + 1)
		f.tables.holders.add(string(id), manifest.ID(hash(i)).String(), index[:], commitment)
	}
	if err := f.entry(audit.Entry{Kind: audit.ImportFinished, Key: string(id), Outcome: audit.Stored}, keyMade(n)); err != nil {
		return err
	}
	if exported == nil {
		return nil
	}
	return f.export(n, public)
}

// export adds a released export of a key, with the used action behind it.
func (f *filling) export(n int, public string) error {
	id, key, at := identity.NewID("ex"), string(keyID(n)), keyMade(n+1)
	if err := f.who.addAction(f.tables.actions, identity.NewID("ch"), at, at.UnixMilli()); err != nil {
		return err
	}
	f.tables.exports.add(id, string(f.who.org), key, public, at.UnixMilli(), string(audit.Released))
	begun := audit.Entry{Kind: audit.ExportBegun, Key: key, Export: id, Action: hex.EncodeToString(hash(n))}
	finished := begun
	finished.Kind, finished.Outcome = audit.ExportFinished, audit.Released
	return errors.Join(f.entry(begun, at), f.entry(finished, at))
}

// entry appends to the log as the store does.
func (f *filling) entry(e audit.Entry, at time.Time) error {
	e.Time, e.Org, e.User = challenge.MillisOf(at), f.who.org, f.who.user
	canonical, err := e.Canonical()
	if err != nil {
		return err
	}
	leaf := merkle.LeafHash(canonical)
	f.tables.entries.add(f.tree.Size(), canonical, leaf[:])
	for _, node := range f.tree.Append(leaf) {
		f.tables.nodes.add(node.Position, node.Hash[:])
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

// hash is some hash, the same for the same number.
func hash(n int) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("hash"), uint64(n)))
	return sum[:]
}
