package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// Rows are inserted many at a time, since each statement is a way to the database and
// back. The sizes are few, so that drivers keep all statements prepared.
const (
	largeBulk = 64
	smallBulk = 8
)

// insertAll runs an INSERT for many rows. Its text is that for one row, and ends in the
// placeholders, which are numbered from $1 on without a gap.
func insertAll(ctx context.Context, tx *transaction, insert string, rows [][]any) error {
	for len(rows) > 0 {
		n := 1
		switch {
		case len(rows) >= largeBulk:
			n = largeBulk
		case len(rows) >= smallBulk:
			n = smallBulk
		}
		if _, err := tx.ExecContext(ctx, widen(insert, n, len(rows[0])), slices.Concat(rows[:n]...)...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// widen makes an INSERT of one row one of several.
func widen(insert string, rows, columns int) string {
	if rows == 1 {
		return insert
	}
	text := strings.Builder{}
	text.WriteString(insert)
	for placeholder := columns + 1; placeholder <= rows*columns; placeholder++ {
		switch {
		case placeholder%columns == 1 || columns == 1:
			text.WriteString(", ($")
		default:
			text.WriteString(", $")
		}
		text.WriteString(strconv.Itoa(placeholder))
		if placeholder%columns == 0 {
			text.WriteByte(')')
		}
	}
	return text.String()
}
