package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"keyferry/server/fault"
)

// ErrUnavailable says that the database cannot be reached, or does not answer in time.
// Nothing has to be done about it here: the next call tries again. Whether a change
// that failed with it was made is not known if the connection was cut while it was
// being committed.
var ErrUnavailable = fault.New(fault.Unavailable, "store.unavailable", "the database cannot be reached: try again later")

// translate makes ErrUnavailable of the errors that mean it. The caller's own leaving
// is not the database's fault.
func (d dialect) translate(err error) error {
	switch {
	case err == nil || errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), d.unavailable(err):
		return ErrUnavailable.Because(err)
	}
	return err
}

// reader is the handle for queries. Its errors are translated.
type reader struct {
	*sql.DB
	dialect dialect
}

func (r reader) QueryRowContext(ctx context.Context, query string, args ...any) row {
	return translatedRow{r.DB.QueryRowContext(r.watched(ctx), query, args...), r.dialect}
}

func (r reader) QueryContext(ctx context.Context, query string, args ...any) (rows, error) {
	found, err := r.DB.QueryContext(r.watched(ctx), query, args...)
	if err != nil {
		return nil, r.dialect.translate(err)
	}
	return translatedRows{found, r.dialect}, nil
}

// watched returns the context that a query is to end with. Where reading takes but an
// instant it is not interrupted: to watch the context meanwhile costs as much as the query.
func (r reader) watched(ctx context.Context) context.Context {
	if r.dialect.instant && ctx.Err() == nil {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

type translatedRow struct {
	row
	dialect dialect
}

func (r translatedRow) Scan(into ...any) error { return r.dialect.translate(r.row.Scan(into...)) }

type translatedRows struct {
	rows
	dialect dialect
}

func (r translatedRows) Err() error { return r.dialect.translate(r.rows.Err()) }
