//go:build linux && cgo

package test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"keyferry/hsm/fitness"
	"keyferry/hsm/hsmtest"
)

// patient is a token that doctors in processes of their own examine.
type patient struct {
	program, label, pinFile, module string
	conf                            string // SoftHSM's configuration
}

func newPatient(t *testing.T) patient {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatalf("building: %v", err)
	}
	dir := t.TempDir()
	p := patient{program, "patient", filepath.Join(dir, "pin"), hsmtest.Path(t), filepath.Join(dir, "softhsm2.conf")}
	for path, text := range map[string]string{p.pinFile: hsmtest.PIN, p.conf: "directories.tokendir = " + dir + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	making := exec.Command("softhsm2-util", "--init-token", "--free", "--label", p.label, "--pin", hsmtest.PIN, "--so-pin", hsmtest.PIN)
	making.Env = p.environment()
	if output, err := making.CombinedOutput(); err != nil {
		t.Fatalf("making a token: %v\n%s", err, output)
	}
	return p
}

func (p patient) environment() []string { return append(os.Environ(), "SOFTHSM2_CONF="+p.conf) }

// objects counts what is on the token, by SoftHSM's files.
func (p patient) objects(t *testing.T) int {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(filepath.Dir(p.conf), "*", "*.object"))
	if err != nil {
		t.Fatal(err)
	}
	return len(slices.DeleteFunc(all, func(path string) bool { return filepath.Base(path) == "token.object" }))
}

// doctor is a command that prints its report as JSON.
func (p patient) doctor(report *bytes.Buffer, flags ...string) *exec.Cmd {
	c := exec.Command(p.program, append([]string{"doctor", "--json", "--module", p.module, "--token", p.label, "--pin-file", p.pinFile}, flags...)...)
	c.Env, c.Stdout = p.environment(), report
	return c
}

// mustBeFit reads a report in which nothing speaks against the token; but checks that are named
// may warn.
func mustBeFit(t *testing.T, report *bytes.Buffer, mayWarn ...string) {
	t.Helper()
	var r fitness.Report
	if err := json.Unmarshal(report.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, report)
	}
	if r.Verdict != fitness.Fit {
		t.Errorf("the verdict is %q", r.Verdict)
	}
	for _, c := range r.Checks {
		if c.Outcome != fitness.Passed && !(c.Outcome == fitness.Warning && slices.Contains(mayWarn, c.Name)) {
			t.Errorf("%+v", c)
		}
	}
}

// One doctor has keys on the token while another one does all of his work.
func TestADoctorLeavesAnothersKeysAlone(t *testing.T) {
	p := newPatient(t)
	lines, said := linePipe(t)
	var early, late bytes.Buffer
	first := p.doctor(&early, "--verbose")
	first.Stderr = said
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { first.Process.Kill() })
	if err := said.Close(); err != nil {
		t.Fatal(err)
	}
	readLines(t, lines, "trying seal.round-trip") // with the key that was made before
	held := p.objects(t)
	if held == 0 {
		t.Fatal("the first doctor has no keys on the token")
	}
	if err := p.doctor(&late).Run(); err != nil {
		t.Errorf("the second doctor: %v", err)
	}
	mustBeFit(t, &late, "leftovers")
	if n := p.objects(t); n != held {
		t.Errorf("%d objects are on the token, %d before", n, held)
	}
	readToTheEnd(lines)
	if err := first.Wait(); err != nil {
		t.Errorf("the first doctor: %v", err)
	}
	mustBeFit(t, &early)
	if n := p.objects(t); n != 0 {
		t.Errorf("%d objects are left", n)
	}
}

// Doctors who are at work at the same time find what each would find alone. SoftHSM writes a
// token's file in place at each login: so the second begins when the first one is in.
func TestDoctorsAtTheSameTimeFindTheTokenFit(t *testing.T) {
	p := newPatient(t)
	for range 5 {
		var early, late bytes.Buffer
		lines, said := linePipe(t)
		first, second := p.doctor(&early, "--verbose"), p.doctor(&late)
		first.Stderr, second.Stderr = said, os.Stderr
		if err := first.Start(); err != nil {
			t.Fatal(err)
		}
		if err := said.Close(); err != nil {
			t.Fatal(err)
		}
		readLines(t, lines, "trying leftovers")
		if err := second.Start(); err != nil {
			t.Fatal(err)
		}
		readToTheEnd(lines)
		for name, doctor := range map[string]*exec.Cmd{"first": first, "second": second} {
			if err := doctor.Wait(); err != nil {
				t.Errorf("the %s doctor: %v", name, err)
			}
		}
		mustBeFit(t, &early, "leftovers")
		mustBeFit(t, &late, "leftovers")
		if n := p.objects(t); n != 0 {
			t.Errorf("%d objects are left", n)
		}
	}
}
