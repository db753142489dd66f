package store

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"keyferry/server/fault"
)

// Another process keeps SQLite's file to itself.
func TestBusySQLiteIsUnavailableAndHeals(t *testing.T) {
	folder := t.TempDir()
	s, other := sqliteServer(t, folder), sqliteServer(t, folder)
	execute(t, s.database, `PRAGMA busy_timeout = 50`)
	tx, err := other.writes.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := appendOne(s); !errors.Is(err, ErrUnavailable) || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("told %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := appendOne(s); err != nil {
		t.Errorf("it does not heal: %v", err)
	}
}

func TestFullSQLiteIsUnavailable(t *testing.T) {
	s := sqliteServer(t, t.TempDir())
	pages := count(t, s.database, `PRAGMA page_count`)
	execute(t, s.database, `CREATE TABLE filler (f BLOB)`)
	if _, err := s.writes.Exec(`PRAGMA max_page_count = ` + strconv.Itoa(pages+2)); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 100 {
		if err = appendOne(s); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("told %v", err)
	}
	verifiedArchive(t, s) // and what is there is whole
}

func TestCallersOwnLeavingIsNotTheDatabasesFault(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.server(t, t.TempDir())
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := s.Organisations(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
			t.Errorf("told %v", err)
		}
		if _, err := s.Organisation(ctx, "or-1"); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
			t.Errorf("told %v", err)
		}
		if err := s.write(ctx, note(1)); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
			t.Errorf("told %v", err)
		}
	})
}

func TestAnswerThatComesTooLateIsTheDatabasesFault(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.server(t, t.TempDir())
		ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
		defer cancel()
		if _, err := s.Organisations(ctx); !errors.Is(err, ErrUnavailable) {
			t.Errorf("told %v", err)
		}
	})
}
