//go:build linux && cgo

package bench

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/store"
)

// account is whose keys they are: an organisation with one user, who has one credential.
type account struct {
	org        identity.OrgID
	user       identity.UserID
	credential identity.CredentialID
}

func newAccount(t testing.TB, s *store.Server) account {
	t.Helper()
	a := account{
		org: identity.OrgID(identity.NewID("or")), user: identity.UserID(identity.NewID("us")),
		credential: identity.CredentialID(identity.NewID("cr")),
	}
	ctx := context.Background()
	need(t, s.AddOrganisation(ctx, identity.Organisation{ID: a.org, Name: "Acme", CreatedAt: firstKey}, entry(audit.OrganisationMade)))
	need(t, s.AddUser(ctx, identity.User{
		ID: a.user, Org: a.org, Kind: identity.ServiceAccount, Name: "robot", Active: true,
		Permissions: identity.Permissions(), CreatedAt: firstKey,
	}, entry(audit.UserMade)))
	need(t, s.AddCredential(ctx, identity.Credential{
		ID: a.credential, Org: a.org, User: a.user, Kind: identity.KeyCredential, PublicKey: "PEM", Active: true, CreatedAt: firstKey,
	}, entry(audit.CredentialAdded)))
	return a
}

func entry(kind audit.Kind) audit.Entry {
	return audit.Entry{Time: challenge.MillisOf(firstKey), Kind: kind}
}

// addAction adds a signed action of the account's. used is when it was used, or nil.
func (a account) addAction(actions *table, id string, at time.Time, used any) error {
	request := challenge.Request{Method: "POST", Path: "/wallets/export", Payload: "{}"}
	in, err := challenge.New("test", string(a.org), string(a.user), request, at, time.Minute)
	if err != nil {
		return err
	}
	payload := []byte(request.Payload)
	if used != nil { // the store keeps none of a used action
		payload = []byte{}
	}
	token := sha256.Sum256([]byte(id))
	actions.add(id, in.Label, in.Deployment, in.Organisation, in.User, in.Nonce[:], int64(in.IssuedAt), int64(in.ExpiresAt),
		in.Method, in.Path, in.PayloadHash[:], payload,
		string(a.credential), string(identity.KeyCredential), []byte(`{"type":"key.get"}`), []byte{1, 2, 3}, token[:], used)
	return nil
}
