package store

import (
	"database/sql"
	"fmt"
	"time"

	"keyferry/shares"
)

// Times stand in columns as milliseconds since 1970 UTC.

func timeOf(milliseconds int64) time.Time { return time.UnixMilli(milliseconds).UTC() }

// nullableMillis is NULL for the zero time.
func nullableMillis(t time.Time) sql.Null[int64] {
	return sql.Null[int64]{V: t.UnixMilli(), Valid: !t.IsZero()}
}

// nullableTime is the zero time for NULL.
func nullableTime(column sql.Null[int64]) time.Time {
	if !column.Valid {
		return time.Time{}
	}
	return timeOf(column.V)
}

// bytes32 reads a column that holds exactly 32 bytes.
func bytes32(column string, value []byte) ([32]byte, error) {
	if len(value) != 32 {
		return [32]byte{}, fmt.Errorf("column %s has %d bytes in place of 32", column, len(value))
	}
	return [32]byte(value), nil
}

// parseScheme reads a scheme in the one spelling that is written: aliases are for
// requests.
func parseScheme(protocol, curve string) (shares.Scheme, error) {
	scheme, err := shares.ParseScheme(protocol, curve)
	if err == nil && scheme.Protocol() != protocol {
		err = fmt.Errorf("%w: protocol %.32q is not its stored name", shares.ErrScheme, protocol)
	}
	return scheme, err
}

// checkPublicKey keeps out what could not be read again.
func checkPublicKey(scheme shares.Scheme, key shares.Point) error {
	if scheme.IsZero() || key.IsZero() || key.Curve() != scheme.Curve() {
		return fmt.Errorf("%w: a key needs a scheme and a public key on its curve", shares.ErrScheme)
	}
	return nil
}
