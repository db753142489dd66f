//go:build linux && cgo

package faultp11_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/fitness"
	"keyferry/hsm/hsmtest"
)

// lie is a token that does not do what it says, and what must be found out.
type lie struct {
	rule    string
	check   string
	outcome fitness.Outcome
	verdict fitness.Verdict
}

func TestTokenThatLiesIsFoundOut(t *testing.T) {
	for name, l := range map[string]lie{
		"seals something else":              {"C_Encrypt wrong", "seal.known-answer", fitness.Failed, fitness.Unfit},
		"opens to something else":           {"C_Decrypt wrong", "seal.round-trip", fitness.Failed, fitness.Unfit},
		"opens what was changed":            {"C_Decrypt call=3- return=0x0", "seal.tag", fitness.Failed, fitness.Unfit},
		"seals only what it likes":          {"C_EncryptInit return=0x70", "seal.round-trip", fitness.Failed, fitness.Unfit},
		"hashes something else":             {"C_DigestFinal wrong", "import.hash", fitness.Failed, fitness.Partly},
		"hashes no keys":                    {"C_DigestKey return=0x70", "import.hash", fitness.Failed, fitness.Partly},
		"agrees on nothing":                 {"C_DeriveKey return=0x70", "import.agreement", fitness.Failed, fitness.Partly},
		"signs something else":              {"C_Sign wrong", "sign.ecdsa", fitness.Failed, fitness.Unfit},
		"signs half":                        {"C_Sign short", "sign.ecdsa", fitness.Failed, fitness.Unfit},
		"wraps what it must not":            {"C_WrapKey return=0x0", "share-wrapping.wrap", fitness.Warning, fitness.Fit},
		"copies what it must not":           {"C_CopyObject return=0x0", "identity.copy", fitness.Warning, fitness.Fit},
		"says that it changed an attribute": {"C_SetAttributeValue return=0x0", "share-wrapping.unhide", fitness.Passed, fitness.Fit},
		"has no random bytes":               {"C_GenerateRandom return=0x30", "random", fitness.Warning, fitness.Fit},
		"has few sessions":                  {"C_OpenSession call=10 return=0xB1", "sessions", fitness.Warning, fitness.Fit},
		"has too few sessions":              {"C_OpenSession call=4 return=0xB1", "sessions", fitness.Failed, fitness.Unfit},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := hsmtest.Blank(t)
			plan(t, l.rule)
			r, err := hsmtest.Module(t).Examine(t.Context(), cfg.Label, cfg.PIN, nil)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(r.Checks, func(c fitness.Check) bool { return c.Name == l.check })
			if i < 0 || r.Checks[i].Outcome != l.outcome || r.Verdict != l.verdict {
				t.Errorf("verdict %q, checks %+v", r.Verdict, r.Checks)
			}
		})
	}
}

