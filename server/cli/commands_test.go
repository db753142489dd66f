//go:build cgo

package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// leaves returns the commands below c that do something, as one would type them.
func leaves(c *cobra.Command) (paths []string) {
	if !c.HasSubCommands() {
		return []string{c.CommandPath()}
	}
	for _, sub := range c.Commands() {
		paths = append(paths, leaves(sub)...)
	}
	return paths
}

// A client's build has each command, or says why it has not.
func TestBuildWithoutCgoKnowsEveryCommand(t *testing.T) {
	program := filepath.Join(t.TempDir(), "keyferry")
	build := exec.Command("go", "build", "-o", program, "../..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	paths := leaves(newRoot())
	if len(paths) < 40 {
		t.Errorf("only %d commands", len(paths))
	}
	for _, path := range paths {
		output, _ := exec.Command(program, append(strings.Fields(path)[1:], "--help")...).CombinedOutput()
		if text := string(output); !strings.Contains(text, "Usage:\n  "+path) && !strings.Contains(text, "without cgo") {
			t.Errorf("%s: %s", path, text)
		}
	}
}

// documented is a command as a document has it: whole in a block of its own, or named in a
// sentence, where arguments may be missing.
type documented struct {
	words []string
	whole bool
}

var (
	blockLine = regexp.MustCompile(`(?m)^ {4,}(.*)$`)
	inline    = regexp.MustCompile("`([^`]+)`")
	label     = regexp.MustCompile(` v[0-9]+$`) // of what is signed: docs/protocol.md
	unsaid    = strings.NewReplacer("[", "", "]", "", "…", "")
)

func commandsIn(text string) (found []documented) {
	add := func(line string, whole bool) {
		line, _, _ = strings.Cut(line, " #")
		line, _, _ = strings.Cut(line, " > ")
		words := strings.Fields(unsaid.Replace(line))
		if len(words) > 1 && (words[0] == "keyferry" || words[0] == "bin/keyferry") && !label.MatchString(line) {
			found = append(found, documented{words[1:], whole})
		}
	}
	text = strings.ReplaceAll(text, "\\\n", " ")
	for _, match := range blockLine.FindAllStringSubmatch(text, -1) {
		add(match[1], true)
	}
	for _, match := range inline.FindAllStringSubmatch(blockLine.ReplaceAllString(text, ""), -1) {
		add(match[1], false)
	}
	return found
}

// understood tells whether the program takes a documented command line.
func (d documented) understood() error {
	c, rest, err := newRoot().Find(d.words)
	if err != nil {
		return err
	}
	if c.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return fmt.Errorf("%q has no command %q", c.CommandPath(), rest[0])
	}
	if d.whole {
		return errors.Join(c.ParseFlags(rest), c.ValidateRequiredFlags(), c.ValidateArgs(c.Flags().Args()))
	}
	for _, word := range rest {
		if name, ok := strings.CutPrefix(word, "--"); ok && c.Flags().Lookup(name) == nil {
			return fmt.Errorf("%q has no flag --%s", c.CommandPath(), name)
		}
	}
	return nil
}

func TestDocumentedCommandsAreUnderstood(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	whole, named := 0, 0
	for _, path := range append(documents, "../../README.md", "../../CHANGELOG.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range commandsIn(string(text)) {
			if err := command.understood(); err != nil {
				t.Errorf("%s: keyferry %s: %v", path, strings.Join(command.words, " "), err)
			}
			if command.whole {
				whole++
			} else {
				named++
			}
		}
	}
	if whole < 20 || named < 20 {
		t.Errorf("only %d commands in blocks and %d in sentences", whole, named)
	}
}
