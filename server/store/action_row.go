package store

import (
	"fmt"

	"keyferry/server/useraction"
)

const actionColumns = `id, label, deployment, org, user_id, nonce, issued_at, expires_at, method, path, payload_hash, payload,
	credential, credential_kind, client_data, authenticator_data, signature, token_hash, used_at IS NOT NULL`

// actionRow is an action as its columns have it.
type actionRow struct {
	action                        useraction.Action
	id                            string
	nonce, payloadHash, tokenHash []byte
}

func scanAction(from row) (useraction.Action, error) {
	var r actionRow
	a, in := &r.action, &r.action.Input
	err := from.Scan(&r.id, &in.Label, &in.Deployment, &in.Organisation, &in.User, &r.nonce, &in.IssuedAt, &in.ExpiresAt,
		&in.Method, &in.Path, &r.payloadHash, &a.Payload,
		&a.Credential, &a.Kind, &a.ClientData, &a.AuthenticatorData, &a.Signature, &r.tokenHash, &a.Used)
	if err != nil {
		return useraction.Action{}, err
	}
	if err := r.parse(); err != nil {
		return useraction.Action{}, fmt.Errorf("action %s: %w", r.id, err)
	}
	return r.action, nil
}

func (r *actionRow) parse() error {
	in := &r.action.Input
	for _, column := range []struct {
		name string
		from []byte
		into *[32]byte
	}{
		{"nonce", r.nonce, (*[32]byte)(&in.Nonce)},
		{"payload_hash", r.payloadHash, (*[32]byte)(&in.PayloadHash)},
		{"token_hash", r.tokenHash, &r.action.TokenHash},
	} {
		var err error
		if *column.into, err = bytes32(column.name, column.from); err != nil {
			return err
		}
	}
	return nil
}
