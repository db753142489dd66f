package trust_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"keyferry/server/identity"
	"keyferry/server/signer/trust"
)

var _ trust.Documents = (*trust.Directory)(nil)

func newDirectory(t *testing.T) (*trust.Directory, string) {
	t.Helper()
	path := t.TempDir()
	d, err := trust.OpenDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	return d, path
}

func install(t *testing.T, d *trust.Directory, s trust.Signed) trust.Change {
	t.Helper()
	change, err := d.Install(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

func withSerial(d trust.Document, serial uint64) trust.Document {
	d.Serial = serial
	return d
}

func TestInstallPutsTheSignedFileInPlace(t *testing.T) {
	d, path := newDirectory(t)
	s := sign(t, document(t), newRootKey(t))
	change := install(t, d, s)
	if change.Org != org || change.From != 0 || change.To != 3 || change.Hash != s.Hash() || len(change.Lines) == 0 {
		t.Errorf("got %+v", change)
	}
	file, err := d.Installed(context.Background(), org)
	if err != nil || !bytes.Equal(file, s.File()) {
		t.Errorf("%q, %v", file, err)
	}
	orgs, err := d.Organisations(context.Background())
	if err != nil || len(orgs) != 1 || orgs[0] != org {
		t.Errorf("%v, %v", orgs, err)
	}
	info, err := os.Stat(filepath.Join(path, "or-one.trust"))
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestInstallRepeatedChangesNothing(t *testing.T) {
	d, _ := newDirectory(t)
	s := sign(t, document(t), newRootKey(t))
	install(t, d, s)
	if change := install(t, d, s); !change.IsZero() {
		t.Errorf("got %+v", change)
	}
}

func TestInstallRefusesWhatIsNotNewer(t *testing.T) {
	d, _ := newDirectory(t)
	root, doc := newRootKey(t), document(t)
	newest := sign(t, withSerial(doc, 5), root)
	install(t, d, newest)
	other := withSerial(doc, 5)
	other.MinSigners = 2
	forgetful := withSerial(doc, 6)
	forgetful.Revocations = nil
	moved := withSerial(doc, 6)
	moved.Deployment = "elsewhere"
	for name, c := range map[string]struct {
		doc  trust.Document
		want error
	}{
		"older":                      {withSerial(doc, 4), trust.ErrRollback},
		"another of the same serial": {other, trust.ErrRollback},
		"one that forgets":           {forgetful, trust.ErrRevocationLost},
		"one of another deployment":  {moved, trust.ErrOtherDeployment},
	} {
		if _, err := d.Install(context.Background(), sign(t, c.doc, root)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if file, err := d.Installed(context.Background(), org); err != nil || !bytes.Equal(file, newest.File()) {
		t.Errorf("a refusal changed the installed file: %v", err)
	}
}

func TestInstallLetsANewRootFollow(t *testing.T) {
	d, _ := newDirectory(t)
	doc := document(t)
	install(t, d, sign(t, doc, newRootKey(t)))
	next := newRootKey(t)
	if _, err := d.Install(context.Background(), sign(t, withSerial(doc, 2), next)); !errors.Is(err, trust.ErrRollback) {
		t.Errorf("an older one of the new root: %v", err)
	}
	if change := install(t, d, sign(t, withSerial(doc, 4), next)); change.From != 3 || change.To != 4 {
		t.Errorf("got %+v", change)
	}
}

func TestInstallDoesNotTakeThePlaceOfADamagedFile(t *testing.T) {
	d, path := newDirectory(t)
	file := filepath.Join(path, "or-one.trust")
	if err := os.WriteFile(file, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Install(context.Background(), sign(t, document(t), newRootKey(t))); err == nil {
		t.Error("it was overwritten, whatever serial it had")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "{" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestInstallClearsWhatAKilledProcessLeft(t *testing.T) {
	d, path := newDirectory(t)
	left := filepath.Join(path, trust.Unfinished+"1")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if orgs, err := d.Organisations(context.Background()); err != nil || len(orgs) != 0 {
		t.Errorf("an unfinished file counts: %v, %v", orgs, err)
	}
	install(t, d, sign(t, document(t), newRootKey(t)))
	if _, err := os.Lstat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestInstallationsThatRaceEndAtTheHighestThatWasAcknowledged(t *testing.T) {
	d, path := newDirectory(t)
	root, doc := newRootKey(t), document(t)
	const racers = 8
	var done sync.WaitGroup
	acknowledged := make([]bool, racers+1)
	for i := 1; i <= racers; i++ {
		s := sign(t, withSerial(doc, uint64(i)), root)
		done.Go(func() {
			own, err := trust.OpenDirectory(path)
			if err != nil {
				t.Error(err)
				return
			}
			_, err = own.Install(context.Background(), s)
			if err != nil && !errors.Is(err, trust.ErrBusy) && !errors.Is(err, trust.ErrRollback) {
				t.Error(err)
			}
			acknowledged[i] = err == nil
		})
	}
	done.Wait()
	highest := uint64(0)
	for i, ok := range acknowledged {
		if ok {
			highest = uint64(i)
		}
	}
	file, err := d.Installed(context.Background(), org)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := trust.Verify(file, root.Public()); err != nil || s.Document().Serial != highest || highest == 0 {
		t.Errorf("serial %d is installed, %d was acknowledged: %v", s.Document().Serial, highest, err)
	}
}

func TestDirectoryRefuses(t *testing.T) {
	d, path := newDirectory(t)
	ctx := context.Background()
	if _, err := d.Install(ctx, trust.Signed{}); err == nil {
		t.Error("installed nothing")
	}
	if _, err := d.Installed(ctx, org); !errors.Is(err, trust.ErrNotInstalled) {
		t.Errorf("nothing there: %v", err)
	}
	for _, id := range []identity.OrgID{"", "..", "../x", "a/b", "OR-one", "or-one.trust"} {
		if _, err := d.Installed(ctx, id); err == nil || errors.Is(err, trust.ErrNotInstalled) {
			t.Errorf("organisation %q: %v", id, err)
		}
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(path, "or-link.trust")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Installed(ctx, "or-link"); err == nil {
		t.Error("followed a symbolic link")
	}
	if _, err := trust.OpenDirectory(filepath.Join(path, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that is missing: %v", err)
	}
	if _, err := trust.OpenDirectory(filepath.Join(path, "or-link.trust")); err == nil {
		t.Error("took a file for a directory")
	}
}
