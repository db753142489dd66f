//go:build cgo

package server_test

import (
	"context"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"keyferry/server"
	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/signer/node"
	"keyferry/server/signer/trust"
	"keyferry/server/store"
	"keyferry/test/rig"
)

// install has a root of its own sign the first document of the organisation that the
// configuration pins, and puts it in place.
func install(t *testing.T, c server.NodeConfig) trust.Signed {
	t.Helper()
	root, err := trust.NewRootKey()
	need(t, err)
	defer root.Destroy()
	text, err := root.Public().PEM()
	need(t, err)
	need(t, os.WriteFile(c.Trust.Roots[0].PublicKeyFile, text, 0o600))
	organisation := identity.Organisation{ID: identity.OrgID(c.Trust.Roots[0].Organisation), Name: "One"}
	document, err := trust.Draft(trust.Snapshot{Deployment: c.Deployment, Organisation: organisation, RelyingParty: rig.RelyingParty()}, trust.Document{}, time.Now())
	need(t, err)
	signed, err := trust.Sign(document, root)
	need(t, err)
	directory, err := trust.OpenDirectory(c.Trust.Directory)
	need(t, err)
	_, err = directory.Install(context.Background(), signed)
	need(t, err)
	return signed
}

func need(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestASignerRecordsItsStartItsTrustAndItsOperatorsFreezes(t *testing.T) {
	c, ctx := newNodeConfig(t), context.Background()
	m := prepare(t, c)
	signed := install(t, c)
	one, err := server.OpenNode(ctx, c)
	need(t, err)
	need(t, one.Close())

	office, err := server.OpenNodeOffice(ctx, c)
	need(t, err)
	scope := node.Organisation("or-one")
	need(t, office.Freeze(ctx, scope))
	need(t, office.Thaw(ctx, scope))
	need(t, office.Close())

	own, err := store.OpenSigner(ctx, store.Config{Path: c.Store})
	need(t, err)
	defer own.Close()
	got := rig.Record(t, own)
	kinds := []audit.Kind{audit.TrustChanged, audit.SignerStarted, audit.SignerFrozen, audit.SignerThawed}
	if len(got) != len(kinds) {
		t.Fatalf("recorded %+v", got)
	}
	for i, kind := range kinds {
		if got[i].Kind != kind {
			t.Errorf("entry %d is %s, not %s", i, got[i].Kind, kind)
		}
	}
	hash := signed.Hash()
	if d := got[0].Details; got[0].Org != "or-one" || d["from"] != "0" || d["to"] != "1" || d["hash"] != hex.EncodeToString(hash[:]) || d["changes"] == "" {
		t.Errorf("the change of trust was recorded as %+v", got[0])
	}
	if d := got[1].Details; d["signer"] != m.Members[0].ID.String() {
		t.Errorf("the start was recorded as %+v", got[1])
	}
	for _, e := range got[2:] {
		if !strings.HasSuffix(e.Details["scope"], "or-one") {
			t.Errorf("%s of %q", e.Kind, e.Details["scope"])
		}
	}
}
