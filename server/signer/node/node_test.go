//go:build cgo

package node_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyferry/hsm/hsmtest"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/store"
	"keyferry/server/useraction"
	"keyferry/shares/manifest"
	"keyferry/shares/recovery"
	"keyferry/test/rig"
)

// cluster is a rig with one account, one imported key, and a client that exports it.
type cluster struct {
	*rig.Rig
	*rig.Account
	client *recovery.Context
	key    keyring.KeyID
}

func newCluster(t testing.TB, n int) *cluster {
	t.Helper()
	return clusterOf(t, rig.New(t, n))
}

func clusterOf(t testing.TB, r *rig.Rig) *cluster {
	t.Helper()
	c := &cluster{Rig: r, Account: r.Account(t, r.Organisation(t), identity.KeysExport, identity.KeysImport)}
	c.key = c.importKey(t)
	var err error
	if c.client, err = recovery.New(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.client.Destroy)
	return c
}

func (c *cluster) importKey(t testing.TB) keyring.KeyID {
	t.Helper()
	body := c.Deal(t, rig.Scheme(t, "CGGMP21", "secp256k1"), 2, rig.Secret(t))
	commit := c.prepare(t, c.Sign(t, signer.ImportPath, body))
	for _, one := range c.Nodes {
		if err := one.Commit(context.Background(), commit); err != nil {
			t.Fatal(err)
		}
	}
	return commit.Key
}

// prepare has all signers prepare, and returns what they commit on.
func (c *cluster) prepare(t testing.TB, action useraction.Signed) signer.Commit {
	t.Helper()
	commit := signer.Commit{Org: identity.OrgID(action.Input.Organisation), Key: keyring.KeyIDFor(action.ID())}
	for _, one := range c.Nodes {
		prepared, err := one.Prepare(context.Background(), signer.Request{Action: action})
		if err != nil {
			t.Fatal(err)
		}
		commit.Receipts = append(commit.Receipts, prepared.Receipt)
	}
	return commit
}

