package store

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
	"keyferry/shares"
)

// office is a server database with one organisation that has one user, who has one
// credential.
type office struct {
	*Server
	t          *testing.T
	org        identity.OrgID
	user       identity.UserID
	credential identity.CredentialID
	clock      time.Time // moves on with everything that is done
}

func newOffice(t *testing.T, e engine) *office { return officeIn(t, e.server(t, t.TempDir())) }

func officeIn(t *testing.T, s *Server) *office {
	t.Helper()
	o := &office{
		Server: s, t: t, org: identity.OrgID(identity.NewID("or")), user: identity.UserID(identity.NewID("us")),
		credential: identity.CredentialID(identity.NewID("cr")), clock: start,
	}
	ctx := context.Background()
	o.must(s.AddOrganisation(ctx, identity.Organisation{ID: o.org, Name: "Acme", CreatedAt: start}, entry(audit.OrganisationMade)))
	o.must(s.AddUser(ctx, identity.User{
		ID: o.user, Org: o.org, Kind: identity.ServiceAccount, Name: "robot", Active: true,
		Permissions: identity.Permissions(), CreatedAt: start,
	}, entry(audit.UserMade)))
	o.must(s.AddCredential(ctx, identity.Credential{
		ID: o.credential, Org: o.org, User: o.user, Kind: identity.KeyCredential, PublicKey: "PEM", Active: true, CreatedAt: start,
	}, entry(audit.CredentialAdded)))
	return o
}

func entry(kind audit.Kind) audit.Entry {
	return audit.Entry{Time: challenge.MillisOf(start), Kind: kind}
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) tick() time.Time {
	o.clock = o.clock.Add(time.Second)
	return o.clock
}

// action returns an action that the office's user signed, and nobody has stored.
func (o *office) action(payload string) useraction.Action {
	o.t.Helper()
	request := challenge.Request{Method: "POST", Path: "/keys/import", Payload: payload}
	input, err := challenge.New("test", string(o.org), string(o.user), request, o.tick(), time.Minute)
	o.must(err)
	return useraction.Action{TokenHash: sha256.Sum256(input.Nonce[:]), Signed: useraction.Signed{
		Input: input, Payload: payload, Credential: o.credential, Kind: identity.KeyCredential,
		ClientData: []byte(`{"type":"key.get"}`), Signature: []byte{1, 2, 3},
	}}
}

// stored returns an action by its id, or useraction.ErrNoAction.
func (o *office) stored(id string) (useraction.Action, error) {
	a, err := scanAction(o.readers.QueryRowContext(context.Background(), `SELECT `+actionColumns+` FROM actions WHERE id = $1`, id))
	return a, orNone(err, useraction.ErrNoAction)
}

// signed stores an action that was signed and not used, and returns its id.
func (o *office) signed() string {
	o.t.Helper()
	a := o.action("{}")
	o.must(o.AddAction(context.Background(), a))
	return a.ID().String()
}

// importKey takes a key in the way that transfer does.
func (o *office) importKey(scheme shares.Scheme, public shares.Point) keyring.Key {
	o.t.Helper()
	key := o.newKey(scheme, public)
	o.must(o.BeginImport(context.Background(), o.signed(), transfer.Import{Key: key.ID, Org: o.org, BegunAt: key.CreatedAt}, entry(audit.ImportBegun)))
	o.must(o.FinishImport(context.Background(), o.imported(key), entry(audit.ImportFinished)))
	return key
}

// sampleKey takes a key of secp256k1. Each number is another public key.
func (o *office) sampleKey(number byte) keyring.Key {
	o.t.Helper()
	ecdsa, _ := schemes(o.t)
	return o.importKey(ecdsa, point(o.t, ecdsa.Curve(), number))
}

// archivedKey is the same of a key that is not active any more.
func (o *office) archivedKey(number byte) keyring.Key {
	o.t.Helper()
	key := o.sampleKey(number)
	execute(o.t, o.database, `UPDATE keys SET status = 'Archived' WHERE id = $1`, key.ID)
	return key
}

// imported is a key with a holder and a receipt for each of its shares. The same key has
// the same ones.
func (o *office) imported(key keyring.Key) transfer.Imported {
	o.t.Helper()
	i := transfer.Imported{Key: key}
	for n := range key.Signers {
		id := signer.ID{byte(n)}
		i.Holders = append(i.Holders, keyring.Holder{
			Signer: id, Index: shares.IndexOf(n + 1), Commitment: point(o.t, key.Scheme.Curve(), byte(n+1)),
		})
		i.Receipts = append(i.Receipts, signer.SignedReceipt{Signer: id, Signature: []byte{byte(n), 255}, Receipt: signer.Receipt{
			Deployment: "test", Organisation: o.org, Key: key.ID, Action: [32]byte{1}, VectorHash: [32]byte{2},
		}})
	}
	return i
}

func (o *office) newKey(scheme shares.Scheme, public shares.Point) keyring.Key {
	return keyring.Key{
		ID: keyring.KeyID(identity.NewID("key")), Org: o.org, Scheme: scheme, PublicKey: public,
		MinSigners: 3, Signers: 5, Name: "cold", Status: keyring.Active, CreatedAt: o.tick(),
	}
}

func (o *office) export(key keyring.Key) transfer.Export {
	return transfer.Export{ID: identity.NewID("ex"), Org: o.org, Key: key.ID, BegunAt: o.tick()}
}

func (o *office) begin(key keyring.Key) transfer.Export {
	o.t.Helper()
	e := o.export(key)
	o.must(o.BeginExport(context.Background(), o.signed(), e, entry(audit.ExportBegun)))
	return e
}

func (o *office) finish(e transfer.Export, outcome audit.Outcome) {
	o.t.Helper()
	_, err := o.FinishExport(context.Background(), e, outcome, entry(audit.ExportFinished))
	o.must(err)
}

// exportedAt returns when the key was first exported, as the database has it now.
func (o *office) exportedAt(key keyring.Key) time.Time {
	o.t.Helper()
	found, err := o.Key(context.Background(), o.org, key.ID)
	o.must(err)
	return found.ExportedAt
}

// recorded returns how many entries of a kind the log has.
func (o *office) recorded(kind audit.Kind) int {
	o.t.Helper()
	n := 0
	for _, e := range verifiedLog(o.t, o.Server) {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func schemes(t *testing.T) (ecdsa, eddsa shares.Scheme) {
	t.Helper()
	ecdsa, err := shares.ParseScheme("CGGMP21", "secp256k1")
	if err != nil {
		t.Fatal(err)
	}
	eddsa, err = shares.ParseScheme("FROST", "ed25519")
	if err != nil {
		t.Fatal(err)
	}
	return ecdsa, eddsa
}
