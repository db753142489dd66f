package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// sqliteSession is a transaction that nobody watches. A [*sql.Tx] has a goroutine that
// waits for the end of its context, and another for each of its queries; to start them, and
// to wake processors for them, costs more than a small transaction itself. Here nothing is
// cut short anyway: each statement is done in an instant.
type sqliteSession struct {
	*sql.Conn
	answers []*sql.Rows // to all queries; the connection is not free while one is open
}

// beginSQLite begins at once as one who writes: a transaction that only finds out later
// that it must write cannot wait for another process's, it fails.
func beginSQLite(ctx context.Context, write *sql.DB) (session, error) {
	conn, err := write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		giveUp(conn)
		return nil, err
	}
	return &sqliteSession{Conn: conn}, nil
}

// giveUp closes a connection that may be in a transaction: the next one must not find itself
// in that.
func giveUp(conn *sql.Conn) {
	conn.Raw(func(any) error { return driver.ErrBadConn }) // which closes it
}

// QueryContext remembers the answer: a change that panics may leave it open.
func (s *sqliteSession) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	answer, err := s.Conn.QueryContext(ctx, query, args...)
	if err == nil {
		s.answers = append(s.answers, answer)
	}
	return answer, err
}

func (s *sqliteSession) closeAnswers() {
	for _, answer := range s.answers {
		answer.Close() // nobody reads it any more
	}
}

// Commit undoes the transaction if it fails: SQLite may leave it open.
func (s *sqliteSession) Commit() error {
	s.closeAnswers()
	if _, err := s.ExecContext(context.Background(), "COMMIT"); err != nil {
		return errors.Join(err, s.Rollback())
	}
	return s.Close()
}

// Rollback gives the connection up where the transaction cannot be undone, mostly since
// SQLite has done so by itself.
func (s *sqliteSession) Rollback() error {
	s.closeAnswers()
	if _, err := s.ExecContext(context.Background(), "ROLLBACK"); err != nil {
		giveUp(s.Conn)
		return err
	}
	return s.Close()
}
