//go:build cgo

package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/transfer"
	"keyferry/shares"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
	"keyferry/test/rig"
)

// migration is a running cluster's keys on their way to a rig's signers. The first
// signer has the last index, and so on: a cluster elsewhere does not number its signers
// as a manifest orders them.
type migration struct {
	*rig.Rig
	*rig.Account
	secrets []*locked.Buffer
	lines   [][]string // of each signer, one for each key
	format  IngestFormat

	withoutChainCodes bool
}

func newMigration(t *testing.T, keys int) *migration {
	t.Helper()
	r := rig.New(t, 3)
	m := &migration{Rig: r, Account: r.Account(t, r.Organisation(t), identity.Permissions()...), lines: make([][]string, 3), format: PlainShares}
	schemes := shares.Schemes()
	for i := range keys {
		m.deal(t, schemes[i%len(schemes)])
	}
	return m
}

func (m *migration) deal(t *testing.T, scheme shares.Scheme) {
	t.Helper()
	secret, err := locked.New(32)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(secret.Destroy)
	rand.Read(secret.Bytes())
	secret.Bytes()[0] = 0 // below every curve's order
	dealing, err := shares.Split(scheme.Curve(), secret, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer dealing.Destroy()
	m.secrets = append(m.secrets, secret)
	for i := range m.lines {
		m.lines[i] = append(m.lines[i], rig.IngestLine(t, string(m.User.Org), scheme, 2, dealing, 3-i))
	}
}

// ingest feeds one signer, until so many are in.
func (m *migration) ingest(t *testing.T, at, until int, lines ...string) (IngestProgress, []signer.Ingested, error) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var written bytes.Buffer
	progress, err := Ingest{
		Organisation: m.User.Org, Format: m.format, WithoutChainCodes: m.withoutChainCodes, Shares: strings.NewReader(strings.Join(lines, "\n")), Receipts: &written,
		Progress: func(p IngestProgress) {
			if p.Done == until {
				stop()
			}
		},
	}.Into(ctx, m.Nodes[at])
	var receipts []signer.Ingested
	for text := range bytes.Lines(written.Bytes()) {
		receipt, err := signer.ParseIngested(text)
		if err != nil {
			t.Fatal(err)
		}
		receipts = append(receipts, receipt)
	}
	return progress, receipts, err
}

// ingestAll feeds all signers and returns all receipts, signer by signer.
func (m *migration) ingestAll(t *testing.T) []signer.Ingested {
	t.Helper()
	var all []signer.Ingested
	for i := range m.Nodes {
		_, receipts, err := m.ingest(t, i, -1, m.lines[i]...)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, receipts...)
	}
	return all
}

func (m *migration) adopt(org identity.OrgID, receipts []signer.Ingested) (adopted, known int, err error) {
	return transfer.Adoption{Register: m.Store, Manifest: m.Manifest, Now: m.Clock.Now}.Adopt(context.Background(), org, receipts)
}

// recovers exports a key and compares it with the one that was dealt.
func (m *migration) recovers(t *testing.T, service *transfer.Service, receipt signer.Ingested, secret *locked.Buffer) {
	t.Helper()
	key := receipt.Receipt.Key
	recovered := m.Recover(t, service, key, receipt.Scheme, recovery.Options{})
	defer recovered.Destroy()
	if !bytes.Equal(recovered.Secret.Bytes(), secret.Bytes()) || len(recovered.Bad) > 0 {
		t.Errorf("%s: another key came back", key)
	}
}

func ingestSize() int {
	if os.Getenv("KEYFERRY_TORTURE") != "" {
		return 1000
	}
	return 60
}

func TestIngestStoppedHalfWayIsRepeatedAndAllKeysAreExported(t *testing.T) {
	size := ingestSize()
	m := newMigration(t, size)
	for i := range m.Nodes {
		progress, _, err := m.ingest(t, i, size/2, m.lines[i]...)
		if !errors.Is(err, context.Canceled) || progress.New != size/2 {
			t.Fatalf("signer %d was not stopped half-way: %+v, %v", i, progress, err)
		}
	}
	var receipts []signer.Ingested
	for i := range m.Nodes {
		progress, own, err := m.ingest(t, i, -1, m.lines[i]...)
		if err != nil || progress.Done != size || progress.New != size-size/2 {
			t.Fatalf("signer %d: %+v, %v", i, progress, err)
		}
		receipts = append(receipts, own...)
	}
	if adopted, known, err := m.adopt(m.User.Org, receipts); err != nil || adopted != size || known != 0 {
		t.Fatalf("adopted %d, known %d: %v", adopted, known, err)
	}
	if adopted, known, err := m.adopt(m.User.Org, receipts); err != nil || adopted != 0 || known != size {
		t.Errorf("adopted again: %d, known %d: %v", adopted, known, err)
	}
	service := m.Service(t)
	if err := service.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	for i, secret := range m.secrets {
		m.recovers(t, service, receipts[i], secret)
	}
	if left, err := m.Store.Uncommitted(context.Background()); err != nil || len(left) > 0 {
		t.Errorf("%d keys are uncommitted: %v", len(left), err)
	}
}

