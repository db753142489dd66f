package compare

import (
	"strings"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/challenge"
)

const (
	one = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	two = "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// story is what the server and one signer say.
type story struct{ server, signer []audit.Entry }

func (s story) compare(t *testing.T) *Comparison {
	t.Helper()
	c := New()
	for i, e := range s.server {
		must(t, c.AddServer(int64(i), canonical(t, e)))
	}
	add, err := c.AddSigner(one)
	must(t, err)
	for i, e := range s.signer {
		must(t, add(int64(i), canonical(t, e)))
	}
	return c
}

func canonical(t *testing.T, e audit.Entry) []byte {
	t.Helper()
	text, err := e.Canonical()
	must(t, err)
	return text
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func begun(action string) audit.Entry {
	return audit.Entry{Time: 10, Kind: audit.ExportBegun, Action: action, Key: "key-1"}
}

func finished(action string, outcome audit.Outcome, reason string) audit.Entry {
	e := audit.Entry{Time: 20, Kind: audit.ExportFinished, Action: action, Key: "key-1", Outcome: outcome}
	e.Signers = []audit.SignerOutcome{{Signer: one}, {Signer: two, Reason: "late"}}
	if reason != "" {
		e.Signers[0].Reason = "refused"
	}
	return e
}

func released(action string, at challenge.Millis) audit.Entry {
	return audit.Entry{Time: at, Kind: audit.ShareReleased, Action: action, Key: "key-1"}
}

func refused(action string) audit.Entry {
	return audit.Entry{Time: 16, Kind: audit.SignerRefused, Action: action}
}

func TestLogsThatAgreeHaveNoDifference(t *testing.T) {
	for name, s := range map[string]story{
		"an export":                   {[]audit.Entry{begun("a"), finished("a", audit.Released, "")}, []audit.Entry{released("a", 15)}},
		"asked twice":                 {[]audit.Entry{begun("a"), finished("a", audit.Released, "")}, []audit.Entry{released("a", 15), released("a", 16)}},
		"the answer was lost":         {[]audit.Entry{begun("a"), finished("a", audit.Failed, "no answer")}, []audit.Entry{released("a", 15)}},
		"the server crashed":          {[]audit.Entry{begun("a")}, []audit.Entry{released("a", 15)}},
		"the token failed":            {[]audit.Entry{begun("a"), finished("a", audit.Void, "token")}, []audit.Entry{released("a", 15), refused("a")}},
		"refused, and never recorded": {nil, []audit.Entry{refused("a")}},
	} {
		c := s.compare(t)
		if got := c.Differences(); len(got) != 0 || c.Newer != 0 {
			t.Errorf("%s: %v, %d newer", name, got, c.Newer)
		}
	}
}

func TestAnExportThatOneSideLacksIsShown(t *testing.T) {
	other := released("a", 15)
	other.Key = "key-2"
	for what, s := range map[string]story{
		"the server has no record of the export":          {[]audit.Entry{begun("b"), finished("b", audit.Failed, "x")}, []audit.Entry{released("a", 15)}},
		"the signer has no record of it":                  {[]audit.Entry{begun("a"), finished("a", audit.Released, "")}, nil},
		"the server says that nothing was released":       {[]audit.Entry{begun("a"), finished("a", audit.Void, "x")}, []audit.Entry{released("a", 15)}},
		`the server says it was of key "key-1"`:           {[]audit.Entry{begun("a"), finished("a", audit.Released, "")}, []audit.Entry{other}},
		"server says that nothing was released":           {[]audit.Entry{begun("a"), finished("a", audit.Void, "x")}, []audit.Entry{released("a", 12), refused("a"), released("a", 15)}},
		"released its share; the signer has no record of": {[]audit.Entry{begun("a"), finished("a", audit.Released, "")}, []audit.Entry{refused("a")}},
	} {
		got := s.compare(t).Differences()
		if len(got) != 1 || !strings.Contains(got[0].What, what) || got[0].Signer != one || got[0].Action != "a" {
			t.Errorf("%s: got %v", what, got)
		}
	}
}

func TestAReleaseBehindTheEndOfTheServersLogIsCountedAndNotBlamed(t *testing.T) {
	c := story{[]audit.Entry{begun("b"), finished("b", audit.Failed, "x")}, []audit.Entry{released("a", 21)}}.compare(t)
	if got := c.Differences(); len(got) != 0 || c.Newer != 1 {
		t.Errorf("%v, %d newer", got, c.Newer)
	}
}

func TestASignerIsComparedOnce(t *testing.T) {
	if _, err := (story{}).compare(t).AddSigner(one); err == nil {
		t.Error("twice")
	}
}

func TestNamesOfSignersLogsGiveTheirIDs(t *testing.T) {
	var id [32]byte
	for i := range id {
		id[i] = byte(i)
	}
	if got, err := SignerOf("keyferry/d/" + SignerPart(id)); err != nil || got != one {
		t.Errorf("%s, %v", got, err)
	}
	for _, origin := range []string{"", "keyferry/d/server", "keyferry/d/signer-00", "keyferry/d/signer-zz"} {
		if _, err := SignerOf(origin); err == nil {
			t.Errorf("%q is a signer's", origin)
		}
	}
}
