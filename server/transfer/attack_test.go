//go:build cgo

package transfer_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
	"keyferry/test/rig"
)

// A customer of the same deployment who got hold of another's import request, from a
// copy of the database, say, must not have the key filed under his own name: he could
// export it then.
func TestImportRefusesEnvelopesOfAnotherOrganisation(t *testing.T) {
	for name, change := range map[string]func(envelope []byte){
		"as they are":                  func([]byte) {},
		"with the parity turned round": func(envelope []byte) { envelope[len(envelope)-33] ^= 0x01 },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			body := o.Deal(t, o.scheme, 2, rig.Secret(t))
			if _, err := o.service.Import(context.Background(), o.Prove(t, signer.ImportPath, body)); err != nil {
				t.Fatal(err)
			}
			thief := o.Rig.Account(t, o.Organisation(t), identity.Permissions()...)
			stolen := thief.Prove(t, signer.ImportPath, changeEnvelopes(t, body, change))
			_, err := o.service.Import(context.Background(), stolen)
			if !errors.Is(err, node.ErrForeignEnvelope) || fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %v", err)
			}
			page, err := o.service.Keys(context.Background(), thief.Principal(t), transfer.Cursor{}, 10)
			if err != nil || len(page.Keys) > 0 {
				t.Errorf("the thief has %d keys, %v", len(page.Keys), err)
			}
			if e := o.record(t, audit.ImportAbandoned); len(e) != 1 || e[0].Reason != "import.envelope-foreign" {
				t.Errorf("recorded %+v", e)
			}
		})
	}
}

func changeEnvelopes(t *testing.T, body string, change func(envelope []byte)) string {
	t.Helper()
	var request map[string]any
	if err := json.Unmarshal([]byte(body), &request); err != nil {
		t.Fatal(err)
	}
	for _, entry := range request["encryptedKeyShares"].([]any) {
		share := entry.(map[string]any)
		envelope, err := base64.StdEncoding.DecodeString(share["encryptedKeyShare"].(string))
		if err != nil {
			t.Fatal(err)
		}
		change(envelope)
		share["encryptedKeyShare"] = base64.StdEncoding.EncodeToString(envelope)
	}
	changed, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return string(changed)
}

// A client that failed may sign again for the shares that it dealt before.
func TestImportTakesTheSameEnvelopesAgainFromTheirOrganisation(t *testing.T) {
	o := newOffice(t)
	body := o.Deal(t, o.scheme, 2, rig.Secret(t))
	broken := o.with(t, faulty{prepare: func(context.Context, signer.Request) (signer.Prepared, error) { return signer.Prepared{}, errBroken }})
	if _, err := broken.Import(context.Background(), o.Prove(t, signer.ImportPath, body)); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	if _, err := o.service.Import(context.Background(), o.Prove(t, signer.ImportPath, body)); err != nil {
		t.Errorf("the second attempt: %v", err)
	}
}

// What signers release follows from what was signed. The journal must not be told of
// another key than they are.
func TestExportRefusesAnotherKeyThanTheSignedOne(t *testing.T) {
	o := newOffice(t)
	signed, named := o.mustImport(t), o.mustImport(t)
	exported, err := o.service.Export(context.Background(), o.proveExport(t, o.Account, signed.ID), named.ID)
	if !errors.Is(err, useraction.ErrOtherRequest) || exported.Shares != nil {
		t.Errorf("got %v and %d shares", err, len(exported.Shares))
	}
	if len(o.record(t, audit.ExportBegun)) > 0 {
		t.Error("an export was begun")
	}
}

// Signers that use up their time must not take that of the journal with them. Whether
// they released anything nobody knows; so the key counts as exported.
func TestExportThatTimedOutIsClosed(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	var signers []signer.Signer
	for _, s := range o.Signers {
		signers = append(signers, faulty{Signer: s, export: silent})
	}
	_, err := o.export(t, o.hasty(t, signers...), key.ID)
	if fault.KindOf(err) != fault.Unavailable || !audit.IsRecorded(err) {
		t.Errorf("got %v", err)
	}
	if !o.key(t, key.ID).Exported() {
		t.Error("the key does not count as exported")
	}
	if e := o.record(t, audit.ExportFinished); len(e) != 1 || e[0].Outcome != audit.Failed || e[0].Reason != "export.quorum" {
		t.Errorf("recorded %+v", e)
	}
}

// silent gives its answer when nobody waits for it any more.
func silent(ctx context.Context, _ signer.Request) (signer.SealedShare, error) {
	<-ctx.Done()
	return signer.SealedShare{}, ctx.Err()
}

func TestImportForWhichSignersTookAllTheTimeIsFinished(t *testing.T) {
	o := newOffice(t)
	late := faulty{Signer: o.Signers[0], commit: func(ctx context.Context, c signer.Commit) error {
		err := o.Signers[0].Commit(ctx, c)
		<-ctx.Done()
		return err
	}}
	key, err := o.importKey(t, o.hasty(t, late, o.Signers[1], o.Signers[2]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.export(t, o.service, key.ID); err != nil {
		t.Errorf("the key that was imported: %v", err)
	}
}

// hasty returns a service that gives its signers little time, but enough on a busy machine.
func (o *office) hasty(t *testing.T, signers ...signer.Signer) *transfer.Service {
	t.Helper()
	service, err := transfer.New(transfer.Config{
		Journal: o.Store, Manifest: o.Manifest, Signers: signers, Timeout: 3 * time.Second, Now: o.Clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// One signer's bug is not the end of everybody's requests.
func TestASignerThatPanicsFailsAlone(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	var log strings.Builder
	service := o.with(t, faulty{export: func(context.Context, signer.Request) (signer.SealedShare, error) { panic("a bug") }})
	service.Log = slog.New(slog.NewTextHandler(&log, nil))
	exported, err := o.export(t, service, key.ID)
	if err != nil || len(exported.Shares) != 2 || !strings.Contains(log.String(), "TestASignerThatPanicsFailsAlone") {
		t.Errorf("got %d shares, %v; logged %s", len(exported.Shares), err, log.String())
	}
	if e := o.record(t, audit.ExportFinished); len(e) != 1 || e[0].Outcome != audit.Released {
		t.Errorf("recorded %+v", e)
	}
}

// The caller's key is there, as the journal says: that signers lost their shares is the
// service's own trouble, and not a key that was not found.
func TestSharesThatSignersLostAreNotAKeyThatIsNotThere(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	for i := range 2 {
		o.tamper(t, i, `DELETE FROM shares`)
	}
	_, err := o.export(t, o.service, key.ID)
	if !errors.Is(err, signer.ErrNoShare) || fault.KindOf(err) != fault.Internal {
		t.Errorf("got %v", err)
	}
	if e := o.record(t, audit.ExportFinished); len(e) != 1 || e[0].Reason != signer.ErrNoShare.Reason {
		t.Errorf("recorded %+v", e)
	}
}

// tamper changes a signer's database as somebody with access to its file.
func (o *office) tamper(t *testing.T, at int, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(o.Dir, "signer-"+strconv.Itoa(at)+".db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// mixEnvelopes gives the first signer the envelope of another dealing.
func mixEnvelopes(t *testing.T, body, other string) string {
	t.Helper()
	var request, from map[string]any
	if err := errors.Join(json.Unmarshal([]byte(body), &request), json.Unmarshal([]byte(other), &from)); err != nil {
		t.Fatal(err)
	}
	request["encryptedKeyShares"].([]any)[0] = from["encryptedKeyShares"].([]any)[0]
	mixed, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return string(mixed)
}