func TestIngestedSharesAndAdoptedKeysAreRecorded(t *testing.T) {
	m := newMigration(t, 1)
	receipts := m.ingestAll(t)
	if _, _, err := m.adopt(m.User.Org, receipts); err != nil {
		t.Fatal(err)
	}
	key := string(receipts[0].Receipt.Key)
	for i, own := range m.Stores {
		if got := rig.Record(t, own); len(got) != 1 || got[0].Kind != audit.ShareIngested || got[0].Org != m.User.Org || got[0].Key != key {
			t.Errorf("signer %d recorded %+v", i, got)
		}
	}
	entries := rig.Record(t, m.Store)
	last := entries[len(entries)-1]
	adopted, err := m.Store.Key(context.Background(), m.User.Org, receipts[0].Receipt.Key)
	if err != nil {
		t.Fatal(err)
	}
	if last.Kind != audit.KeyAdopted || last.Org != m.User.Org || last.Key != key || last.Outcome != audit.Stored ||
		last.Details["publicKey"] != adopted.PublicKey.Hex() {
		t.Errorf("the server recorded %+v", last)
	}
}

func TestIngestedShareIsNotExportableBeforeItIsAdopted(t *testing.T) {
	m := newMigration(t, 1)
	receipts := m.ingestAll(t)
	key := receipts[0].Receipt.Key
	if err := m.Service(t).Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	for i, own := range m.Stores {
		share, err := own.Share(context.Background(), m.User.Org, key)
		if err != nil || share.Committed {
			t.Errorf("signer %d: committed %v, %v", i, share.Committed, err)
		}
	}
	commit := signer.Commit{Org: m.User.Org, Key: key, Receipts: []signer.SignedReceipt{receipts[0].Receipt, receipts[1].Receipt}}
	if err := m.Nodes[0].Commit(context.Background(), commit); !errors.Is(err, signer.ErrReceipts) {
		t.Errorf("committed on the receipts of two of three: %v", err)
	}
}

func TestIngestRefusesAWrongShareAndKeepsNothingOfIt(t *testing.T) {
	m := newMigration(t, 1)
	good := m.lines[0][0]
	for name, wrong := range map[string]string{
		"a duplicate member":      strings.Replace(good, `"version":1`, `"version":1,"version":1`, 1),
		"a missing member":        strings.Replace(good, `"index":3,`, ``, 1),
		"another's index":         strings.Replace(good, `"index":3`, `"index":2`, 1),
		"an index beyond the end": strings.Replace(good, `"index":3`, `"index":4`, 1),
		"another threshold":       strings.Replace(good, `"minSigners":2`, `"minSigners":3`, 1),
		"another organisation":    strings.Replace(good, string(m.User.Org), "or-another", 1),
		"another curve":           strings.Replace(good, `"secp256k1"`, `"stark"`, 1),
		"an unknown protocol":     strings.Replace(good, `CGGMP21`, `GG18`, 1),
		"a share of zero":         zeroSecret(good),
		"too few public shares":   good[:strings.LastIndex(good, `,"secretShare"`)] + `}`,
		"a line without end":      strings.Repeat(" ", maxIngestLine+1),
	} {
		if wrong == good {
			t.Fatalf("%s: nothing is wrong", name)
		}
		progress, receipts, err := m.ingest(t, 0, -1, wrong)
		if err == nil || !strings.HasPrefix(err.Error(), "line 1: ") || progress.Done != 0 || len(receipts) > 0 {
			t.Errorf("%s: %+v, %d receipts, %v", name, progress, len(receipts), err)
		}
	}
	if progress, _, err := m.ingest(t, 0, -1, good); err != nil || progress.New != 1 {
		t.Errorf("the good one: %+v, %v", progress, err)
	}
}

func zeroSecret(line string) string {
	at := strings.Index(line, `"secretShare":"`) + len(`"secretShare":"`)
	return line[:at] + strings.Repeat("0", 64) + line[at+64:]
}

