// Package store keeps the state of API servers and signers in SQL databases. It
// does SQL only: what is stored, and what a change means, is said by the packages
// whose interfaces it implements.
//
//	Server   accounts, credentials, tokens, user actions, keys, the journal of
//	         exports and imports, the audit log
//	Signer   one signer's sealed shares and used actions
//
// Reading order: database.go and migrate.go open one; sqlite*.go and postgres*.go are all
// that is a product's own; unavailable.go tells trouble that passes from trouble that
// stays; writer.go, batch.go and transaction.go let callers share durable commits;
// audit.go and audit_hashes.go keep the audit log; every other file is one concept with
// its SQL.
//
// The SQL is one text for SQLite and PostgreSQL: placeholders $1, $2, … that first
// appear in this order (SQLite numbers them so), milliseconds as BIGINT, ids made by
// the program. A change is one compare-and-swap statement and never a read followed
// by a write, except where what was read cannot change, or is read in the transaction that
// writes, which has the database for itself. What is done often has no RETURNING, for which
// SQLite makes a table each time. A change and its audit entry are one transaction. Rows
// are parsed strictly when they are read: one that does not parse is an error that names it.
//
// Nothing stored here is secret: shares come sealed by a token, and of access and
// user action tokens there are records and hashes, not the tokens.
package store

import (
	"context"
	"time"

	"keyferry/server/admin"
	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
)

// Config says where a database is.
type Config struct {
	// Path of an SQLite file, which is made if it is missing, readable by its owner
	// only; or URL of a PostgreSQL database (postgres://…), where the schema that
	// search_path names is made if it is missing. See postgres_url.go.
	Path string
	Now  func() time.Time // dates what has no date of its own; time.Now if nil
}

// Server is the database of an API server. It is safe for concurrent use, also by
// several processes: what matters is decided by the database. What a method
// acknowledged is on disk.
type Server struct {
	*database
	auditLog
	now func() time.Time

	// What embedded signers ask for.
	credentials   shared[credentialName, identity.Credential]
	organisations shared[identity.OrgID, identity.Organisation]
}

var (
	_ identity.Accounts      = (*Server)(nil)
	_ useraction.Actions     = (*Server)(nil)
	_ useraction.Credentials = (*Server)(nil)
	_ transfer.Journal       = (*Server)(nil)
	_ audit.Log              = (*Server)(nil)
	_ admin.Registry         = (*Server)(nil)
)

// OpenServer opens the database, making and migrating it as needed. It refuses one
// of a newer version with [ErrNewer], and a signer's with [ErrKind].
func OpenServer(ctx context.Context, c Config) (*Server, error) {
	db, err := open(ctx, c.Path, serverKind)
	if err != nil {
		return nil, err
	}
	now := c.Now
	if now == nil {
		now = time.Now
	}
	return &Server{database: db, auditLog: auditLog{db.readers}, now: now}, nil
}

// record makes a change and appends the entry about it, in one transaction.
func (s *Server) record(ctx context.Context, entry audit.Entry, change change) error {
	return s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if err := change(ctx, tx); err != nil {
			return err
		}
		return tx.record(entry)
	})
}
