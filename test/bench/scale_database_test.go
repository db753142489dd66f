//go:build linux && cgo

package bench

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"math/rand/v2"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/audit/merkle"
	"keyferry/server/identity"
	"keyferry/server/store"
	"keyferry/server/transfer"
)

// filled is a server's database with many keys, and what does to it what a server does.
type filled struct {
	*store.Server
	account
	engine engine
	folder string
	past   *sql.DB // beside the store
	log    merkle.Log
	keys   int
}

// newFilled makes the database of a new folder.
func newFilled(t testing.TB, e engine, keys int) *filled {
	t.Helper()
	f := &filled{engine: e, folder: t.TempDir(), keys: keys}
	f.Server = e.open(t, f.folder)
	t.Cleanup(func() { f.Close() })
	f.account, f.past = newAccount(t, f.Server), e.past(t, f.folder)
	tree, err := f.Tree(context.Background())
	need(t, err)
	f.execute(t, e.hurry)
	fill(t, e, f.past, f.account, tree, keys)
	f.execute(t, e.settle)
	signer, err := merkle.NewSigner(merkle.Origin("test", "server"), ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	need(t, err)
	f.log = merkle.Log{Store: f.Server, Signer: signer}
	return f
}

func (f *filled) execute(t testing.TB, statements []string) {
	t.Helper()
	for _, statement := range statements {
		_, err := f.past.Exec(statement)
		need(t, err)
	}
}

// warm reads the whole database once, so that the machine has it in memory when reading
// is measured: what a disk takes is not the program's doing, and would hit whichever
// database was not in use for a while.
func (f *filled) warm(t testing.TB) {
	t.Helper()
	need(t, f.engine.warm(f.past, f.engine.at(t, f.folder)))
}

// actions adds signed actions that nobody has used, and returns their ids.
func (f *filled) actions(n int) ([]string, error) {
	tx, err := f.past.Begin()
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // without effect once it is committed
	table := newTables().actions
	ids := make([]string, n)
	for i := range ids {
		ids[i] = identity.NewID("ch")
		if err := f.addAction(table, ids[i], keyMade(f.keys), nil); err != nil {
			return nil, err
		}
	}
	if err := table.flush(tx); err != nil {
		return nil, err
	}
	return ids, tx.Commit()
}

func (f *filled) newExport() transfer.Export {
	return transfer.Export{ID: identity.NewID("ex"), Org: f.org, Key: keyID(rand.N(f.keys)), BegunAt: time.Now()}
}

// getKey reads what an export reads of a key.
func (f *filled) getKey() error {
	ctx := context.Background()
	key, err := f.Key(ctx, f.org, keyID(rand.N(f.keys)))
	if err != nil {
		return err
	}
	_, err = f.Holders(ctx, key)
	return err
}

func (f *filled) list(behind transfer.Cursor) error {
	_, err := f.Keys(context.Background(), f.org, behind, transfer.DefaultPage+1)
	return err
}

func (f *filled) listFirst() error { return f.list(transfer.Cursor{}) }

func (f *filled) listMiddle() error {
	middle := f.keys / 2
	return f.list(transfer.Cursor{CreatedAt: keyMade(middle), Key: keyID(middle)})
}

// export is the journal's part of an export.
func (f *filled) export(action string) error {
	ctx, e := context.Background(), f.newExport()
	if err := f.BeginExport(ctx, action, e, entry(audit.ExportBegun)); err != nil {
		return err
	}
	_, err := f.FinishExport(ctx, e, audit.Released, entry(audit.ExportFinished))
	return err
}

func (f *filled) append() error {
	return f.Append(context.Background(), entry(audit.RequestRefused))
}

func (f *filled) prove() error {
	tree, err := f.Tree(context.Background())
	if err != nil {
		return err
	}
	_, err = f.log.ProveInclusion(context.Background(), rand.N(tree.Size()))
	return err
}
