//go:build cgo

package hsm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/fitness"
	"keyferry/hsm/hsmtest"
)

// doctorObjects counts what examinations have left, with a login of its own.
func doctorObjects(t *testing.T, label string, meanwhile func(raw, pkcs11.SessionHandle)) int {
	t.Helper()
	p11 := pkcs11.New(hsmtest.Path(t))
	if p11 == nil {
		t.Fatal("the library does not load")
	}
	defer p11.Destroy()
	if err := p11.Initialize(); err != nil {
		t.Fatal(err)
	}
	defer p11.Finalize()
	r := rawAccess(t, label)
	session := r.session(t)
	if err := r.Login(session, pkcs11.CKU_USER, hsmtest.PIN); err != nil {
		t.Fatal(err)
	}
	if meanwhile != nil {
		meanwhile(r, session)
	}
	if err := r.FindObjectsInit(session, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_LABEL, "keyferry doctor")}); err != nil {
		t.Fatal(err)
	}
	found, _, err := r.FindObjects(session, 100)
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

func TestExaminationThatIsInterruptedLeavesNothing(t *testing.T) {
	cfg := hsmtest.Blank(t)
	var checks []string
	if _, err := hsmtest.Module(t).Examine(t.Context(), cfg.Label, cfg.PIN, func(check string) { checks = append(checks, check) }); err != nil {
		t.Fatal(err)
	}
	if n := doctorObjects(t, cfg.Label, nil); n != 0 {
		t.Errorf("a whole examination left %d objects", n)
	}
	for i := 1; i < len(checks)-1; i += 5 { // an interruption is noticed before the next check
		ctx, stop := context.WithCancel(t.Context())
		_, err := hsmtest.Module(t).Examine(ctx, cfg.Label, cfg.PIN, func(check string) {
			if check == checks[i] {
				stop()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("stopped at %s: %v", checks[i], err)
		}
		if n := doctorObjects(t, cfg.Label, nil); n != 0 {
			t.Errorf("stopped at %s: %d objects are left", checks[i], n)
		}
	}
}

// leave makes keys as an examination with this mark would have left them.
func leave(t *testing.T, r raw, session pkcs11.SessionHandle, n int, mark string) {
	t.Helper()
	for range n {
		if _, err := r.GenerateKey(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, "keyferry doctor"),
			pkcs11.NewAttribute(pkcs11.CKA_ID, mark), pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32),
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// begun is the mark of an examination that began so long ago.
func begun(ago time.Duration) string {
	return fmt.Sprintf("keyferry/doctor/%d/ABC", time.Now().Add(-ago).Unix())
}

func TestExaminationRemovesWhatAKilledOneLeft(t *testing.T) {
	cfg := hsmtest.Blank(t)
	left := doctorObjects(t, cfg.Label, func(r raw, session pkcs11.SessionHandle) {
		leave(t, r, session, 150, begun(25*time.Hour))
	})
	if left == 0 {
		t.Fatal("there are no objects to begin with")
	}
	report, err := hsmtest.Module(t).Examine(t.Context(), cfg.Label, cfg.PIN, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := doctorObjects(t, cfg.Label, nil); n != 0 {
		t.Errorf("%d objects are left", n)
	}
	if first := report.Checks[0]; first.Name != "leftovers" || first.Outcome != fitness.Passed || !strings.HasPrefix(first.Detail, "150 objects ") {
		t.Errorf("told %+v", first)
	}
}

// What may be needed by another examination is left alone, and told.
func TestExaminationLeavesAloneWhatMayBeAnothers(t *testing.T) {
	cfg := hsmtest.Blank(t)
	marks := []string{begun(0), begun(23 * time.Hour), begun(-48 * time.Hour), "", "keyferry/doctor/", "keyferry/doctor/1", "keyferry/doctor/x/ABC", "keyferry/import/1", "\x00\xff"}
	doctorObjects(t, cfg.Label, func(r raw, session pkcs11.SessionHandle) {
		for _, mark := range marks {
			leave(t, r, session, 1, mark)
		}
	})
	report, err := hsmtest.Module(t).Examine(t.Context(), cfg.Label, cfg.PIN, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := doctorObjects(t, cfg.Label, nil); n != len(marks) {
		t.Errorf("%d of %d objects are left", n, len(marks))
	}
	first := report.Checks[0]
	if first.Outcome != fitness.Warning || !strings.HasPrefix(first.Detail, fmt.Sprintf("%d objects of other examinations", len(marks))) || report.Verdict != fitness.Fit {
		t.Errorf("told %+v, verdict %q", first, report.Verdict)
	}
}

func TestExaminationLeavesKeyferrysKeysAlone(t *testing.T) {
	cfg := hsmtest.Blank(t)
	token := hsmtest.Open(t, cfg)
	if _, err := token.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	blob, err := token.SealShare(t.Context(), hsm.FirstWrappingKey, secret(t, "a share"), nil)
	if err != nil {
		t.Fatal(err)
	}
	imports := token.ImportPublicKey()
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := hsmtest.Module(t).Examine(t.Context(), cfg.Label, cfg.PIN, nil); err != nil {
		t.Fatal(err)
	}
	token = hsmtest.Open(t, cfg)
	mustEqual(t, "import key", token.ImportPublicKey(), imports)
	opened, err := token.OpenShare(t.Context(), hsm.FirstWrappingKey, blob, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Destroy()
	mustEqual(t, "share", opened.Bytes(), []byte("a share"))
}

func TestExaminationWithAWrongPINSaysSo(t *testing.T) {
	cfg := hsmtest.Blank(t)
	report, err := hsmtest.Module(t).Examine(t.Context(), cfg.Label, hsmtest.MakePIN(t, "not the PIN"), nil)
	if !errors.Is(err, hsm.ErrWrongPIN) || report != nil {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := hsmtest.Module(t).Examine(t.Context(), cfg.Label, cfg.PIN, nil); err != nil {
		t.Errorf("with the right one: %v", err)
	}
}

func TestExaminationRefusesATokenThatIsOpenOrMissing(t *testing.T) {
	cfg := hsmtest.Blank(t)
	hsmtest.Open(t, cfg)
	if _, err := hsmtest.Module(t).Examine(t.Context(), cfg.Label, cfg.PIN, nil); !errors.Is(err, hsm.ErrInUse) {
		t.Errorf("open: %v", err)
	}
	var missing *hsm.TokenNotFoundError
	if _, err := hsmtest.Module(t).Examine(t.Context(), "no such token", cfg.PIN, nil); !errors.As(err, &missing) {
		t.Errorf("missing: %v", err)
	}
}

func TestSelfTestFindsWhatAnExaminationFinds(t *testing.T) {
	token := hsmtest.Token(t)
	sessions := rawAccess(t, token.Label()).openSessions(t)
	report, err := token.SelfTest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.Verdict != fitness.Fit || len(report.Checks) < 25 || report.Sessions != nil || len(report.Operations) > 0 {
		t.Errorf("%+v", report)
	}
	if now := rawAccess(t, token.Label()).openSessions(t); now > sessions {
		t.Errorf("%d sessions before, %d after", sessions, now)
	}
	if found := rawAccess(t, token.Label()); len(found.find(t, found.session(t), pkcs11.CKO_SECRET_KEY, "keyferry doctor")) != 0 {
		t.Error("it left keys")
	}
}
