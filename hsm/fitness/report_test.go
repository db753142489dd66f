//go:build cgo

package fitness_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"keyferry/hsm/fitness"
)

// Programs read these members.
func TestReportKeepsItsJSONForm(t *testing.T) {
	text, err := json.Marshal(examineSoftHSM(t))
	if err != nil {
		t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":           "checks module operations sessions tampered token uses verdict version",
		"module":     "cryptoki description manufacturer path version",
		"token":      "label manufacturer model",
		"sessions":   "bound limit opened",
		"uses":       "fit obstacles use",
		"checks":     "detail name outcome uses",
		"operations": "medianNanoseconds operation runs",
	} {
		if got := members(r, path); got != want {
			t.Errorf("%q has %q, want %q", path, got, want)
		}
	}
	if r["version"] != 1.0 || r["verdict"] != "fit" {
		t.Errorf("version %v, verdict %v", r["version"], r["verdict"])
	}
}

// members names the members of an object, or of the first in a list.
func members(r map[string]any, path string) string {
	object := r
	switch inner := r[path].(type) {
	case map[string]any:
		object = inner
	case []any:
		object = inner[0].(map[string]any)
	}
	return strings.Join(slices.Sorted(maps.Keys(object)), " ")
}

func TestUnfitErrorSaysWhyAndWhatToDo(t *testing.T) {
	r := examineNSS(t)
	if err := r.Require(fitness.Hold, fitness.Sign); err != nil {
		t.Errorf("NSS holds and signs: %v", err)
	}
	err := r.Require(fitness.Hold, fitness.Import)
	var unfit *fitness.UnfitError
	if !errors.As(err, &unfit) || unfit.Use != fitness.Import {
		t.Fatalf("got %v", err)
	}
	for _, words := range []string{"NSS Certificate DB", "import shares", "import.generate", "secp256k1", "signer ingest"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("nothing about %q in: %v", words, err)
		}
	}
}
