//go:build cgo

package torture

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// tokenFiles are SoftHSM's files of the tokens themselves, by their paths: label, PINs,
// flags. SoftHSM writes such a file in place at each login, with the same content but for
// flags. Who is killed in the middle of that leaves a token that is none any more. Hardware
// does not do so, and it is not what these tests are about: such a file is put back.
type tokenFiles map[string][]byte

// keepTokens reads the files below a directory, while nobody logs in.
func keepTokens(t *testing.T, dir string) tokenFiles {
	t.Helper()
	kept := tokenFiles{}
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "token.object" {
			return nil // other files come and go
		}
		content, err := os.ReadFile(path)
		kept[path] = content
		return err
	}))
	if len(kept) < devSigners {
		t.Fatalf("%d tokens are below %s", len(kept), dir)
	}
	return kept
}

// mend puts back what was cut short. Those who use the token meanwhile find either file
// whole.
func (k tokenFiles) mend(t *testing.T) {
	t.Helper()
	for path, content := range k {
		if info, err := os.Stat(path); err == nil && info.Size() == int64(len(content)) {
			continue
		}
		if err := os.WriteFile(path+".kept", content, 0o600); err != nil {
			t.Error(err)
		} else if err := os.Rename(path+".kept", path); err != nil {
			t.Error(err)
		}
	}
}
