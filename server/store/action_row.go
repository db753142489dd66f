package store

import (
	"database/sql"
	"errors"
	"fmt"

	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/useraction"
)

const actionColumns = `id, label, deployment, org, user_id, nonce, issued_at, expires_at, method, path, payload_hash, payload,
	credential, credential_kind, client_data, authenticator_data, signature, token_hash, used_at`

// actionRow is an action as its columns have it.
type actionRow struct {
	action             useraction.Action
	nonce, payloadHash []byte
	payload            []byte
	credential         sql.Null[identity.CredentialID]
	credentialKind     sql.Null[identity.CredentialKind]
	clientData         []byte
	authenticatorData  []byte
	signature          []byte
	tokenHash          []byte
	used               sql.Null[int64]
}

func scanAction(from row) (useraction.Action, error) {
	var r actionRow
	a, in := &r.action, &r.action.Input
	err := from.Scan(&a.ID, &in.Label, &in.Deployment, &in.Organisation, &in.User, &r.nonce, &in.IssuedAt, &in.ExpiresAt,
		&in.Method, &in.Path, &r.payloadHash, &r.payload,
		&r.credential, &r.credentialKind, &r.clientData, &r.authenticatorData, &r.signature, &r.tokenHash, &r.used)
	if err != nil {
		return useraction.Action{}, err
	}
	if err := r.parse(); err != nil {
		return useraction.Action{}, fmt.Errorf("action %s: %w", a.ID, err)
	}
	return r.action, nil
}

func (r *actionRow) parse() error {
	in := &r.action.Input
	nonce, err := bytes32("nonce", r.nonce)
	if err != nil {
		return err
	}
	hash, err := bytes32("payload_hash", r.payloadHash)
	if err != nil {
		return err
	}
	in.Nonce, in.PayloadHash = challenge.Bytes(nonce), challenge.Bytes(hash)
	r.action.Payload, r.action.Used = string(r.payload), r.used.Valid
	if r.tokenHash == nil {
		return nil
	}
	return r.parseAssertion()
}

func (r *actionRow) parseAssertion() error {
	hash, err := bytes32("token_hash", r.tokenHash)
	if err != nil {
		return err
	}
	if !r.credential.Valid || !r.credentialKind.Valid {
		return errors.New("it has a token and no credential")
	}
	r.action.Signed = &useraction.Assertion{
		Credential: r.credential.V, Kind: r.credentialKind.V,
		ClientData: r.clientData, AuthenticatorData: r.authenticatorData, Signature: r.signature, TokenHash: hash,
	}
	return nil
}