// A token that goes away is not a token that is not fit.
func TestTokenThatGoesAwayIsNotCalledUnfit(t *testing.T) {
	cfg := hsmtest.Blank(t)
	for _, rule := range []string{
		"C_EncryptInit call=2 die=0xE0", "C_GenerateKeyPair call=1 return=0xB3", "C_OpenSession call=1 return=0x30", "C_Initialize return=0x5",
	} {
		plan(t, rule)
		if r, err := hsmtest.Module(t).Examine(t.Context(), cfg.Label, cfg.PIN, nil); err == nil || r != nil {
			t.Errorf("%s: %+v", rule, r)
		}
	}
	plan(t)
	if _, err := hsmtest.Module(t).Examine(t.Context(), cfg.Label, cfg.PIN, nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Nor is one that is busy for a moment, neither by the doctor nor when its signer starts.
func TestTokenInPassingTroubleIsNotCalledUnfit(t *testing.T) {
	b := newBench(t, nil)
	cfg := hsmtest.Blank(t)
	for _, rule := range []string{
		"C_GenerateKey call=1 return=0x31", "C_Encrypt call=1 return=0x30", "C_Decrypt call=2 return=0x6",
		"C_DeriveKey call=1 return=0x5", "C_DigestKey call=1 return=0x2", "C_GenerateKeyPair call=2 return=0xB1", "C_Sign call=1 return=0x30",
	} {
		plan(t, rule)
		if report, err := b.SelfTest(t.Context()); err != nil || report.Verdict != fitness.Fit {
			t.Errorf("%s: at the start: %+v, %v", rule, report, err)
		}
		plan(t, rule)
		if report, err := hsmtest.Module(t).Examine(t.Context(), cfg.Label, cfg.PIN, nil); err != nil || report.Verdict != fitness.Fit {
			t.Errorf("%s: by the doctor: %+v, %v", rule, report, err)
		}
	}
}

// Whatever a function answers that only examinations call: it is an error of its kind, or
// it stands in the report. The next examination finds the token as it is.
func TestEveryFaultOfAnExaminationIsTypedOrReported(t *testing.T) {
	cfg := hsmtest.Blank(t)
	module := hsmtest.Module(t)
	for _, f := range of(t, "examine", true) {
		for _, c := range f.codes {
			before := stats(t).Calls[f.name]
			plan(t, f.once(c))
			report, err := module.Examine(t.Context(), cfg.Label, cfg.PIN, nil)
			met(t, f, before)
			if err != nil && (report != nil || !errors.Is(err, kind(c))) {
				t.Errorf("%s once %s: %v", f.name, c.name, err)
			}
			if n := stats(t).Sessions; n != 0 {
				t.Errorf("%s once %s: %d sessions are open", f.name, c.name, n)
			}
		}
	}
	plan(t)
	report, err := module.Examine(t.Context(), cfg.Label, cfg.PIN, nil)
	if err != nil || report.Verdict != fitness.Fit {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestExaminationTriesThePINOnce(t *testing.T) {
	cfg := hsmtest.Blank(t)
	plan(t, "C_Login return=0xA0")
	before := stats(t).Calls["C_Login"]
	_, err := hsmtest.Module(t).Examine(t.Context(), cfg.Label, cfg.PIN, nil)
	if tried := stats(t).Calls["C_Login"] - before; !errors.Is(err, hsm.ErrWrongPIN) || tried != 1 {
		t.Errorf("tried %d times: %v", tried, err)
	}
}

// The token's own answer to a changed share is not one that the standard has for it.
func TestSelfTestTeachesTheTokensAnswerToAChangedShare(t *testing.T) {
	b := newBench(t, nil)
	const own = 0x80000123
	changed := func() error {
		plan(t, "C_Decrypt call=1 after=0x80000123", "C_Decrypt call=3 after=0x80000123")
		_, err := b.OpenShare(t.Context(), hsm.FirstWrappingKey, b.blob, []byte("place"), 0)
		return err
	}
	if err := changed(); !errors.Is(err, hsm.ErrRefused) {
		t.Errorf("before: %v", err)
	}
	// A known answer and a round trip succeed, the three edits do not.
	plan(t, "C_Decrypt call=3-5 after=0x80000123")
	report, err := b.SelfTest(t.Context())
	if err != nil || report.Tampered != own || !report.Fit(fitness.Hold) {
		t.Fatalf("%+v, %v", report, err)
	}
	if err := changed(); !errors.Is(err, hsm.ErrBlob) {
		t.Errorf("after: %v", err)
	}
}

func TestSelfTestThatFailsHalfWayLeavesNothing(t *testing.T) {
	b := newBench(t, nil)
	before := stats(t).Sessions
	for _, rule := range []string{"C_GenerateKey return=0x31", "C_Encrypt return=0x5", "C_DeriveKey return=0x6", "C_DestroyObject return=0x5"} {
		plan(t, rule)
		report, err := b.SelfTest(t.Context())
		if err == nil && report.Verdict == fitness.Fit {
			t.Errorf("%s: fit", rule)
		}
		plan(t)
		soon(t, "the token after "+rule, b.open)
	}
	if now := stats(t).Sessions; now > before+1 {
		t.Errorf("%d sessions before, %d after", before, now)
	}
	session, err := b.raw.OpenSession(b.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		t.Fatal(err)
	}
	defer b.raw.CloseSession(session)
	if err := b.raw.FindObjectsInit(session, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_LABEL, "keyferry doctor")}); err != nil {
		t.Fatal(err)
	}
	defer b.raw.FindObjectsFinal(session)
	if found, _, err := b.raw.FindObjects(session, 10); err != nil || len(found) != 0 {
		t.Errorf("%d objects are left: %v", len(found), err)
	}
}
