//go:build linux && cgo

package bench

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// table is rows on their way into a table of the server's database, in one transaction.
type table struct {
	name    string
	columns []string
	values  []any
	many    *sql.Stmt // of the transaction, once there is one
}

func newTable(name, columns string) *table {
	return &table{name: name, columns: strings.Fields(columns)}
}

func (t *table) add(row ...any) { t.values = append(t.values, row...) }

// rowsPerInsert is few enough for SQLite's limit of 32766 placeholders, and for its
// parser, whose work grows with their square.
const rowsPerInsert = 64

// copy has PostgreSQL take the rows that were added, in the transaction that the
// connection is in, by its own way for many.
func (t *table) copy(conn *sql.Conn) error {
	width := len(t.columns)
	rows := pgx.CopyFromSlice(len(t.values)/width, func(i int) ([]any, error) { return t.values[i*width : (i+1)*width], nil })
	err := conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(context.Background(), pgx.Identifier{t.name}, t.columns, rows)
		return err
	})
	t.values = t.values[:0]
	if err != nil {
		return fmt.Errorf("copying to %s: %w", t.name, err)
	}
	return nil
}

// flush inserts the rows that were added. Statements are prepared once, but
// for the one with the rows that are left over.
func (t *table) flush(tx *sql.Tx) error {
	for rows := range slices.Chunk(t.values, rowsPerInsert*len(t.columns)) {
		if err := t.insert(tx, rows); err != nil {
			return fmt.Errorf("filling %s: %w", t.name, err)
		}
	}
	t.values = t.values[:0]
	return nil
}

func (t *table) insert(tx *sql.Tx, rows []any) error {
	if len(rows) < rowsPerInsert*len(t.columns) {
		_, err := tx.Exec(t.text(len(rows)), rows...)
		return err
	}
	if t.many == nil {
		var err error
		if t.many, err = tx.Prepare(t.text(len(rows))); err != nil {
			return err
		}
	}
	_, err := t.many.Exec(rows...)
	return err
}

// text is the statement that inserts so many values.
func (t *table) text(values int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "INSERT INTO %s (%s) VALUES ", t.name, strings.Join(t.columns, ", "))
	for i := range values {
		switch {
		case i == 0:
			text.WriteByte('(')
		case i%len(t.columns) == 0:
			text.WriteString("), (")
		default:
			text.WriteString(", ")
		}
		fmt.Fprintf(&text, "$%d", i+1)
	}
	text.WriteByte(')')
	return text.String()
}
