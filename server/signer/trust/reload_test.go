package trust_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"keyferry/server/signer/trust"
)

func TestReloadBringsANewDocumentIntoForceAndRecordsIt(t *testing.T) {
	s := newSigner(t)
	d := document(t)
	s.bring(t, d)
	next := withSerial(d, 4)
	next.Export.Active = false
	install(t, s.directory, sign(t, next, s.root))
	if s.Serial(org) != 3 {
		t.Error("it is in force before the reload")
	}
	for range 2 {
		if err := s.Reload(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	changes := s.recorded()
	if s.Serial(org) != 4 || len(changes) != 2 || changes[1].From != 3 || changes[1].To != 4 {
		t.Fatalf("serial %d, changes %+v", s.Serial(org), changes)
	}
	if want := `export of keys: not activated ("addendum 7"), was activated by "addendum 7"`; !slices.Contains(changes[1].Lines, want) {
		t.Errorf("%q lacks %q", changes[1].Lines, want)
	}
}

func TestReloadKeepsWhatIsInForceWhenAFileIsBad(t *testing.T) {
	d := document(t)
	other := newRootKey(t)
	for name, c := range map[string]struct {
		file func(t *testing.T, s *signer) []byte
		want error
	}{
		"an older one": {func(t *testing.T, s *signer) []byte { return sign(t, withSerial(d, 2), s.root).File() }, trust.ErrRollback},
		"another of the same serial": {func(t *testing.T, s *signer) []byte {
			same := d
			same.MinSigners = 2
			return sign(t, same, s.root).File()
		}, trust.ErrRollback},
		"one of another root": {func(t *testing.T, _ *signer) []byte { return sign(t, withSerial(d, 4), other).File() }, trust.ErrSignature},
		"an unsigned one":     {func(t *testing.T, _ *signer) []byte { return marshal(t, withSerial(d, 4)) }, trust.ErrUnsigned},
		"an empty one":        {func(*testing.T, *signer) []byte { return []byte{} }, trust.ErrUnsigned},
		"one of another organisation": {func(t *testing.T, s *signer) []byte {
			moved := withSerial(d, 4)
			moved.Org = "or-two"
			return sign(t, moved, s.root).File()
		}, trust.ErrOtherOrganisation},
		"one of another deployment": {func(t *testing.T, s *signer) []byte {
			moved := withSerial(d, 4)
			moved.Deployment = "elsewhere"
			return sign(t, moved, s.root).File()
		}, trust.ErrOtherDeployment},
		"one that forgets a revocation": {func(t *testing.T, s *signer) []byte {
			forgetful := withSerial(d, 4)
			forgetful.Revocations = nil
			return sign(t, forgetful, s.root).File()
		}, trust.ErrRevocationLost},
		"an edited one": {func(t *testing.T, s *signer) []byte {
			file := string(sign(t, withSerial(d, 4), s.root).File())
			return []byte(strings.Replace(file, `"minSigners": 3`, `"minSigners": 2`, 1))
		}, trust.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSigner(t)
			s.bring(t, d)
			s.put(t, c.file(t, s))
			err := s.Reload(context.Background())
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "or-one") {
				t.Errorf("got %v", err)
			}
			if s.Serial(org) != 3 || !s.trusts(t, key) || len(s.recorded()) != 1 {
				t.Errorf("serial %d is in force, changes %+v", s.Serial(org), s.recorded())
			}
			next := withSerial(d, 5)
			s.put(t, sign(t, next, s.root).File())
			if err := s.Reload(context.Background()); err != nil || s.Serial(org) != 5 {
				t.Errorf("a good file behind it: serial %d, %v", s.Serial(org), err)
			}
		})
	}
}

func TestTakingTheFileAwayRevokesNothingAndIsTold(t *testing.T) {
	s := newSigner(t)
	s.bring(t, document(t))
	if err := os.Remove(s.path); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(context.Background()); !errors.Is(err, trust.ErrNotInstalled) || !s.trusts(t, key) {
		t.Errorf("got %v", err)
	}
}

func TestAFileFromABackupIsRefusedAfterARestart(t *testing.T) {
	s := newSigner(t)
	d := document(t)
	backup := sign(t, d, s.root).File()
	s.bring(t, d)
	s.bring(t, withSerial(d, 4))
	s.put(t, backup)
	s.start(t)
	if err := s.Reload(context.Background()); !errors.Is(err, trust.ErrRollback) {
		t.Errorf("got %v", err)
	}
	if s.trusts(t, key) {
		t.Error("the old document is in force")
	}
}

func TestARestartRepeatsWhatIsInForce(t *testing.T) {
	s := newSigner(t)
	s.bring(t, document(t))
	s.start(t)
	if err := s.Reload(context.Background()); err != nil || !s.trusts(t, key) {
		t.Errorf("got %v", err)
	}
	if changes := s.recorded(); len(changes) != 2 || changes[1].From != 0 || changes[1].Hash != changes[0].Hash {
		t.Errorf("changes %+v", changes)
	}
}

