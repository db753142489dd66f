package guard

import (
	"math"
	"strings"
	"testing"
	"time"

	"keyferry/server/challenge"
)

func TestHonestChallengePassesUnchanged(t *testing.T) {
	s := newScene(t)
	var sent string
	s.lie = func(a *scripted) { sent = a.body() }
	if answer := s.init(); answer.status != 200 || answer.body != sent {
		t.Errorf("%s became %+v", sent, answer)
	}
}

func TestChallengesOfAllClientsSpellingsPass(t *testing.T) {
	s := newScene(t)
	for _, stated := range []string{
		statedBody("POST", wantsPath, ""),
		statedBody("POST", "/"+wantsPath+"?x=1", wantsPayload),
		statedBody("DELETE", "/keys/x", "{}"),
		`{"userActionHttpMethod":"POST","userActionHttpPath":"/keys","userActionPayload":"\u003c"}`,
	} {
		if answer := s.do("POST", "//auth/action/init", stated); answer.status != 200 {
			t.Errorf("%s: got %+v", stated, answer)
		}
	}
}

// Each lie is about one thing only: the challenge is always the hash of its input,
// unless that is the lie.
func TestChallengeForAnythingElseIsRefused(t *testing.T) {
	hour := challenge.Millis(time.Hour.Milliseconds())
	input := func(change func(in *challenge.Input)) func(a *scripted) {
		return func(a *scripted) { change(a.challenge.Input); a.challenge.seal() }
	}
	for name, c := range map[string]struct {
		lie  func(a *scripted)
		says string
	}{
		"another payload":         {input(func(in *challenge.Input) { in.PayloadHash = challenge.HashPayload(`{"encryptionKey":"<his>"}`) }), "its payload differs"},
		"another path":            {input(func(in *challenge.Input) { in.Path = "/keys/key-other/export" }), "in place of POST " + wantsPath},
		"a path without end":      {input(func(in *challenge.Input) { in.Path = strings.Repeat("x", 1<<20) }), "another request"},
		"another method":          {input(func(in *challenge.Input) { in.Method = "PUT" }), "PUT"},
		"another format":          {input(func(in *challenge.Input) { in.Label = "keyferry user action v2" }), "its format"},
		"another deployment":      {input(func(in *challenge.Input) { in.Deployment = "other" }), "deployment"},
		"another organisation":    {input(func(in *challenge.Input) { in.Organisation = "or-other" }), "organisation"},
		"another user":            {input(func(in *challenge.Input) { in.User = "us-other" }), "not pinned"},
		"good for an hour":        {input(func(in *challenge.Input) { in.ExpiresAt += hour }), "it would be good for"},
		"good for nothing":        {input(func(in *challenge.Input) { in.ExpiresAt = in.IssuedAt }), "it would be good for"},
		"good later":              {input(func(in *challenge.Input) { in.IssuedAt += hour; in.ExpiresAt += hour }), "compare the clocks"},
		"good earlier":            {input(func(in *challenge.Input) { in.IssuedAt -= hour; in.ExpiresAt -= hour }), "compare the clocks"},
		"good for ever":           {input(func(in *challenge.Input) { in.IssuedAt, in.ExpiresAt = math.MinInt64, math.MaxInt64 }), "it would be good for"},
		"not the input's":         {func(a *scripted) { a.challenge.Challenge = "ch-12345-67890-abcdefghijklmnop" }, "not the hash"},
		"another input's":         {func(a *scripted) { a.challenge.Input.Nonce[0]++ }, "not the hash"},
		"in another spelling":     {func(a *scripted) { a.challenge.Challenge += "=" }, "not the hash"},
		"without input":           {func(a *scripted) { a.challenge.Input = nil }, "challengeInput"},
		"with null for an input":  {func(a *scripted) { a.text = `{"challenge":"x","challengeInput":null}` }, "not the hash"},
		"with text for an input":  {func(a *scripted) { a.text = `{"challenge":"x","challengeInput":"y"}` }, "challengeInput"},
		"no challenge":            {func(a *scripted) { a.text = `{"challengeIdentifier":"x"}` }, "challenge"},
		"a second challenge":      {func(a *scripted) { a.text = strings.Replace(a.body(), `{`, `{"challenge":"x",`, 1) }, "challenge"},
		"one in capitals":         {func(a *scripted) { a.text = strings.Replace(a.body(), `{`, `{"Challenge":"x",`, 1) }, "differ in case only"},
		"an answer and another":   {func(a *scripted) { a.text = a.body() + a.body() }, "JSON"},
		"no JSON":                 {func(a *scripted) { a.text = "<html>" }, "JSON"},
		"JSON in UTF-16":          {func(a *scripted) { a.text = "\xfe\xff\x00{\x00}" }, "JSON"},
		"success by another name": {func(a *scripted) { a.status = 202 }, "status is 202"},
	} {
		s := newScene(t)
		s.lie = c.lie
		if answer := s.init(); !answer.isRefusal(502, c.says) || strings.Contains(answer.body, "challengeIdentifier") || len(answer.body) > 3*maxMessage {
			t.Errorf("%s: got %+v", name, answer)
		}
		if !strings.Contains(s.log.String(), "level=ERROR") {
			t.Errorf("%s: the log has %s", name, s.log)
		}
	}
}

