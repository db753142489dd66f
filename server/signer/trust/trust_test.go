package trust_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"keyferry/server/identity"
	"keyferry/server/signer/trust"
	"keyferry/server/signer/trust/trusttest"
)

// signer is a Trust with everything that the tests turn on it.
type signer struct {
	*trust.Trust
	directory *trust.Directory
	path      string // of the organisation's file
	root      *trust.RootKey
	serials   *trusttest.Serials

	mu        sync.Mutex
	changes   []trust.Change
	recording error // what the record answers
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	directory, path := newDirectory(t)
	s := &signer{directory: directory, path: filepath.Join(path, "or-one.trust"), root: newRootKey(t), serials: new(trusttest.Serials)}
	s.start(t)
	return s
}

// start is a fresh process on the same state.
func (s *signer) start(t *testing.T) {
	t.Helper()
	var err error
	s.Trust, err = trust.New(trust.Config{
		Deployment: deployment, Roots: map[identity.OrgID]trust.Root{org: s.root.Public()},
		Documents: s.directory, Serials: s.serials, Record: s.record,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *signer) record(_ context.Context, c trust.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recording == nil {
		s.changes = append(s.changes, c)
	}
	return s.recording
}

func (s *signer) recorded() []trust.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.changes)
}

// put writes a file past all checks, as whoever owns the directory can.
func (s *signer) put(t *testing.T, file []byte) {
	t.Helper()
	if err := os.WriteFile(s.path, file, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *signer) bring(t *testing.T, d trust.Document) {
	t.Helper()
	if err := s.Install(context.Background(), sign(t, d, s.root).File()); err != nil {
		t.Fatal(err)
	}
}

func (s *signer) trusts(t *testing.T, id identity.CredentialID) bool {
	t.Helper()
	c, err := s.Credential(context.Background(), org, id)
	if err != nil && !errors.Is(err, trust.ErrNoCredential) {
		t.Fatal(err)
	}
	return c.Active
}

func TestNothingIsTrustedWithoutADocument(t *testing.T) {
	s := newSigner(t)
	if err := s.Reload(context.Background()); !errors.Is(err, trust.ErrNotInstalled) {
		t.Errorf("a missing document is not told: %v", err)
	}
	if _, err := s.Credential(context.Background(), org, key); !errors.Is(err, trust.ErrNoCredential) {
		t.Errorf("got %v", err)
	}
	if rules, err := s.Rules(context.Background(), org); !errors.Is(err, trust.ErrNoOrganisation) || rules.ExportActive {
		t.Errorf("got %+v, %v", rules, err)
	}
}

func TestTrustSaysWhatTheDocumentSays(t *testing.T) {
	s := newSigner(t)
	d := document(t)
	s.bring(t, d)
	rules, err := s.Rules(context.Background(), org)
	if err != nil || !rules.ExportActive || rules.MinSigners != 3 || !slices.Equal(rules.Schemes, d.Schemes) || rules.RelyingParty.ID != "example.com" {
		t.Errorf("%+v, %v", rules, err)
	}
	c, err := s.Credential(context.Background(), org, key)
	want := identity.Credential{ID: key, Org: org, User: alice, Kind: identity.KeyCredential, PublicKey: d.Credentials[1].PublicKey, Active: true}
	if err != nil || c != want {
		t.Errorf("%+v, %v", c, err)
	}
	if s.trusts(t, passkey) {
		t.Error("trusts a credential of a user who is switched off")
	}
	if _, err := s.Credential(context.Background(), org, "cr-other"); !errors.Is(err, trust.ErrNoCredential) {
		t.Errorf("a credential that is not listed: %v", err)
	}
	if _, err := s.Credential(context.Background(), "or-two", key); !errors.Is(err, trust.ErrNoCredential) {
		t.Errorf("another organisation's: %v", err)
	}
}

func TestTrustSaysHowManyApproveAndWho(t *testing.T) {
	s := newSigner(t)
	d := document(t)
	d.Export.Approvals, d.Credentials[1].Approves = 2, true
	s.bring(t, d)
	rules, err := s.Rules(context.Background(), org)
	if err != nil || rules.Approvals != 2 || !rules.MayApprove(key) || rules.MayApprove(passkey) || rules.MayApprove("cr-other") {
		t.Errorf("%+v, %v", rules, err)
	}
}

// A reader could take nil for "no restriction".
func TestRulesWithoutSchemesAreAnEmptyListAndNotNil(t *testing.T) {
	s := newSigner(t)
	d := document(t)
	d.Schemes = nil
	s.bring(t, d)
	rules, err := s.Rules(context.Background(), org)
	if err != nil || rules.Schemes == nil || len(rules.Schemes) != 0 {
		t.Errorf("%#v, %v", rules.Schemes, err)
	}
}

func TestRevokedCredentialIsNotTrustedEvenIfListed(t *testing.T) {
	s := newSigner(t)
	d := document(t)
	d.Credentials[1].Active = false
	d.Revocations = append([]trust.Revocation{{Credential: key, At: start}}, d.Revocations...)
	s.bring(t, d)
	if s.trusts(t, key) {
		t.Error("it is trusted")
	}
}

func TestChangingWhatRulesReturnedChangesNoTrust(t *testing.T) {
	s := newSigner(t)
	s.bring(t, document(t))
	rules, err := s.Rules(context.Background(), org)
	if err != nil {
		t.Fatal(err)
	}
	clear(rules.Schemes)
	clear(rules.RelyingParty.Origins)
	again, err := s.Rules(context.Background(), org)
	if err != nil || again.Schemes[0].IsZero() || again.RelyingParty.Origins[0] == "" {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestNewRefusesWhatIsIncomplete(t *testing.T) {
	s := newSigner(t)
	for name, spoil := range map[string]func(c *trust.Config){
		"no deployment": func(c *trust.Config) { c.Deployment = "" },
		"no documents":  func(c *trust.Config) { c.Documents = nil },
		"no serials":    func(c *trust.Config) { c.Serials = nil },
		"no record":     func(c *trust.Config) { c.Record = nil },
		"an empty root": func(c *trust.Config) { c.Roots = map[identity.OrgID]trust.Root{org: {}} },
		"a bad id":      func(c *trust.Config) { c.Roots = map[identity.OrgID]trust.Root{"../x": s.root.Public()} },
	} {
		c := s.Config
		spoil(&c)
		if _, err := trust.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
