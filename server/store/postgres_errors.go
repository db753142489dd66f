package store

import (
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
)

// sqlState returns the code that PostgreSQL gave an error ("PostgreSQL Error Codes"),
// five letters, or nothing.
func sqlState(err error) string {
	if trouble, ok := errors.AsType[*pgconn.PgError](err); ok && len(trouble.Code) == 5 {
		return trouble.Code
	}
	return ""
}

const uniqueViolation = "23505"

// postgresConflict is true for a transaction that was undone for another's sake.
func postgresConflict(err error) bool {
	switch sqlState(err) {
	case "40001", // serialization failure
		"40P01": // deadlock detected
		return true
	}
	return false
}

// postgresUnavailable is true for what passes by itself, or is somebody's work at this
// moment. A conflict is part of it: one that is left was repeated in vain.
func postgresUnavailable(err error) bool {
	state := sqlState(err)
	if state == "" {
		return lostConnection(err)
	}
	switch state[:2] {
	case "08", // connection
		"53", // resources: disk, memory, connections
		"58": // its files: an error of the disk
		return true
	}
	switch state {
	case "25006", // read only: a standby, or one that became one
		"42501",                   // not permitted: also what a disk says that became read-only
		"25P03",                   // idle in transaction for too long
		"55P03",                   // lock not available: another process writes for too long
		"57P01", "57P02", "57P03": // shutting down, crashed, starting up
		return true
	}
	return postgresConflict(err)
}

func lostConnection(err error) bool {
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	return connecting || network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}