func (c *cluster) exportBody(t testing.TB) string {
	t.Helper()
	body, err := json.Marshal(c.client.Request())
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func (c *cluster) signExport(t testing.TB) useraction.Signed {
	t.Helper()
	return c.Sign(t, "/keys/"+string(c.key)+"/export", c.exportBody(t))
}

func (c *cluster) export(action useraction.Signed) (signer.SealedShare, error) {
	return c.Nodes[0].Export(context.Background(), signer.Request{Action: action})
}

func TestExportSealsTheShareToTheSignedKey(t *testing.T) {
	c := newCluster(t, 2)
	share, err := c.export(c.signExport(t))
	if err != nil {
		t.Fatal(err)
	}
	if share.Signer != c.Nodes[0].Info().ID || len(share.Ciphertext) != 281 {
		t.Errorf("signer %v, %d bytes", share.Signer, len(share.Ciphertext))
	}
}

func TestTheSameActionSealsAnewUntilItExpires(t *testing.T) {
	c := newCluster(t, 2)
	action := c.signExport(t)
	first, err := c.export(action)
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.export(action)
	if err != nil {
		t.Fatalf("a retry: %v", err)
	}
	if string(first.Ciphertext) == string(second.Ciphertext) {
		t.Error("the same envelope was used twice")
	}
	c.Clock.Advance(time.Minute)
	if _, err := c.export(action); !errors.Is(err, signer.ErrConsent) {
		t.Errorf("after expiry: %v", err)
	}
}

// One challenge that two credentials answer is two uses.
func TestOneChallengeIsNotUsedTwice(t *testing.T) {
	c := newCluster(t, 2)
	action := c.signExport(t)
	if _, err := c.export(action); err != nil {
		t.Fatal(err)
	}
	other := action
	other.ClientData = []byte(strings.Replace(string(action.ClientData), "{", "{ ", 1))
	other.Signature = c.SignBytes(other.ClientData)
	if _, err := c.export(other); !errors.Is(err, signer.ErrReplayed) {
		t.Errorf("got %v", err)
	}
}

func TestExportRefuses(t *testing.T) {
	c := newCluster(t, 2)
	elsewhere := c.Rig.Account(t, c.Organisation(t), identity.KeysExport)
	path := "/keys/" + string(c.key) + "/export"
	for name, test := range map[string]struct {
		action func() useraction.Signed
		want   error
	}{
		"another organisation's user":    {func() useraction.Signed { return elsewhere.Sign(t, path, c.exportBody(t)) }, signer.ErrNoShare},
		"a key that is not there":        {func() useraction.Signed { return c.Sign(t, "/keys/key-x/export", c.exportBody(t)) }, signer.ErrNoShare},
		"an action about something else": {func() useraction.Signed { return c.Sign(t, "/keys/import", c.exportBody(t)) }, signer.ErrConsent},
		"an edited payload": {func() useraction.Signed {
			a := c.signExport(t)
			a.Payload = strings.Replace(a.Payload, "A", "B", 1)
			return a
		}, signer.ErrConsent},
		"an unknown credential": {func() useraction.Signed {
			a := c.signExport(t)
			a.Credential = "cr-unknown"
			return a
		}, signer.ErrConsent},
		"another user's name over one's own signature": {func() useraction.Signed {
			a := elsewhere.Sign(t, path, c.exportBody(t))
			a.Input.Organisation, a.Input.User = string(c.User.Org), string(c.User.ID)
			return a
		}, signer.ErrConsent},
		"another deployment": {func() useraction.Signed {
			a := c.signExport(t)
			a.Input.Deployment = "other"
			return a
		}, signer.ErrConsent},
	} {
		t.Run(name, func(t *testing.T) {
			if share, err := c.export(test.action()); !errors.Is(err, test.want) || share.Ciphertext != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestExportRefusesARevokedCredential(t *testing.T) {
	c := newCluster(t, 2)
	action := c.signExport(t)
	if err := c.Office.RevokeCredential(context.Background(), c.User.Org, c.Credential.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.export(action); !errors.Is(err, signer.ErrConsent) {
		t.Errorf("got %v", err)
	}
}

func TestAnUncommittedShareIsNotExported(t *testing.T) {
	c := newCluster(t, 2)
	action := c.Sign(t, signer.ImportPath, c.Deal(t, rig.Scheme(t, "FROST", "ed25519"), 2, rig.Secret(t)))
	prepared := c.prepare(t, action)
	export := c.Sign(t, "/keys/"+string(prepared.Key)+"/export", c.exportBody(t))
	if _, err := c.export(export); !errors.Is(err, signer.ErrNoShare) {
		t.Errorf("got %v", err)
	}
	again, err := c.Nodes[0].Prepare(context.Background(), signer.Request{Action: action})
	if err != nil || again.Receipt.Receipt != prepared.Receipts[0].Receipt {
		t.Errorf("preparing again: %+v, %v", again.Receipt, err)
	}
	for range 2 {
		if err := c.Nodes[0].Discard(context.Background(), prepared.Key); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Nodes[0].Commit(context.Background(), prepared); !errors.Is(err, signer.ErrNoShare) {
		t.Errorf("committing a discarded share: %v", err)
	}
}

// Whoever can write the database can move rows, and gets an error.
func TestDamagedRowsDoNotOpen(t *testing.T) {
	for name, damage := range map[string]string{
		"swapped":              `UPDATE shares SET sealed = (SELECT sealed FROM shares AS o WHERE o.key_id <> shares.key_id)`,
		"truncated":            `UPDATE shares SET sealed = substr(sealed, 1, length(sealed) - 1)`,
		"cut to nothing":       `UPDATE shares SET sealed = x''`,
		"edited":               `UPDATE shares SET sealed = substr(sealed, 1, 20) || x'00ff' || substr(sealed, 23)`,
		"of another version":   `UPDATE shares SET sealed = x'02' || substr(sealed, 2)`,
		"a lower threshold":    `UPDATE shares SET min_signers = 1`,
		"a higher threshold":   `UPDATE shares SET min_signers = 3`,
		"no threshold at all":  `UPDATE shares SET min_signers = 'two'`,
		"an edited index":      `UPDATE shares SET share_index = (SELECT x'` + strings.Repeat("00", 31) + `03')`,
		"no index":             `UPDATE shares SET share_index = x''`,
		"public shares turned": `UPDATE shares SET public_shares = substr(public_shares, 66) || substr(public_shares, 1, 65)`,
		"public shares cut":    `UPDATE shares SET public_shares = substr(public_shares, 2)`,
		"another organisation": `UPDATE shares SET org = 'or-other'`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, 2)
			c.importKey(t)
			action := c.signExport(t)
			tamper(t, filepath.Join(c.Dir, "signer-0.db"), damage)
			want := signer.ErrDamaged
			if name == "another organisation" {
				want = signer.ErrNoShare
			}
			if _, err := c.export(action); !errors.Is(err, want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func tamper(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	result, err := db.Exec(statement)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s changed %d rows, %v", statement, n, err)
	}
}

// A thief who moves a row to an organisation of his own can sign for it, but the
// token does not open it there.
func TestARowMovedToAnotherOrganisationDoesNotOpen(t *testing.T) {
	c := newCluster(t, 2)
	thief := c.Rig.Account(t, c.Organisation(t), identity.KeysExport)
	tamper(t, filepath.Join(c.Dir, "signer-0.db"), `UPDATE shares SET org = '`+string(thief.User.Org)+`'`)
	action := thief.Sign(t, "/keys/"+string(c.key)+"/export", c.exportBody(t))
	if _, err := c.export(action); !errors.Is(err, signer.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestPrepareRefusesWhatDoesNotFit(t *testing.T) {
	c := newCluster(t, 3)
	scheme := rig.Scheme(t, "CGGMP21", "secp256k1")
	good := c.Deal(t, scheme, 2, rig.Secret(t))
	for name, test := range map[string]struct {
		path, body string
		want       error
	}{
		"another path":           {"/keys/import/x", good, signer.ErrConsent},
		"a lower threshold":      {signer.ImportPath, strings.Replace(good, `"minSigners":2`, `"minSigners":3`, 1), node.ErrBadShare},
		"another curve":          {signer.ImportPath, strings.Replace(strings.Replace(good, "CGGMP21", "FROST", 1), "secp256k1", "ed25519", 1), node.ErrBadShare},
		"shares between signers": {signer.ImportPath, swapShares(t, good), node.ErrBadShare},
	} {
		t.Run(name, func(t *testing.T) {
			action := c.Sign(t, test.path, test.body)
			if _, err := c.Nodes[0].Prepare(context.Background(), signer.Request{Action: action}); !errors.Is(err, test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// swapShares gives each signer another's envelope.
func swapShares(t *testing.T, body string) string {
	t.Helper()
	var request map[string]any
	if err := json.Unmarshal([]byte(body), &request); err != nil {
		t.Fatal(err)
	}
	list := request["encryptedKeyShares"].([]any)
	first := list[0].(map[string]any)["encryptedKeyShare"]
	for i := range list {
		next := first
		if i+1 < len(list) {
			next = list[i+1].(map[string]any)["encryptedKeyShare"]
		}
		list[i].(map[string]any)["encryptedKeyShare"] = next
	}
	swapped, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return string(swapped)
}

func TestAStoreOfAnotherTokenIsRefused(t *testing.T) {
	tokens := hsmtest.Cluster(t, 2)
	own, err := store.OpenSigner(context.Background(), store.Config{Path: filepath.Join(t.TempDir(), "signer.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	config := node.Config{Deployment: "d", Token: tokens[0], Store: own, Trust: noTrust{}, Now: time.Now}
	first, err := node.New(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := node.New(context.Background(), config); err != nil || again.Info().ID != first.Info().ID {
		t.Errorf("the same parts make %v, %v", again, err)
	}
	config.Token = tokens[1]
	if _, err := node.New(context.Background(), config); err == nil {
		t.Error("took a store that belongs to another token")
	}
}

type noTrust struct{}

func (noTrust) Credential(context.Context, identity.OrgID, identity.CredentialID) (identity.Credential, error) {
	return identity.Credential{}, node.ErrNoCredential
}

func (noTrust) Rules(context.Context, identity.OrgID) (node.Rules, error) { return node.Rules{}, nil }

func TestJoinRefusesAClusterThatTheNodeIsNotPartOf(t *testing.T) {
	c, other := newCluster(t, 2), rig.New(t, 2)
	own, neighbour := c.Nodes[0].Info().Member, c.Nodes[1].Info().Member
	forged := own
	forged.EncryptionKey = neighbour.EncryptionKey
	edited := c.Manifest
	edited.Members = []manifest.Member{forged, neighbour}
	for name, cluster := range map[string]manifest.Manifest{
		"nobody":             {},
		"without itself":     {Deployment: rig.Deployment, Members: []manifest.Member{neighbour}},
		"with itself twice":  {Deployment: rig.Deployment, Members: []manifest.Member{own, own, neighbour}},
		"another deployment": {Deployment: "other", Members: c.Manifest.Members},
		"another cluster":    other.Manifest,
		"an edited manifest": edited,
	} {
		if c.Nodes[0].Join(cluster) == nil {
			t.Errorf("joined a cluster: %s", name)
		}
	}
	if err := c.Nodes[0].Join(c.Manifest); err != nil {
		t.Errorf("its own cluster: %v", err)
	}
}

func TestInfoIsSignedByTheIdentityKey(t *testing.T) {
	c := newCluster(t, 2)
	for _, one := range c.Nodes {
		if err := one.Info().Verify(rig.Deployment); err != nil {
			t.Error(err)
		}
	}
}
