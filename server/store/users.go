package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"keyferry/server/admin"
	"keyferry/server/audit"
	"keyferry/server/identity"
)

const userColumns = `users.id, users.org, users.kind, users.name, users.active, users.permissions, users.created_at`

// userRow is a user as its columns have it.
type userRow struct {
	user        identity.User
	permissions string
	created     int64
}

// into returns where to scan userColumns to.
func (r *userRow) into() []any {
	u := &r.user
	return []any{&u.ID, &u.Org, &u.Kind, &u.Name, &u.Active, &r.permissions, &r.created}
}

// parse refuses kinds and permissions that this version does not know.
func (r *userRow) parse() (identity.User, error) {
	u := r.user
	if !slices.Contains([]identity.UserKind{identity.ServiceAccount, identity.Employee, identity.EndUser}, u.Kind) {
		return identity.User{}, fmt.Errorf("user %s has the unknown kind %q", u.ID, u.Kind)
	}
	for text := range strings.FieldsSeq(r.permissions) {
		p := identity.Permission(text)
		if !slices.Contains(identity.Permissions(), p) {
			return identity.User{}, fmt.Errorf("user %s has the unknown permission %q", u.ID, p)
		}
		u.Permissions = append(u.Permissions, p)
	}
	u.CreatedAt = timeOf(r.created)
	return u, nil
}

func scanUser(r row) (identity.User, error) {
	var columns userRow
	if err := r.Scan(columns.into()...); err != nil {
		return identity.User{}, err
	}
	return columns.parse()
}

// permissionsColumn writes permissions, in whose names there is no space, with
// spaces between them.
func permissionsColumn(permissions []identity.Permission) string {
	texts := make([]string, len(permissions))
	for i, p := range permissions {
		texts[i] = string(p)
	}
	return strings.Join(texts, " ")
}

// Users implements [admin.Registry], oldest first.
func (s *Server) Users(ctx context.Context, org identity.OrgID) ([]identity.User, error) {
	rows, err := s.readers.QueryContext(ctx, `SELECT `+userColumns+` FROM users WHERE org = $1 ORDER BY created_at, id`, org)
	list, err := scanAll(rows, err, scanUser)
	if err != nil {
		return nil, fmt.Errorf("listing users of %s: %w", org, err)
	}
	return list, nil
}

// User implements [admin.Registry].
func (s *Server) User(ctx context.Context, id identity.UserID) (identity.User, error) {
	u, err := scanUser(s.readers.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users WHERE id = $1`, id))
	if err != nil {
		return identity.User{}, fmt.Errorf("reading user %s: %w", id, orNone(err, admin.ErrNotFound))
	}
	return u, nil
}

// AddUser implements [admin.Registry]; an organisation that is missing is
// [admin.ErrNotFound].
func (s *Server) AddUser(ctx context.Context, u identity.User, entry audit.Entry) error {
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		if err := requireOrganisation(ctx, tx, u.Org); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO users (id, org, kind, name, active, permissions, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			u.ID, u.Org, u.Kind, u.Name, u.Active, permissionsColumn(u.Permissions), u.CreatedAt.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("adding user %s: %w", u.ID, err)
	}
	return nil
}

// UpdateUser implements [admin.Registry]; a user that is missing counts as changed.
func (s *Server) UpdateUser(ctx context.Context, was, is identity.User, entry audit.Entry) error {
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		return changeOne(ctx, tx, admin.ErrChanged, `
			UPDATE users SET active = $1, permissions = $2
			WHERE org = $3 AND id = $4 AND active = $5 AND permissions = $6`,
			is.Active, permissionsColumn(is.Permissions), was.Org, was.ID, was.Active, permissionsColumn(was.Permissions))
	})
	if err != nil {
		return fmt.Errorf("changing user %s: %w", was.ID, err)
	}
	return nil
}

// requireUser returns admin.ErrNotFound for a user that is not the organisation's.
// It may be asked before a change, since users are never removed.
func requireUser(ctx context.Context, tx *transaction, org identity.OrgID, id identity.UserID) error {
	query := tx.QueryRowContext(ctx, `SELECT id FROM users WHERE org = $1 AND id = $2`, org, id)
	return orNone(query.Scan(&id), admin.ErrNotFound)
}
