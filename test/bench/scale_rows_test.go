//go:build linux && cgo

package bench

import (
	"database/sql"
	"fmt"
	"strings"
)

// table is rows on their way into a table of the server's database.
type table struct {
	name    string
	columns []string
	values  []any
}

func newTable(name, columns string) *table {
	return &table{name: name, columns: strings.Fields(columns)}
}

func (t *table) add(row ...any) { t.values = append(t.values, row...) }

// flush inserts the rows that were added, in one statement: not more than 32766 values
// (SQLite's limit).
func (t *table) flush(tx *sql.Tx) error {
	if len(t.values) == 0 {
		return nil
	}
	_, err := tx.Exec(t.insert(), t.values...)
	t.values = t.values[:0]
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
