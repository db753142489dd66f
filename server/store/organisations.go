package store

import (
	"context"
	"database/sql"
	"fmt"

	"keyferry/server/admin"
	"keyferry/server/audit"
	"keyferry/server/identity"
)

const organisationColumns = `id, name, created_at, export_reference, export_activated_at`

func scanOrganisation(r row) (identity.Organisation, error) {
	var (
		o         identity.Organisation
		created   int64
		reference sql.Null[string]
		activated sql.Null[int64]
	)
	if err := r.Scan(&o.ID, &o.Name, &created, &reference, &activated); err != nil {
		return identity.Organisation{}, err
	}
	if reference.Valid != activated.Valid {
		return identity.Organisation{}, fmt.Errorf("organisation %s is half activated", o.ID)
	}
	if reference.Valid {
		o.Export = &identity.Activation{Reference: reference.V, At: timeOf(activated.V)}
	}
	o.CreatedAt = timeOf(created)
	return o, nil
}

// Organisations implements [admin.Registry], oldest first.
func (s *Server) Organisations(ctx context.Context) ([]identity.Organisation, error) {
	rows, err := s.readers.QueryContext(ctx, `SELECT `+organisationColumns+` FROM organisations ORDER BY created_at, id`)
	list, err := scanAll(rows, err, scanOrganisation)
	if err != nil {
		return nil, fmt.Errorf("listing organisations: %w", err)
	}
	return list, nil
}

// Organisation implements [transfer.Journal]; the error for one that is missing
// wraps [admin.ErrNotFound].
func (s *Server) Organisation(ctx context.Context, id identity.OrgID) (identity.Organisation, error) {
	o, err := scanOrganisation(s.readers.QueryRowContext(ctx, `SELECT `+organisationColumns+` FROM organisations WHERE id = $1`, id))
	if err != nil {
		return identity.Organisation{}, fmt.Errorf("reading organisation %s: %w", id, orNone(err, admin.ErrNotFound))
	}
	return o, nil
}

// AddOrganisation implements [admin.Registry].
func (s *Server) AddOrganisation(ctx context.Context, o identity.Organisation, entry audit.Entry) error {
	reference, activated := activationColumns(o.Export)
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO organisations (id, name, created_at, export_reference, export_activated_at)
			VALUES ($1, $2, $3, $4, $5)`, o.ID, o.Name, o.CreatedAt.UnixMilli(), reference, activated)
		return err
	})
	if err != nil {
		return fmt.Errorf("adding organisation %s: %w", o.ID, err)
	}
	return nil
}

// SetActivation implements [admin.Registry].
func (s *Server) SetActivation(ctx context.Context, id identity.OrgID, activation *identity.Activation, entry audit.Entry) error {
	reference, activated := activationColumns(activation)
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		return changeOne(ctx, tx, admin.ErrNotFound, `
			UPDATE organisations SET export_reference = $1, export_activated_at = $2 WHERE id = $3`, reference, activated, id)
	})
	if err != nil {
		return fmt.Errorf("changing the activation of organisation %s: %w", id, err)
	}
	return nil
}

func activationColumns(a *identity.Activation) (reference sql.Null[string], at sql.Null[int64]) {
	if a == nil {
		return reference, at
	}
	return sql.Null[string]{V: a.Reference, Valid: true}, sql.Null[int64]{V: a.At.UnixMilli(), Valid: true}
}

// requireOrganisation returns admin.ErrNotFound for an organisation that is not
// there. It may be asked before a change, since organisations are never removed.
func requireOrganisation(ctx context.Context, tx *transaction, id identity.OrgID) error {
	return orNone(tx.QueryRowContext(ctx, `SELECT id FROM organisations WHERE id = $1`, id).Scan(&id), admin.ErrNotFound)
}
