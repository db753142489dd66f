//go:build linux && cgo

package bench

import (
	"database/sql"
	"fmt"
	"strings"
)

// rowsPerInsert is how many rows go into a table at once. A row has 18 columns at most,
// and a statement 32766 placeholders in SQLite.
const rowsPerInsert = 256

// table is rows on their way into a table of the server's database.
type table struct {
	name    string
	columns []string
	rows    int
	values  []any
}

func newTable(name, columns string) *table { return &table{name: name, columns: strings.Fields(columns)} }

func (t *table) add(tx *sql.Tx, row ...any) error {
	if len(row) != len(t.columns) {
		return fmt.Errorf("%d values for the %d columns of %s", len(row), len(t.columns), t.name)
	}
	t.rows, t.values = t.rows+1, append(t.values, row...)
	if t.rows < rowsPerInsert {
		return nil
	}
	return t.flush(tx)
}

func (t *table) flush(tx *sql.Tx) error {
	if t.rows == 0 {
		return nil
	}
	_, err := tx.Exec(t.insert(), t.values...)
	t.rows, t.values = 0, t.values[:0]
	if err != nil {
		return fmt.Errorf("filling %s: %w", t.name, err)
	}
	return nil
}

func (t *table) insert() string {
	var text strings.Builder
	fmt.Fprintf(&text, "INSERT INTO %s (%s) VALUES ", t.name, strings.Join(t.columns, ", "))
	for i := range t.values {
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
