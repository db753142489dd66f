//go:build cgo

package fitness_test

import (
	"slices"
	"testing"

	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/fitness"
	"keyferry/hsm/hsmtest"
)

func TestSoftHSMIsFitForEverything(t *testing.T) {
	r := examineSoftHSM(t)
	if r.Verdict != fitness.Fit {
		t.Errorf("verdict %q: %+v", r.Verdict, r.Uses)
	}
	for _, c := range r.Checks {
		if c.Outcome != fitness.Passed || c.Detail == "" || c.Remedy != "" {
			t.Errorf("%+v", c)
		}
	}
	mustHaveChecked(t, r, "seal.known-answer", "seal.nonce", "seal.tag", "seal.associated-data", "import.hash",
		"import.off-curve", "sign.ecdsa", "random", "share-wrapping.wrap", "import.misuse", "identity.copy")
	if r.Sessions.Opened != r.Sessions.Bound || r.Sessions.Limit != nil {
		t.Errorf("sessions: %+v", r.Sessions)
	}
	if r.Tampered != pkcs11.CKR_GENERAL_ERROR {
		t.Errorf("what was changed is answered by %#x", r.Tampered)
	}
}

func TestNSSHoldsAndSignsAndDoesNotImport(t *testing.T) {
	r := examineNSS(t)
	if r.Verdict != fitness.Partly || !r.Fit(fitness.Hold) || !r.Fit(fitness.Sign) {
		t.Errorf("verdict %q: %+v", r.Verdict, r.Uses)
	}
	if failed := named(r, fitness.Failed); !slices.Equal(failed, []string{"import.generate"}) {
		t.Errorf("failed: %v", failed)
	}
	mustHaveChecked(t, r, "seal.known-answer", "seal.tag", "seal.associated-data", "sign.ecdsa")
	if r.Tampered != pkcs11.CKR_ENCRYPTED_DATA_INVALID {
		t.Errorf("what was changed is answered by %#x", r.Tampered)
	}
}

// NSS reads back what it was asked for and does not keep to it: whoever has the PIN can
// take the keys away. It is told, with what follows from it.
func TestNSSDoesNotKeepRestrictionsAndIsFoundOut(t *testing.T) {
	r := examineNSS(t)
	for _, name := range []string{
		"share-wrapping.attributes", "share-wrapping.wrap", "share-wrapping.copy", "share-wrapping.misuse", "share-wrapping.modify",
		"identity.wrap", "identity.copy", "identity.misuse", "identity.modify",
	} {
		if c := check(t, r, name); c.Outcome != fitness.Warning || c.Remedy == "" {
			t.Errorf("%+v", c)
		}
	}
	for _, name := range []string{"share-wrapping.read", "share-wrapping.unhide", "identity.read", "identity.unhide"} {
		if c := check(t, r, name); c.Outcome != fitness.Passed {
			t.Errorf("%+v", c)
		}
	}
}

func TestOperationsThatWorkAreTimed(t *testing.T) {
	for name, want := range map[string][]string{"SoftHSM": {"seal", "open", "agree", "sign"}, "NSS": {"seal", "open", "sign"}} {
		r := examineSoftHSM
		if name == "NSS" {
			r = examineNSS
		}
		var timed []string
		for _, p := range r(t).Operations {
			timed = append(timed, p.Operation)
			if p.Median <= 0 || p.Runs < 30 {
				t.Errorf("%s: %+v", name, p)
			}
		}
		if !slices.Equal(timed, want) {
			t.Errorf("%s: %v", name, timed)
		}
	}
}

func examineSoftHSM(t *testing.T) *fitness.Report {
	t.Helper()
	cfg := hsmtest.Blank(t)
	return examine(t, hsmtest.Module(t), cfg.Label)
}

func examineNSS(t *testing.T) *fitness.Report {
	t.Helper()
	return examine(t, hsmtest.NSS(t), hsmtest.NSSLabel)
}

func examine(t *testing.T, module *hsm.Module, label string) *fitness.Report {
	t.Helper()
	r, err := module.Examine(t.Context(), label, hsmtest.MakePIN(t, hsmtest.PIN), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func check(t *testing.T, r *fitness.Report, name string) fitness.Check {
	t.Helper()
	i := slices.IndexFunc(r.Checks, func(c fitness.Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("there is no check %q", name)
	}
	return r.Checks[i]
}

func mustHaveChecked(t *testing.T, r *fitness.Report, names ...string) {
	t.Helper()
	for _, name := range names {
		if c := check(t, r, name); c.Outcome != fitness.Passed {
			t.Errorf("%+v", c)
		}
	}
}

func named(r *fitness.Report, outcome fitness.Outcome) (names []string) {
	for _, c := range r.Checks {
		if c.Outcome == outcome {
			names = append(names, c.Name)
		}
	}
	return names
}
