//go:build cgo

package node_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"keyferry/hsm/hsmtest"
	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/shares"
	"keyferry/test/rig"
)

// ruled is a real trust with other rules.
type ruled struct {
	node.Trust
	rules *node.Rules
	err   error
}

func (r ruled) Rules(context.Context, identity.OrgID) (node.Rules, error) { return *r.rules, r.err }

// newRuled returns a cluster and its first node, made anew with rules of its own.
func newRuled(t *testing.T, change func(c *node.Config)) (*cluster, *node.Node) {
	t.Helper()
	tokens := hsmtest.Cluster(t, 2)
	c := clusterOf(t, rig.NewWithTokens(t, tokens...))
	config := c.Nodes[0].Config
	change(&config)
	one, err := node.New(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Join(c.Manifest); err != nil {
		t.Fatal(err)
	}
	return c, one
}

func TestSignerGoesByTheRulesOfItsOwnTrust(t *testing.T) {
	rules := node.Rules{}
	c, one := newRuled(t, func(config *node.Config) { config.Trust = ruled{Trust: config.Trust, rules: &rules} })
	export, imported := signer.Request{Action: c.signExport(t)}, signer.Request{Action: c.order(t)}
	for name, test := range map[string]struct {
		rules                  node.Rules
		wantExport, wantImport error
	}{
		"export is not activated": {node.Rules{}, signer.ErrNotActivated, nil},
		"all is allowed":          {node.Rules{ExportActive: true}, nil, nil},
		"this scheme is allowed":  {node.Rules{ExportActive: true, Schemes: []shares.Scheme{rig.Scheme(t, "CGGMP21", "secp256k1")}, MinSigners: 2}, nil, nil},
		"another scheme is":       {node.Rules{ExportActive: true, Schemes: []shares.Scheme{rig.Scheme(t, "FROST", "ed25519")}}, signer.ErrSchemeForbidden, signer.ErrSchemeForbidden},
		"no scheme is":            {node.Rules{ExportActive: true, Schemes: []shares.Scheme{}}, signer.ErrSchemeForbidden, signer.ErrSchemeForbidden},
		"the floor is higher":     {node.Rules{ExportActive: true, MinSigners: 3}, signer.ErrFloor, signer.ErrFloor},
	} {
		rules = test.rules
		if share, err := one.Export(context.Background(), export); !errors.Is(err, test.wantExport) || (err == nil) != (share.Ciphertext != nil) {
			t.Errorf("%s: export: got %v", name, err)
		}
		if _, err := one.Prepare(context.Background(), imported); !errors.Is(err, test.wantImport) {
			t.Errorf("%s: import: got %v", name, err)
		}
	}
}

func TestSignerWithoutRulesDoesNothing(t *testing.T) {
	trouble := errors.New("the trust file is gone")
	c, one := newRuled(t, func(config *node.Config) {
		config.Trust = ruled{Trust: config.Trust, rules: &node.Rules{ExportActive: true}, err: trouble}
	})
	if _, err := one.Export(context.Background(), signer.Request{Action: c.signExport(t)}); !errors.Is(err, trouble) {
		t.Errorf("export: %v", err)
	}
	if _, err := one.Prepare(context.Background(), signer.Request{Action: c.order(t)}); !errors.Is(err, trouble) {
		t.Errorf("import: %v", err)
	}
}

// A signer that was restored has forgotten which actions were used. It takes only those
// that cannot have been issued before, by any clock that it trusts.
func TestRestoredSignerRefusesActionsFromBeforeItsStart(t *testing.T) {
	restored := time.Now().Add(time.Hour)
	c, one := newRuled(t, func(config *node.Config) { config.NotBefore = restored })
	request := signer.Request{Action: c.signExport(t)}
	if _, err := one.Export(context.Background(), request); !errors.Is(err, signer.ErrConsent) {
		t.Errorf("issued before: %v", err)
	}
	c.Clock.Advance(time.Hour + 10*time.Second)
	if _, err := one.Export(context.Background(), signer.Request{Action: c.signExport(t)}); !errors.Is(err, signer.ErrConsent) {
		t.Errorf("issued when clocks may differ: %v", err)
	}
	if _, err := one.Prepare(context.Background(), signer.Request{Action: c.order(t)}); !errors.Is(err, signer.ErrConsent) {
		t.Errorf("an import: %v", err)
	}
	c.Clock.Advance(time.Minute)
	if _, err := one.Export(context.Background(), signer.Request{Action: c.signExport(t)}); err != nil {
		t.Errorf("issued after: %v", err)
	}
}

func TestRefusalsSayThatNothingWasReleased(t *testing.T) {
	for _, refusal := range []error{
		signer.ErrConsent, signer.ErrReplayed, signer.ErrNotActivated, signer.ErrSchemeForbidden, signer.ErrFloor, signer.ErrFrozen,
		signer.ErrNoShare, signer.ErrDamaged, signer.ErrUnavailable, signer.ErrScheme,
	} {
		if !signer.Refused(refusal) {
			t.Errorf("%v leaves open whether something was released", refusal)
		}
	}
	for _, unknown := range []error{signer.ErrNoAnswer, signer.ErrStatement, context.DeadlineExceeded, errors.New("a bug")} {
		if signer.Refused(unknown) {
			t.Errorf("%v says that nothing was released", unknown)
		}
	}
	if fault.KindOf(signer.ErrFrozen) != fault.Forbidden {
		t.Error("a freeze looks like trouble that passes")
	}
}
