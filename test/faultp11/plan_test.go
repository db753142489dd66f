//go:build linux && cgo

package faultp11_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"keyferry/hsm/hsmtest"
)

func TestRulesApplyToTheCallsThatTheyName(t *testing.T) {
	b := newBench(t, nil)
	infos := func(n int) (failed string) {
		for range n {
			_, err := b.raw.GetTokenInfo(b.slot)
			failed += map[bool]string{true: ".", false: "x"}[err == nil]
		}
		return failed
	}
	for _, example := range []struct{ rule, want string }{
		{"C_GetTokenInfo return=0x30", "xxxxx"},
		{"C_GetTokenInfo call=2 return=0x30", ".x..."},
		{"C_GetTokenInfo call=2-3 return=0x30", ".xx.."},
		{"C_GetTokenInfo call=4- after=0x30", "...xx"},
		{"C_GetTokenInfo p=0 return=0x30", "....."},
		{"C_GetTokenInfo slot=1 return=0x30", "....."},
		{"* return=0x30", "xxxxx"},
		{"# C_GetTokenInfo return=0x30", "....."},
		{"C_GetTokenInfo call=3 die=0x30", "..xxx"}, // until the library is ended
	} {
		plan(t, example.rule)
		if got := infos(5); got != example.want {
			t.Errorf("%s: %s, not %s", example.rule, got, example.want)
		}
	}
}

func TestSameSeedGivesTheSameFaults(t *testing.T) {
	b := newBench(t, nil)
	draw := func(seed string) (pattern string) {
		plan(t, "seed "+seed, "C_GetTokenInfo p=0.5 return=0x30")
		for range 40 {
			_, err := b.raw.GetTokenInfo(b.slot)
			pattern += map[bool]string{true: ".", false: "x"}[err == nil]
		}
		plan(t)
		b.raw.GetTokenInfo(b.slot)
		return pattern
	}
	first := draw("7")
	if draw("7") != first || draw("8") == first || !strings.Contains(first, "x") || !strings.Contains(first, ".") {
		t.Errorf("pattern %s", first)
	}
}

func TestDelayAndWrongAnswersComeThrough(t *testing.T) {
	b := newBench(t, nil)
	plan(t, "C_GetTokenInfo call=1 delay=60")
	start := time.Now()
	if _, err := b.raw.GetTokenInfo(b.slot); err != nil || time.Since(start) < 60*time.Millisecond {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	plan(t, "C_Sign wrong")
	if err := b.sign(); !errors.Is(err, errWrongResult) {
		t.Errorf("a signature with a bit turned: %v", err)
	}
}

// In processes of their own, which do not survive it: a crash, and a plan that is not
// understood.
func TestCrashAndBadPlansEndTheProcess(t *testing.T) {
	if rule := os.Getenv("FAULTP11_TEST_RULE"); rule != "" {
		hsmtest.Module(t)
		plan(t, rule)
		raw := pkcs11.New(faulty.Path)
		_ = raw.Initialize()
		return // and so passes, if the process is still there
	}
	for _, rule := range []string{"C_Initialize crash", "C_Initialise return=0x30", "C_Login", "C_Login sometimes", "C_Login return"} {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashAndBadPlansEndTheProcess$", "-test.timeout=30s")
		command.Env = append(os.Environ(), "FAULTP11_TEST_RULE="+rule, "KEYFERRY_PKCS11_MODULE=")
		output, err := command.CombinedOutput()
		if err == nil || !strings.Contains(string(output), "SIGABRT") {
			t.Errorf("%s: %v", rule, err)
		}
	}
}