// A second sharing of the same key is another vector under the same key id.
func TestIngestRefusesAnotherSharingOfAKeyThatIsThere(t *testing.T) {
	m := newMigration(t, 1)
	dealing, err := shares.Split(shares.Schemes()[0].Curve(), m.secrets[0], 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer dealing.Destroy()
	again := rig.IngestLine(t, string(m.User.Org), shares.Schemes()[0], 2, dealing, 3)
	progress, receipts, err := m.ingest(t, 0, -1, m.lines[0][0], again)
	if !errors.Is(err, node.ErrOtherShare) || progress.Done != 1 || len(receipts) != 1 {
		t.Errorf("%+v, %d receipts, %v", progress, len(receipts), err)
	}
	if _, _, err := m.ingest(t, 0, -1, m.lines[1][0]); !errors.Is(err, node.ErrOtherShare) {
		t.Errorf("another signer's share of the same vector: %v", err)
	}
}

// A share that its operator discarded, since it did not open any more, comes back as the
// committed share that it was, and no other one does.
func TestIngestBringsADiscardedShareBack(t *testing.T) {
	ctx := context.Background()
	m := newMigration(t, 2)
	receipts := m.ingestAll(t)
	if _, _, err := m.adopt(m.User.Org, receipts); err != nil {
		t.Fatal(err)
	}
	service := m.Service(t)
	if err := service.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	key := receipts[0].Receipt.Key
	store := m.Stores[0]
	share, err := store.Share(ctx, m.User.Org, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.DiscardDamaged(ctx, node.Discarded{ShareName: node.ShareName{Org: m.User.Org, Key: key}, Reason: "lost"}, share); err != nil {
		t.Fatal(err)
	}
	dealing, err := shares.Split(shares.Schemes()[0].Curve(), m.secrets[0], 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer dealing.Destroy()
	again := rig.IngestLine(t, string(m.User.Org), shares.Schemes()[0], 2, dealing, 3)
	if _, _, err := m.ingest(t, 0, -1, again); !errors.Is(err, node.ErrOtherShare) {
		t.Errorf("another sharing of the key: %v", err)
	}
	if progress, _, err := m.ingest(t, 0, -1, m.lines[0][0]); err != nil || progress.New != 1 {
		t.Errorf("%+v, %v", progress, err)
	}
	if back, err := store.Share(ctx, m.User.Org, key); err != nil || !back.Committed {
		t.Errorf("committed %v, %v", back.Committed, err)
	}
	m.recovers(t, service, receipts[0], m.secrets[0])
}

func TestAdoptRefusesReceiptsThatDoNotMakeAKey(t *testing.T) {
	m, other := newMigration(t, 2), newMigration(t, 1)
	good, foreign := m.ingestAll(t), other.ingestAll(t)
	first := []signer.Ingested{good[0], good[2], good[4]}
	for name, spoil := range map[string]func(r []signer.Ingested) []signer.Ingested{
		"one is missing":          func(r []signer.Ingested) []signer.Ingested { return r[1:] },
		"one stands twice":        func(r []signer.Ingested) []signer.Ingested { return append(r, r[0]) },
		"one replaces another":    func(r []signer.Ingested) []signer.Ingested { r[1] = r[0]; return r },
		"an index is taken twice": func(r []signer.Ingested) []signer.Ingested { r[1].Position = r[0].Position; return r },
		"another threshold":       func(r []signer.Ingested) []signer.Ingested { r[1].MinSigners++; return r },
		"another scheme":          func(r []signer.Ingested) []signer.Ingested { r[1].Scheme = shares.Schemes()[3]; return r },
		"another key's vector":    func(r []signer.Ingested) []signer.Ingested { r[1].Public = good[1].Public; return r },
		"swapped public shares": func(r []signer.Ingested) []signer.Ingested {
			r[1].Public = slices.Clone(r[1].Public)
			slices.Reverse(r[1].Public)
			return r
		},
		"an import's action":   func(r []signer.Ingested) []signer.Ingested { r[1].Receipt.Action[0] ^= 1; return r },
		"another deployment":   func(r []signer.Ingested) []signer.Ingested { r[1].Receipt.Deployment = "x"; return r },
		"no signature":         func(r []signer.Ingested) []signer.Ingested { r[1].Receipt.Signature = nil; return r },
		"of another cluster":   func([]signer.Ingested) []signer.Ingested { return foreign },
		"a bad one comes last": func(r []signer.Ingested) []signer.Ingested { return append(r, good[1]) },
	} {
		adopted, _, err := m.adopt(m.User.Org, spoil(slices.Clone(first)))
		if !errors.Is(err, signer.ErrReceipt) || adopted != 0 {
			t.Errorf("%s: adopted %d, %v", name, adopted, err)
		}
	}
	if _, _, err := m.adopt(m.Organisation(t), first); !errors.Is(err, signer.ErrReceipt) {
		t.Errorf("under another organisation: %v", err)
	}
	if _, _, err := m.adopt("or-none", first); err == nil {
		t.Error("under an organisation that does not exist")
	}
	if left, err := m.Store.Uncommitted(context.Background()); err != nil || len(left) > 0 {
		t.Errorf("%d keys are there all the same: %v", len(left), err)
	}
	if adopted, _, err := m.adopt(m.User.Org, first); err != nil || adopted != 1 {
		t.Errorf("the good ones: %d, %v", adopted, err)
	}
}

func TestLinesAreReadWhateverPiecesTheyComeIn(t *testing.T) {
	text := "one\n\ntwo\r\n" + strings.Repeat("x", 5000) + "\nlast"
	for _, piece := range []int{1, 2, 7, 4096, 1 << 20} {
		lines, err := newIngestLines(pieces{strings.NewReader(text), piece})
		if err != nil {
			t.Fatal(err)
		}
		defer lines.destroy()
		var got []string
		for {
			line, err := lines.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(line.Bytes()))
		}
		if strings.Join(got, "\n") != text {
			t.Errorf("in pieces of %d: %d lines", piece, len(got))
		}
	}
}

type pieces struct {
	from io.Reader
	size int
}

func (p pieces) Read(into []byte) (int, error) { return p.from.Read(into[:min(p.size, len(into))]) }