// What a client signs for a login, a hostile server could use for anything else.
func TestChallengesThatSayNothingAreRefusedUnasked(t *testing.T) {
	s := newScene(t)
	for _, c := range []struct{ method, path string }{
		{"POST", "/auth/login/init"}, {"POST", "/auth/login"}, {"POST", "/auth/registration/init"}, {"POST", "//auth/credentials/init"},
		{"POST", "/%61uth/login/init"}, {"GET", "/auth/action/init"}, {"POST", "/auth/action/init/"}, {"PUT", "/auth/recover/user/init"},
	} {
		if answer := s.do(c.method, c.path, "{}"); !answer.isRefusal(403, "cannot be checked") {
			t.Errorf("%s %s: got %+v", c.method, c.path, answer)
		}
	}
	if len(s.requests()) != 0 {
		t.Errorf("the upstream was asked: %+v", s.requests())
	}
}

func TestAnyUserOfTheOrganisationPassesWhereNoneIsPinned(t *testing.T) {
	s := newSceneWith(t, func(c *Config) { c.Users = nil })
	s.lie = func(a *scripted) { a.challenge.Input.User = "us-other"; a.challenge.seal() }
	if answer := s.init(); answer.status != 200 {
		t.Errorf("got %+v", answer)
	}
}

func TestRequestsThatCannotBeCheckedAreNotSent(t *testing.T) {
	s := newScene(t)
	for name, c := range map[string]struct{ path, body string }{
		"a statement without a payload":  {"/auth/action/init", `{"userActionHttpMethod":"POST","userActionHttpPath":"/keys"}`},
		"two statements in one":          {"/auth/action/init", strings.Replace(statedBody("POST", "/keys", ""), "{", `{"userActionHttpPath":"/x",`, 1)},
		"a statement that is no JSON":    {"/auth/action/init", "POST /keys"},
		"an export to nobody":            {wantsPath, `{}`},
		"an export to two":               {wantsPath, `{"encryptionKey":"x","encryptionKey":"y"}`},
		"an export to the identity":      {wantsPath, `{"encryptionKey":"AQ=="}`},
		"an export by an ambiguous path": {"/keys/a%2Fexport", `{}`},
	} {
		if answer := s.do("POST", c.path, c.body); !answer.isRefusal(400, "") {
			t.Errorf("%s: got %+v", name, answer)
		}
	}
	if len(s.requests()) != 0 {
		t.Errorf("the upstream was asked: %+v", s.requests())
	}
}
