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
	tx       *sql.Tx
	jobs     []job
	outcomes []error // of the jobs
	kept     int     // how many of them succeeded
	broken   error   // why nothing of the batch can be kept
}

func beginBatch(db *sql.DB) (*batch, error) {
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return nil, fmt.Errorf("beginning transaction: %w", err)
	}
	return &batch{tx: tx}, nil
}

func (b *batch) takesMore() bool { return b.broken == nil && len(b.jobs) < maxBatch }

// add makes a change.
func (b *batch) add(j job) {
	b.exec("SAVEPOINT change")
	var outcome error
	if b.broken == nil {
		outcome = attempt(j, b.tx)
	}
	if outcome != nil {
		b.exec("ROLLBACK TO SAVEPOINT change")
	} else {
		b.kept++
	}
	b.exec("RELEASE SAVEPOINT change")
	b.jobs, b.outcomes = append(b.jobs, j), append(b.outcomes, outcome)
}

// exec sets broken where savepoints do not work, which is how it shows that the
// database gave the whole transaction up (as SQLite does when the disk is full).
// Going on would be worse than useless: the statements would be outside of any
// transaction.
func (b *batch) exec(statement string) {
	if b.broken != nil {
		return
	}
	if _, err := b.tx.Exec(statement); err != nil {
		b.broken = fmt.Errorf("%s: %w", statement, err)
	}
}

// attempt turns a panic into an error: the writer works for others too.
func attempt(j job, tx *sql.Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a database change: %v\n%s", p, debug.Stack())
		}
	}()
	return j.change(j.ctx, tx)
}

// end commits the batch, and only then answers. If it cannot be committed, that is
// everybody's answer, also for those whose change failed: it may have failed because
// of a change that is undone now. It reports whether there was a commit.
func (b *batch) end() bool {
	err := b.broken
	committed := false
	if err != nil || b.kept == 0 {
		b.tx.Rollback() // there is nothing to keep, and nothing to be done if it fails
	} else if err = b.tx.Commit(); err == nil {
		committed = true
	}
	for i, j := range b.jobs {
		if err != nil {
			j.answer <- fmt.Errorf("committing: %w", err)
		} else {
			j.answer <- b.outcomes[i]
		}
	}
	return committed
}
