package store

import (
	"context"
	"database/sql"
	"fmt"
	"runtime/debug"
)

// batch is one transaction with the changes of several callers. Each change has a
// savepoint of its own, so that one that fails leaves the others alone.
type batch struct {
	db       *sql.DB
	dialect  dialect
	ctx      context.Context // of the transaction
	cancel   context.CancelFunc
	tx       *transaction // nil if it could not begin
	jobs     []job
	outcomes []error // of the jobs
	kept     int     // how many of them succeeded
	broken   error   // why nothing of the batch can be kept
}

func beginBatch(db *sql.DB, d dialect) *batch {
	b := &batch{db: db, dialect: d, ctx: context.Background(), cancel: func() {}}
	if d.patience > 0 {
		b.ctx, b.cancel = context.WithTimeout(b.ctx, d.patience)
	}
	b.tx, b.broken = b.begin()
	return b
}

func (b *batch) begin() (*transaction, error) {
	tx, err := b.dialect.begin(b.ctx, b.db)
	if err != nil {
		return nil, fmt.Errorf("beginning transaction: %w", err)
	}
	return &transaction{session: tx}, nil
}

// again repeats the batch in a new transaction.
func (b *batch) again() *batch {
	next := beginBatch(b.db, b.dialect)
	for _, j := range b.jobs {
		next.add(j)
	}
	return next
}

// takesMore is true also for a batch that could not begin: whoever waits would meet
// the same trouble, but later.
func (b *batch) takesMore() bool {
	return len(b.jobs) < maxBatch && (b.broken == nil || b.tx == nil)
}

// add makes a change, unless the batch is broken.
func (b *batch) add(j job) {
	if len(b.jobs) == 0 {
		b.exec("SAVEPOINT change")
	} else { // one way to the database in place of two
		b.exec("RELEASE SAVEPOINT change; SAVEPOINT change")
	}
	var outcome error
	if b.broken == nil {
		outcome = b.try(j)
	}
	if outcome == nil {
		b.kept++
	}
	b.jobs, b.outcomes = append(b.jobs, j), append(b.outcomes, outcome)
}

// try makes a change and undoes it if it fails, with the entries that it recorded.
func (b *batch) try(j job) error {
	recorded := len(b.tx.entries)
	err := attempt(b.ctx, j.change, b.tx)
	if err == nil {
		return nil
	}
	if b.dialect.conflict(err) { // to be undone as a whole, and repeated
		b.broken = err
	}
	b.exec("ROLLBACK TO SAVEPOINT change")
	b.tx.entries = b.tx.entries[:recorded]
	return err
}

// exec sets broken where savepoints do not work, which is how it shows that the
// database gave the whole transaction up (as SQLite does when the disk is full), or is
// gone. Going on would be worse than useless: the statements would be outside of any
// transaction.
func (b *batch) exec(statement string) {
	if b.broken != nil {
		return
	}
	if _, err := b.tx.ExecContext(b.ctx, statement); err != nil {
		b.broken = fmt.Errorf("%s: %w", statement, err)
	}
}

// attempt turns a panic into an error: the writer works for others too.
func attempt(ctx context.Context, change change, tx *transaction) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a database change: %v\n%s", p, debug.Stack())
		}
	}()
	return change(ctx, tx)
}

// end appends what the changes recorded to the audit log and commits the batch. After
// an error nothing of it is left; only where the connection was lost during the commit
// it is not known.
func (b *batch) end() error {
	defer b.cancel()
	if b.kept > 0 {
		b.exec("RELEASE SAVEPOINT change")
	}
	if b.broken == nil && b.kept > 0 {
		if b.broken = b.tx.appendEntries(b.ctx); b.broken == nil {
			return b.tx.Commit()
		}
	}
	if b.tx != nil {
		b.tx.Rollback() // there is nothing to keep, and nothing to be done if it fails
	}
	return b.broken
}

// answer tells everybody his outcome. An error of the batch is that of all, also of
// those whose change failed: it may have failed because of a change that is undone now.
func (b *batch) answer(err error) {
	for i, j := range b.jobs {
		if err != nil {
			j.answer <- fmt.Errorf("committing: %w", err)
		} else {
			j.answer <- b.outcomes[i]
		}
	}
}
