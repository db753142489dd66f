//go:build cgo

package torture

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// buildDisk compiles the failing disk into a folder, and returns its library.
func buildDisk(t *testing.T, folder string) string {
	t.Helper()
	library := filepath.Join(folder, "disk.so")
	output, err := exec.Command("cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, "testdata/disk.c", "-ldl").CombinedOutput()
	if err != nil {
		t.Fatalf("compiling: %v\n%s", err, output)
	}
	return library
}

// A disk that fails, in whatever way, refuses exports with 503; nothing is answered that is not on
// disk, and what was answered stays. The server heals, or is killed and starts again.
func TestFailingDiskRefusesAndHidesNothing(t *testing.T) {
	library := buildDisk(t, t.TempDir())
	for _, fault := range []string{"full", "readonly", "sync"} {
		t.Run(fault, func(t *testing.T) {
			dir := t.TempDir()
			start(t, dir).kill()
			switchFile := filepath.Join(dir, "fault")
			t.Setenv("LD_PRELOAD", library)
			t.Setenv("DISK_FAULT", switchFile)
			p := start(t, dir)
			auditor, told := newAuditor(t, dir), newTold()
			c := p.client(t)
			defer c.Close()
			key, ctx := p.env["KEYFERRY_KEY_ID"], context.Background()
			must(t, told.export(ctx, c, key))

			must(t, os.WriteFile(switchFile, []byte(fault+" /state/data/"), 0o600))
			for range 3 {
				checkRefusal(t, told.export(ctx, c, key))
				checkRefusal(t, told.importKey(ctx, c, ""))
			}
			must(t, os.Remove(switchFile))
			if err := told.export(ctx, c, key); err != nil {
				t.Errorf("it does not heal: %v", err)
			}
			p.kill()
			p = start(t, dir)
			read(t, auditor.visit(t)).check(t, p, told)
			everyKeyIsWhole(t, p)
		})
	}
}
