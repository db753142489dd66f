package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is the project's layering: which packages of ours each package may
// import itself. A package that is not in it fails the test, so that a new one is
// placed on purpose.
var mayImport = map[string][]string{
	"":                              {"server/cli"},
	"config":                        {"server/origin"},
	"shares/fields":                 {},
	"shares/locked":                 {},
	"shares/locked/lockedtest":      {"shares/locked"},
	"shares":                        {"shares/fields", "shares/locked"},
	"shares/envelope":               {"shares/locked"},
	"shares/recovery":               {"shares", "shares/attest", "shares/envelope", "shares/locked", "shares/manifest", "shares/statement"},
	"shares/dealer":                 {"shares", "shares/envelope", "shares/locked"},
	"shares/manifest":               {"shares/envelope", "shares/fields"},
	"shares/statement":              {"shares", "shares/fields", "shares/manifest"},
	"shares/attest":                 {"shares", "shares/envelope", "shares/manifest", "shares/statement"},
	"shares/keyformat":              {"shares", "shares/locked"},
	"hsm":                           {"hsm/fitness", "shares/locked"},
	"hsm/fitness":                   {},
	"hsm/hsmtest":                   {"hsm", "shares/locked"},
	"server/fault":                  {},
	"server/origin":                 {},
	"server/strictjson":             {},
	"server/challenge":              {"shares/fields"},
	"server/recent":                 {},
	"server/identity":               {"server/fault", "server/recent"},
	"server/useraction":             {"server/challenge", "server/fault", "server/identity", "server/origin", "server/recent", "server/strictjson", "shares/fields"},
	"server/keyring":                {"server/challenge", "server/fault", "server/identity", "shares", "shares/manifest"},
	"server/policy":                 {"server/fault", "server/identity", "server/keyring", "server/useraction"},
	"server/audit":                  {"server/audit/merkle", "server/challenge", "server/fault", "server/identity"},
	"server/audit/merkle":           {},
	"server/audit/compare":          {"server/audit", "server/challenge"},
	"server/audit/receipt":          {"server/audit", "server/audit/merkle"},
	"server/signer":                 {"server/challenge", "server/fault", "server/identity", "server/keyring", "server/recent", "server/strictjson", "server/useraction", "shares", "shares/envelope", "shares/fields", "shares/manifest", "shares/statement"},
	"server/signer/trust":           {"server/identity", "server/origin", "server/strictjson", "server/useraction", "shares", "shares/fields", "shares/locked"},
	"server/signer/trust/trusttest": {"server/identity", "server/signer/trust"},
	"server/signer/remote":          {"server/challenge", "server/fault", "server/identity", "server/keyring", "server/signer", "server/useraction", "shares", "shares/manifest", "shares/statement"},
	"server/signer/node":            {"hsm", "server/audit", "server/challenge", "server/fault", "server/identity", "server/keyring", "server/recent", "server/signer", "server/useraction", "shares", "shares/envelope", "shares/fields", "shares/locked", "shares/manifest", "shares/statement"},
	"server/signer/documents":       {"server/identity", "server/signer/node", "server/signer/trust"},
	"server/transfer":               {"server/audit", "server/challenge", "server/fault", "server/identity", "server/keyring", "server/policy", "server/signer", "server/useraction", "shares", "shares/manifest", "shares/statement"},
	"server/admin":                  {"server/audit", "server/challenge", "server/identity", "server/useraction"},
	"server/store":                  {"server/admin", "server/audit", "server/audit/merkle", "server/challenge", "server/fault", "server/identity", "server/keyring", "server/recent", "server/signer", "server/signer/node", "server/signer/trust", "server/transfer", "server/useraction", "shares", "shares/manifest"},
	"server/store/postgrestest":     {},
	"server/api":                    {"server/audit", "server/audit/merkle", "server/audit/receipt", "server/challenge", "server/fault", "server/identity", "server/keyring", "server/policy", "server/signer", "server/strictjson", "server/transfer", "server/useraction", "shares", "shares/manifest", "shares/statement"},
	"server/health":                 {},
	"server/metrics":                {"hsm", "server/audit", "server/transfer"},
	"server/guard":                  {"server/challenge", "server/strictjson", "shares/attest", "shares/envelope", "shares/manifest"},
	"server/client":                 {"server/challenge", "shares", "shares/attest", "shares/dealer", "shares/envelope", "shares/locked", "shares/manifest", "shares/recovery"},

	"shares/attest/attesttest":     {"shares", "shares/envelope", "shares/locked", "shares/manifest", "shares/manifest/manifesttest", "shares/statement"},
	"shares/envelope/envelopetest": {"shares/envelope"},
	"shares/manifest/manifesttest": {"shares/envelope/envelopetest", "shares/manifest"},
}

// neverReach says which packages must not be able to get at which others, by any way.
// What serves the network, and what runs on the client, has no code that opens a
// share's token.
var neverReach = map[string][]string{
	"server/api":      {"hsm", "server/store", "server/signer/node"},
	"server/transfer": {"hsm", "server/store", "server/signer/node"},
	"server/client":   {"hsm", "server/store", "server/signer"},
	"server/guard":    {"hsm", "server/store", "server/signer"},
	// The wire has no way to a token: what is at its other end is given to it.
	"server/signer/remote": {"hsm", "server/store", "server/signer/node"},
	"shares/attest":        {"hsm", "server"},
	"shares/recovery":      {"hsm", "server"},
	"shares/dealer":        {"hsm", "server"},
	"hsm":                  {"server"},
}

// goPackage is what `go list -json` says of a package.
type goPackage struct {
	ImportPath    string
	Imports, Deps []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	command := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...")
	command.Dir = ".."
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []goPackage
	decoder := json.NewDecoder(bytes.NewReader(output))
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// ours returns the paths within the module of those packages that are ours.
func ours(paths []string) []string {
	var list []string
	for _, path := range paths {
		if path == "keyferry" {
			list = append(list, "")
		} else if inner, ok := strings.CutPrefix(path, "keyferry/"); ok {
			list = append(list, inner)
		}
	}
	return list
}

func TestPackagesImportOnlyWhatTheirLayerMay(t *testing.T) {
	for _, p := range listPackages(t) {
		name := ours([]string{p.ImportPath})[0]
		if isTop(name) {
			continue
		}
		allowed, placed := mayImport[name]
		if !placed {
			t.Errorf("package %s has no place in the layering", p.ImportPath)
		}
		for _, imported := range ours(p.Imports) {
			if !slices.Contains(allowed, imported) {
				t.Errorf("%q imports %q, which its layer may not", name, imported)
			}
		}
	}
}

// isTop is true for what may import everything: the composition root, the commands
// with what they show and set up for development, and tests that use the whole.
func isTop(name string) bool {
	return slices.Contains([]string{"server", "server/cli", "server/demo", "server/sandbox", "server/signer/signertest"}, name) || name == "test" || strings.HasPrefix(name, "test/") || strings.HasPrefix(name, "shares/internal")
}

func TestNetworkAndClientNeverReachTokens(t *testing.T) {
	checked := 0
	for _, p := range listPackages(t) {
		name := ours([]string{p.ImportPath})[0]
		for _, forbidden := range neverReach[name] {
			checked++
			for _, dep := range ours(p.Deps) {
				if dep == forbidden || strings.HasPrefix(dep, forbidden+"/") {
					t.Errorf("%q reaches %q", name, dep)
				}
			}
		}
	}
	if checked < len(neverReach) {
		t.Errorf("only %d rules were checked", checked)
	}
}