func TestAChangeThatCannotBeRecordedDoesNotComeIntoForce(t *testing.T) {
	s := newSigner(t)
	d := document(t)
	s.bring(t, d)
	s.recording = errors.New("disk full")
	install(t, s.directory, sign(t, withSerial(d, 4), s.root))
	if err := s.Reload(context.Background()); !errors.Is(err, s.recording) || s.Serial(org) != 3 {
		t.Errorf("serial %d, %v", s.Serial(org), err)
	}
	s.recording = nil
	if err := s.Reload(context.Background()); err != nil || s.Serial(org) != 4 {
		t.Errorf("afterwards: serial %d, %v", s.Serial(org), err)
	}
}

func TestADocumentWithoutAPinnedRootIsTold(t *testing.T) {
	s := newSigner(t)
	d := document(t)
	s.bring(t, d)
	stray := d
	stray.Org = "or-two"
	install(t, s.directory, sign(t, stray, s.root))
	if err := s.Reload(context.Background()); err == nil || !strings.Contains(err.Error(), "or-two") || !s.trusts(t, key) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Credential(context.Background(), "or-two", key); !errors.Is(err, trust.ErrNoCredential) {
		t.Errorf("it is in force: %v", err)
	}
}

func TestInstallBelievesOnlyThePinnedRoot(t *testing.T) {
	s := newSigner(t)
	d := document(t)
	s.bring(t, d)
	stray, moved := withSerial(d, 4), withSerial(d, 4)
	stray.Org, moved.Deployment = "or-two", "elsewhere"
	for name, file := range map[string][]byte{
		"another root's":       sign(t, withSerial(d, 4), newRootKey(t)).File(),
		"an older one":         sign(t, withSerial(d, 2), s.root).File(),
		"an unsigned one":      marshal(t, withSerial(d, 4)),
		"another organisation": sign(t, stray, s.root).File(),
		"another deployment's": sign(t, moved, s.root).File(),
		"garbage":              []byte("x"),
	} {
		if err := s.Install(context.Background(), file); err == nil {
			t.Errorf("%s was installed", name)
		}
	}
	if orgs, err := s.directory.Organisations(context.Background()); err != nil || len(orgs) != 1 || s.Serial(org) != 3 {
		t.Errorf("%v, %v, serial %d", orgs, err, s.Serial(org))
	}
}

func TestWatchReportsEachOutcomeOnce(t *testing.T) {
	s := newSigner(t)
	d := document(t)
	s.bring(t, d)
	ctx, stop := context.WithCancel(context.Background())
	outcomes := make(chan error, 100)
	var done sync.WaitGroup
	done.Go(func() { s.Watch(ctx, time.Millisecond, func(err error) { outcomes <- err }) })
	s.replace(t, []byte("bad"))
	if err := wait(t, outcomes); !errors.Is(err, trust.ErrUnsigned) {
		t.Errorf("a bad file: %v", err)
	}
	time.Sleep(20 * time.Millisecond) // many rounds that must report nothing
	s.replace(t, sign(t, withSerial(d, 4), s.root).File())
	if err := wait(t, outcomes); err != nil {
		t.Errorf("a good file: %v", err)
	}
	if s.Serial(org) != 4 {
		t.Errorf("serial %d is in force", s.Serial(org))
	}
	stop()
	done.Wait()
	if len(outcomes) != 0 {
		t.Errorf("%d more reports, such as %v", len(outcomes), <-outcomes)
	}
}

// replace is put in one step, as nothing may be read half.
func (s *signer) replace(t *testing.T, file []byte) {
	t.Helper()
	path := s.path + ".new"
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, s.path); err != nil {
		t.Fatal(err)
	}
}

func wait(t *testing.T, outcomes <-chan error) error {
	t.Helper()
	select {
	case err := <-outcomes:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was reported")
		return nil
	}
}

func TestReadersSeeWholeDocumentsWhileTheyChange(t *testing.T) {
	s := newSigner(t)
	d := document(t)
	d.MinSigners, d.Serial = 2, 2
	s.bring(t, d)
	ctx, stop := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for last := 0; ctx.Err() == nil; {
				rules, err := s.Rules(ctx, org)
				if err != nil || rules.MinSigners < last {
					t.Errorf("minSigners %d after %d, %v", rules.MinSigners, last, err)
					return
				}
				last = rules.MinSigners
				if c, err := s.Credential(ctx, org, key); err != nil || !c.Active {
					t.Errorf("%+v, %v", c, err)
					return
				}
			}
		})
	}
	var writers sync.WaitGroup
	for serial := 3; serial <= 12; serial++ {
		next := withSerial(d, uint64(serial))
		next.MinSigners = serial
		file := sign(t, next, s.root).File()
		writers.Go(func() {
			if err := s.Install(ctx, file); err != nil && !errors.Is(err, trust.ErrRollback) && !errors.Is(err, trust.ErrBusy) {
				t.Error(err)
			}
		})
		writers.Go(func() {
			if err := s.Reload(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	stop()
	readers.Wait()
	if changes := s.recorded(); !slices.IsSortedFunc(changes, func(a, b trust.Change) int { return int(a.To) - int(b.To) }) || s.Serial(org) != changes[len(changes)-1].To {
		t.Errorf("changes out of order: %+v", changes)
	}
}
