//go:build linux

// Package faultp11 puts a PKCS#11 module that fails on demand between a program and a
// real module. The module is C, in the folder module; README.md describes it for
// those who use it without Go. This package builds it, writes its plan and reads what it
// counts.
package faultp11

import (
	"bytes"
	"embed"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed module
var source embed.FS

// Module is one built module with its plan and its counters.
type Module struct {
	Path      string // of the library
	plan      string
	stats     string
	functions []string // in the order of the counters
}

// Build compiles the module into dir, with the C compiler that CC names, else cc.
func Build(dir string) (*Module, error) {
	if err := os.CopyFS(dir, source); err != nil {
		return nil, fmt.Errorf("unpacking faultp11: %w", err)
	}
	m := &Module{
		Path:  filepath.Join(dir, "libfaultp11.so"),
		plan:  filepath.Join(dir, "plan"),
		stats: filepath.Join(dir, "stats"),
	}
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "cc"
	}
	command := exec.Command(compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-fvisibility=hidden",
		"-shared", "-o", m.Path, "module/module.c", "module/plan.c", "module/tally.c", "-ldl", "-lpthread")
	command.Dir = dir
	if output, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling faultp11: %w\n%s", err, output)
	}
	header, err := source.ReadFile("module/cryptoki.h")
	if err != nil {
		return nil, err
	}
	m.functions = functionsIn(string(header))
	return m, nil
}

func functionsIn(header string) []string {
	var names []string
	for line := range strings.Lines(header) {
		if rest, ok := strings.CutPrefix(line, "\tF("); ok {
			name, _, _ := strings.Cut(rest, ",")
			names = append(names, name)
		}
	}
	return names
}

// Environment is what the module needs to find the real one, its plan and its counters.
// It reads it once, when a program first loads it.
func (m *Module) Environment(realModule string) map[string]string {
	return map[string]string{"FAULTP11_MODULE": realModule, "FAULTP11_PLAN": m.plan, "FAULTP11_STATS": m.stats}
}

// Plan replaces the plan: from the next call on, these rules hold, and their counting of
// calls begins. No rule means no fault. Calls that hang by a rule that is gone go on.
func (m *Module) Plan(rules ...string) error {
	next := m.plan + ".next"
	if err := os.WriteFile(next, []byte(strings.Join(rules, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return os.Rename(next, m.plan)
}

// Stats is what the module has counted since it was loaded.
type Stats struct {
	Sessions int            // open now
	Hanging  int            // calls that hang now
	Heap     int            // bytes of C heap in use in this process, as of the last C_GetInfo
	Calls    map[string]int // by function
}

// Stats reads the counters. They are zero until the module is loaded.
func (m *Module) Stats() (Stats, error) {
	content, err := os.ReadFile(m.stats)
	if err != nil {
		return Stats{}, fmt.Errorf("reading faultp11's counters: %w", err)
	}
	numbers := make([]int64, 3+len(m.functions))
	if err := binary.Read(bytes.NewReader(content), binary.NativeEndian, numbers); err != nil {
		return Stats{}, fmt.Errorf("reading faultp11's counters: %w", err)
	}
	stats := Stats{Sessions: int(numbers[0]), Hanging: int(numbers[1]), Heap: int(numbers[2]), Calls: make(map[string]int)}
	for i, name := range m.functions {
		stats.Calls[name] = int(numbers[3+i])
	}
	return stats, nil
}
