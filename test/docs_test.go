package test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The folders for which docs/hsm.md has a letter.
var folderOf = map[string]string{"f": "test/faultp11", "n": "server/signer/node", "s": "server/store"}

// The documents claim what tests show; so the tests that they name must be there.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	tests := declaredTests(t)
	name := regexp.MustCompile("`(?:([fns])/)?((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*)`")
	named := 0
	for path, text := range documents(t) {
		for _, match := range name.FindAllStringSubmatch(text, -1) {
			named++
			folders := tests[match[2]]
			if len(folders) == 0 || match[1] != "" && !slices.Contains(folders, folderOf[match[1]]) {
				t.Errorf("%s names %s, which is in %q", path, match[0], folders)
			}
		}
	}
	if named < 300 {
		t.Errorf("only %d tests are named", named)
	}
}

// Files of this tree are named by their paths, from the root or from the document.
func TestDocumentsNameFilesThatExist(t *testing.T) {
	name := regexp.MustCompile("`((?:config|deploy|docs|hsm|server|shares|test)/[^` ]+)`")
	named := 0
	for path, text := range documents(t) {
		for _, match := range name.FindAllStringSubmatch(text, -1) {
			named++
			if _, err := os.Stat(filepath.Join("..", match[1])); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d files are named", named)
	}
}

// A package's documentation is a map of its files; none of them may be gone.
func TestPackageDocumentsNameFilesThatExist(t *testing.T) {
	head := regexp.MustCompile(`(?m)^// Package (?:.*\n(?://.*\n)+)`)
	name := regexp.MustCompile(`[a-z0-9_*]+\.(?:go|c|h)\b`)
	named := 0
	for path, text := range sources(t) {
		for _, file := range name.FindAllString(head.FindString(text), -1) {
			named++
			if found, err := filepath.Glob(filepath.Join(filepath.Dir(path), file)); err != nil || len(found) == 0 {
				t.Errorf("%s names %s, which does not exist", path, file)
			}
		}
	}
	if named < 150 {
		t.Errorf("only %d files are named", named)
	}
}

// Operators find in their handbook whatever a log or a metric can say to them.
func TestOperatorsAreToldEveryEntryAndMetric(t *testing.T) {
	handbook := read(t, "../docs/operations.md")
	kinds := regexp.MustCompile(`Kind = "(([a-z-]+\.)[a-z-]+)"`).FindAllStringSubmatch(read(t, "../server/audit/audit.go"), -1)
	for _, kind := range kinds {
		if !strings.Contains(handbook, "`"+kind[1]+"`") && !strings.Contains(handbook, "`"+kind[2]+"…`") {
			t.Errorf("no word of entries of kind %s", kind[1])
		}
	}
	metric := regexp.MustCompile(`"(keyferry_[a-z_]+)"`)
	metrics := 0
	for path, text := range sources(t) {
		if filepath.Dir(path) != filepath.FromSlash("../server/metrics") || strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, name := range metric.FindAllStringSubmatch(text, -1) {
			metrics++
			if !strings.Contains(handbook, "`"+name[1]+"{") && !strings.Contains(handbook, "`"+name[1]+"`") {
				t.Errorf("no word of %s", name[1])
			}
		}
	}
	if len(kinds) < 30 || metrics < 10 {
		t.Errorf("only %d kinds and %d metrics", len(kinds), metrics)
	}
}

// documents returns what is written for people, by its path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/adr/*.md", "../test/*/*.md", "../shares/testdata/*.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
		}
		for _, path := range paths {
			texts[path] = read(t, path)
		}
	}
	return texts
}

// declaredTests returns the folders, from the root, of the tests by each name.
func declaredTests(t *testing.T) map[string][]string {
	t.Helper()
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Za-z0-9_]*)\(`)
	tests := map[string][]string{}
	for path, text := range sources(t) {
		if !strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, match := range declaration.FindAllStringSubmatch(text, -1) {
			folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../")
			tests[match[1]] = append(tests[match[1]], folder)
		}
	}
	return tests
}

// sources returns all Go files, by their paths.
func sources(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			texts[path] = read(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
