package compare

import (
	"encoding/base64"
	"strings"
	"testing"

	"keyferry/server/audit"
)

// FuzzEntries holds that whatever a signer's log has, the server's entry of a release
// that the signer has no record of is a difference, and the reverse.
func FuzzEntries(f *testing.F) {
	for _, e := range []audit.Entry{
		begun("aa"), finished("aa", audit.Released, ""), released("aa", 15), {Kind: audit.SignerRefused, Action: "aa"}, {Kind: audit.SignerStarted},
	} {
		text, err := e.Canonical()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, text)
	}
	f.Add([]byte(`{"kind":"share.released","Action":"bb"}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, server, signer []byte) {
		c := New()
		for i, e := range []audit.Entry{begun("honest"), finished("honest", audit.Released, "")} {
			must(t, c.AddServer(int64(i), canonical(t, e)))
		}
		if c.AddServer(2, server) != nil {
			return
		}
		add, err := c.AddSigner(one)
		must(t, err)
		entry, err := read(0, signer)
		if add(0, signer) != nil || err != nil {
			return
		}
		differences := c.Differences()
		released := entry.Kind == audit.ShareReleased && entry.Action == "honest"
		if missed := finds(differences, "honest"); missed == released && c.exports["honest"].released[one] {
			t.Fatalf("the signer says %s, and that is found: %v", signer, missed)
		}
		if entry.Kind == audit.ShareReleased && entry.Time <= c.last && c.exports[entry.Action] == nil && !finds(differences, entry.Action) {
			t.Fatalf("%s passes, and the server has no such export", signer)
		}
	})
}

func finds(differences []Difference, action string) bool {
	for _, d := range differences {
		if d.Action == action {
			return true
		}
	}
	return false
}

// FuzzSignerOf holds that a log's name names one signer in one way.
func FuzzSignerOf(f *testing.F) {
	f.Add("keyferry/test/" + SignerPart([32]byte{1, 0xab}))
	f.Add("keyferry/test/" + strings.ToUpper(SignerPart([32]byte{0xab})))
	f.Add("keyferry/signer-/signer-00")
	f.Fuzz(func(t *testing.T, origin string) {
		id, err := SignerOf(origin)
		if err != nil {
			if id != "" {
				t.Fatalf("%q, %v", id, err)
			}
			return
		}
		if !strings.HasSuffix(origin, "/"+SignerPart(decoded(t, id))) {
			t.Fatalf("%q is also that of %s", origin, id)
		}
	})
}

func decoded(t *testing.T, id string) [32]byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(id)
	must(t, err)
	return [32]byte(raw)
}
