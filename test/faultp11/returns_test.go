//go:build linux && cgo

package faultp11_test

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"testing"
)

//go:embed testdata/returns.txt
var returnsText string

// code is a return value and what callers of hsm make of it.
type code struct {
	number, name, kind string
}

// faulting is a function with the return values that the standard gives it, and the
// scenario in which hsm calls it.
type faulting struct {
	name, scenario string
	codes          []code
}

// table reads testdata/returns.txt.
func table(t testing.TB) []faulting {
	t.Helper()
	codes, sets := make(map[string]code), make(map[string][]code)
	var functions []faulting
	for line := range strings.Lines(returnsText) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "code":
			codes[words[2]] = code{number: words[1], name: words[2], kind: words[3]}
		case words[0] == "set":
			sets[strings.TrimSuffix(words[1], ":")] = resolve(t, codes, sets, words[2:])
		default:
			functions = append(functions, faulting{words[0], strings.TrimSuffix(words[1], ":"), resolve(t, codes, sets, words[2:])})
		}
	}
	if len(functions) < 25 {
		t.Fatalf("the table has %d functions", len(functions))
	}
	return functions
}

func resolve(t testing.TB, codes map[string]code, sets map[string][]code, words []string) []code {
	t.Helper()
	var list []code
	for _, word := range words {
		set, isSet := sets[word]
		single, isCode := codes[word]
		switch {
		case isSet:
			list = append(list, set...)
		case isCode:
			list = append(list, single)
		default:
			t.Fatalf("%q is neither a code nor a set", word)
		}
	}
	return list
}

// of gives the functions of a scenario. The short form has, for the scenarios that wait
// for breakers, one code of each kind.
func of(t testing.TB, scenario string, thinned bool) []faulting {
	t.Helper()
	functions := slices.DeleteFunc(table(t), func(f faulting) bool { return f.scenario != scenario })
	if !thinned || long() {
		return functions
	}
	for i := range functions {
		seen := make(map[string]bool)
		functions[i].codes = slices.DeleteFunc(functions[i].codes, func(c code) bool {
			again := seen[c.kind]
			seen[c.kind] = true
			return again
		})
	}
	return functions
}

func (f faulting) once(c code) string { return fmt.Sprintf("%s call=1 return=%s", f.name, c.number) }
