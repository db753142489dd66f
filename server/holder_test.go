//go:build cgo

package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"keyferry/hsm"
	"keyferry/hsm/fitness"
	"keyferry/hsm/hsmtest"
	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/test/rig"
)

// holdersMigration has a signer on NSS, whose token cannot import, among two on SoftHSM.
func holdersMigration(t *testing.T) *migration {
	t.Helper()
	r := rig.NewWithTokens(t, hsmtest.NSSToken(t), hsmtest.Token(t), hsmtest.Token(t))
	return &migration{Rig: r, Account: r.Account(t, r.Organisation(t), identity.Permissions()...), format: PlainShares, lines: make([][]string, 3)}
}

func TestSignerOnNSSHoldsAndExportsWhatItsOperatorBrings(t *testing.T) {
	m := holdersMigration(t)
	for _, scheme := range shares.Schemes() {
		m.deal(t, scheme)
	}
	receipts := m.ingestAll(t)
	if adopted, _, err := m.adopt(m.User.Org, receipts); err != nil || adopted != len(m.secrets) {
		t.Fatalf("adopted %d: %v", adopted, err)
	}
	service := m.Service(t)
	if err := service.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	// Two of three make a key: without the last one, the holder's share is needed.
	if err := m.Stores[2].Freeze(context.Background(), node.Freeze{Scope: node.Everything(), Since: m.Clock.Now()},
		audit.Entry{Time: challenge.MillisOf(m.Clock.Now()), Kind: audit.SignerFrozen}); err != nil {
		t.Fatal(err)
	}
	for i, secret := range m.secrets {
		m.recovers(t, service, receipts[i], secret)
	}
}

func TestClusterWithAHolderRefusesImportsInWords(t *testing.T) {
	m := holdersMigration(t)
	if m.Manifest.Imports() {
		t.Fatal("the manifest says that all signers import")
	}
	var plan []dealer.Signer
	for _, member := range m.Manifest.Members {
		plan = append(plan, dealer.Signer{SignerID: member.ID.String(), EncryptionKey: member.JSON().EncryptionKey})
	}
	scheme := rig.Scheme(t, "CGGMP21", "secp256k1")
	_, err := dealer.Deal(dealer.Plan{Scheme: scheme, MinSigners: 2, Signers: plan}, rig.Secret(t))
	if !errors.Is(err, dealer.ErrSigners) || !strings.Contains(err.Error(), "takes in no imports") {
		t.Errorf("the dealer: %v", err)
	}
	body := m.dealToAnyone(t, scheme)
	if _, err := m.Service(t).Import(context.Background(), m.Prove(t, "/keys/import", body)); !errors.Is(err, signer.ErrNoImport) {
		t.Errorf("the server: %v", err)
	}
	for i, one := range m.Nodes {
		_, err := one.Prepare(context.Background(), signer.Request{Action: m.Sign(t, "/keys/import", body)})
		if !errors.Is(err, signer.ErrNoImport) {
			t.Errorf("signer %d: %v", i, err)
		}
	}
}

// dealToAnyone seals all shares to the last signer's key and another's: a client that does
// not look at what it is told.
func (m *migration) dealToAnyone(t *testing.T, scheme shares.Scheme) string {
	t.Helper()
	spare := hsmtest.Cluster(t, len(m.Manifest.Members))
	other := rig.NewWithTokens(t, spare...)
	plan := dealer.Plan{Scheme: scheme, MinSigners: 2}
	for i, member := range m.Manifest.Members {
		plan.Signers = append(plan.Signers, dealer.Signer{SignerID: member.ID.String(), EncryptionKey: other.Manifest.Members[i].EncryptionKey.String()})
	}
	request, err := dealer.Deal(plan, rig.Secret(t))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestSignerWhoseImportKeyWasLostDoesNotStart(t *testing.T) {
	token := hsmtest.NSSToken(t)
	log := slog.New(slog.DiscardHandler)
	if err := fit(t.Context(), token, log); err != nil {
		t.Errorf("on a token that cannot import: %v", err)
	}
	able := &fitness.Report{}
	if err := importsAsItCan(able, token, log); !errors.Is(err, hsm.ErrNotInitialised) {
		t.Errorf("on a token that can: %v", err)
	}
}
