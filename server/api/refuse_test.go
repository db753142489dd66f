package api

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/shares/envelope/envelopetest"
)

// refusal is what a refused request must come to.
type refusal struct {
	status int
	reason fault.Reason
}

// expectRefusal checks the answer, and that it was recorded exactly once, with the
// true reason and under the id that the caller was given.
func (s *service) expectRefusal(t *testing.T, r *http.Request, by caller, want refusal) {
	t.Helper()
	before := len(s.book.recorded(audit.RequestRefused))
	got := s.do(t, r)
	id := expectError(t, got, want.status)
	entries := s.book.recorded(audit.RequestRefused)[before:]
	if len(entries) != 1 {
		t.Fatalf("recorded %d times: %+v", len(entries), entries)
	}
	entry := entries[0]
	if entry.Reason != want.reason || entry.Org != by.Org || entry.User != by.ID || entry.Token != by.record ||
		entry.Details["errorId"] != id || entry.Time.Time() != s.time().Truncate(time.Millisecond) {
		t.Errorf("want reason %s by %q, recorded %+v", want.reason, by.ID, entry)
	}
	if path := r.Method + " " + r.URL.Path; entry.Request != path {
		t.Errorf("request %q recorded as %q", path, entry.Request)
	}
}

// expectError checks the shape of an error and returns its id.
func expectError(t testing.TB, got answer, status int) string {
	t.Helper()
	if got.status != status {
		t.Fatalf("status %d, want %d: %s", got.status, status, got.text)
	}
	detail, _ := got.body["error"].(map[string]any)
	id, _ := detail["id"].(string)
	message, _ := got.body["message"].(string)
	if len(got.body) != 2 || len(detail) != 3 || !strings.HasPrefix(id, "er-") || detail["status"] != float64(status) ||
		message == "" || detail["message"] != message {
		t.Errorf("not the shape of an error: %s", got.text)
	}
	if status == http.StatusInternalServerError && message != "Internal Server Error" {
		t.Errorf("says too much: %s", got.text)
	}
	return id
}

func TestEveryRouteRefusesCallersItDoesNotKnow(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	revoked := s.caller(t, "revoked", "or-one", identity.Permissions()...)
	off := s.caller(t, "off", "or-one", identity.Permissions()...)
	s.book.change(func() {
		token := s.book.tokens[revoked.record]
		token.RevokedAt = start
		s.book.tokens[revoked.record] = token
		user := s.book.users[off.ID]
		user.Active = false
		s.book.users[off.ID] = user
	})
	unauthorized := func(reason fault.Reason) refusal { return refusal{http.StatusUnauthorized, reason} }
	for name, c := range map[string]struct {
		header []string
		want   refusal
	}{
		"no header":        {nil, unauthorized("token.missing")},
		"empty header":     {[]string{""}, unauthorized("token.malformed")},
		"no scheme":        {[]string{alice.token}, unauthorized("token.malformed")},
		"other scheme":     {[]string{"Basic " + alice.token}, unauthorized("token.malformed")},
		"no token":         {[]string{"Bearer "}, unauthorized("token.malformed")},
		"two headers":      {[]string{"Bearer " + alice.token, "Bearer " + alice.token}, unauthorized("token.malformed")},
		"two tokens":       {[]string{"Bearer " + alice.token + ", Bearer " + alice.token}, unauthorized("token.invalid")},
		"not a token":      {[]string{"Bearer x"}, unauthorized("token.invalid")},
		"edited token":     {[]string{"Bearer " + alice.token[:len(alice.token)-2]}, unauthorized("token.invalid")},
		"revoked token":    {[]string{"Bearer " + revoked.token}, unauthorized("token.invalid")},
		"deactivated user": {[]string{"Bearer " + off.token}, refusal{http.StatusBadRequest, "user.deactivated"}},
	} {
		for _, route := range []struct{ method, path string }{
			{"POST", "/auth/action/init"}, {"POST", "/auth/action"}, {"GET", "/signers"}, {"GET", "/keys"},
			{"GET", "/keys/key-1"}, {"POST", "/keys/import"}, {"POST", "/keys/key-1/export"},
		} {
			t.Run(name+" "+route.path, func(t *testing.T) {
				r := s.request(t, caller{}, route.method, route.path, "")
				r.Header["Authorization"] = c.header
				s.expectRefusal(t, r, caller{}, c.want)
			})
		}
	}
}

func TestExpiredTokenIsRefused(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	s.wait(2 * time.Hour)
	s.expectRefusal(t, s.request(t, alice, "GET", "/keys", ""), caller{}, refusal{http.StatusUnauthorized, "token.invalid"})
}

func TestRefusedCallersLearnHowToAuthenticate(t *testing.T) {
	s := newService(t)
	got := s.send(t, caller{}, "GET", "/keys", "")
	if got.header.Get("WWW-Authenticate") != "Bearer" || got.body["message"] != "Not Authorized." {
		t.Errorf("%v %s", got.header, got.text)
	}
}

func TestTheBearerSchemeIsTakenInAnyCase(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for _, scheme := range []string{"bearer ", "BEARER ", "Bearer   "} {
		r := s.request(t, alice, "GET", "/keys", "")
		r.Header.Set("Authorization", scheme+alice.token)
		if got := s.do(t, r); got.status != http.StatusOK {
			t.Errorf("%q: %d %s", scheme, got.status, got.text)
		}
	}
}

func TestEveryUseRefusesCallersWithoutPermission(t *testing.T) {
	s := newService(t)
	mallory := s.caller(t, "mallory", "or-one") // of Alice's organisation, but may do nothing
	want := refusal{http.StatusForbidden, "permission.missing"}
	for _, path := range []string{"/signers", "/keys", "/keys/" + string(sampleKey), "/keys/key-unknown"} {
		s.expectRefusal(t, s.request(t, mallory, "GET", path, ""), mallory, want)
	}
	s.expectRefusal(t, s.signed(t, mallory, exportPath(sampleKey), exportText(t)), mallory, want)
	s.expectRefusal(t, s.signed(t, mallory, exportPath("key-unknown"), exportText(t)), mallory, want)
	s.expectRefusal(t, s.signed(t, mallory, "/keys/import", s.importText(t)), mallory, want)

	got := s.send(t, mallory, "GET", "/keys", "")
	if want := "ServiceAccount us-mallory is not authorized to perform operation (Keys:Read)"; got.body["message"] != want {
		t.Errorf("got %v, want %s", got.body["message"], want)
	}
}

func TestKeysThatTheOrganisationDoesNotHaveAreNotFound(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	bob := s.caller(t, "bob", "or-two", identity.Permissions()...)
	want := refusal{http.StatusNotFound, "key.unknown"}
	for name, c := range map[string]struct {
		by caller
		id string
	}{
		"unknown":      {alice, "key-unknown"},
		"foreign":      {bob, string(sampleKey)},
		"too long":     {alice, strings.Repeat("k", 65)},
		"of a POST":    {alice, "import"},
		"other letter": {alice, strings.ToUpper(string(sampleKey))},
	} {
		t.Run(name, func(t *testing.T) {
			s.expectRefusal(t, s.request(t, c.by, "GET", "/keys/"+c.id, ""), c.by, want)
			path := "/keys/" + c.id + "/export"
			s.expectRefusal(t, s.signed(t, c.by, path, exportText(t)), c.by, want)
		})
	}
}

func TestListKeysRefusesBadQueries(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for _, query := range []string{
		"limit=0", "limit=1001", "limit=-1", "limit=%2B5", "limit=1.0", "limit=ten", "limit=99999999999999999999", "limit=5&limit=5",
		"paginationToken=x", "paginationToken=%00", "paginationToken=AAAA&paginationToken=AAAA", "owner=us-alice",
		"limit=%zz", "a;b",
	} {
		s.expectRefusal(t, s.request(t, alice, "GET", "/keys?"+query, ""), alice, refusal{http.StatusBadRequest, "request.malformed"})
	}
}

func TestInitActionRefuses(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	malformed := refusal{http.StatusBadRequest, "request.malformed"}
	action := refusal{http.StatusBadRequest, "action.malformed"}
	for name, c := range map[string]struct {
		body string
		want refusal
	}{
		"no body":         {"", malformed},
		"not JSON":        {"keyferry", malformed},
		"two values":      {initText(t, "GET", "/keys", "") + "{}", malformed},
		"no payload":      {`{"userActionHttpMethod":"GET","userActionHttpPath":"/keys"}`, malformed},
		"payload twice":   {`{"userActionPayload":"","userActionPayload":"","userActionHttpMethod":"GET","userActionHttpPath":"/keys"}`, malformed},
		"other case":      {`{"useractionpayload":"","userActionHttpMethod":"GET","userActionHttpPath":"/keys"}`, malformed},
		"null payload":    {`{"userActionPayload":null,"userActionHttpMethod":"GET","userActionHttpPath":"/keys"}`, malformed},
		"not UTF-8":       {"{\"userActionPayload\":\"\xff\",\"userActionHttpMethod\":\"GET\",\"userActionHttpPath\":\"/keys\"}", malformed},
		"for staff":       {`{"userActionPayload":"","userActionHttpMethod":"GET","userActionHttpPath":"/keys","userActionServerKind":"Staff"}`, malformed},
		"unknown method":  {initText(t, "PATCH", "/keys", ""), action},
		"method in small": {initText(t, "post", "/keys", ""), action},
		"dot segment":     {initText(t, "POST", "/keys/../import", ""), action},
		"whole URL":       {initText(t, "POST", "https://host/keys", ""), action},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.request(t, alice, "POST", "/auth/action/init", c.body)
			r.Header.Set("Content-Type", "application/json")
			s.expectRefusal(t, r, alice, c.want)
		})
	}
}

func TestInitActionRefusesUsersWithoutACredential(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	s.book.change(func() { s.book.credentials[0].Active = false })
	r := s.request(t, alice, "POST", "/auth/action/init", initText(t, "POST", "/keys/import", "{}"))
	s.expectRefusal(t, r, alice, refusal{http.StatusUnauthorized, "action.no-credential"})
}

func TestCompleteActionRefuses(t *testing.T) {
	s := newService(t)
	alice, bob := s.alice(t), s.caller(t, "bob", "or-one", identity.Permissions()...)
	factor := func(body map[string]any) map[string]any { return body["firstFactor"].(map[string]any) }
	assertion := func(body map[string]any) map[string]any { return factor(body)["credentialAssertion"].(map[string]any) }
	for name, c := range map[string]struct {
		edit func(body map[string]any)
		want refusal
	}{
		"unknown challenge":   {func(b map[string]any) { b["challengeIdentifier"] = "ch-x" }, refusal{400, "challenge.invalid"}},
		"no first factor":     {func(b map[string]any) { delete(b, "firstFactor") }, refusal{400, "request.malformed"}},
		"a second factor":     {func(b map[string]any) { b["secondFactor"] = factor(b) }, refusal{400, "request.malformed"}},
		"unknown algorithm":   {func(b map[string]any) { assertion(b)["algorithm"] = "MD5" }, refusal{400, "request.malformed"}},
		"unknown kind":        {func(b map[string]any) { factor(b)["kind"] = "key" }, refusal{401, "action.no-credential"}},
		"other's credential":  {func(b map[string]any) { assertion(b)["credId"] = bob.credential }, refusal{401, "action.no-credential"}},
		"padded base64":       {func(b map[string]any) { assertion(b)["signature"] = "AA==" }, refusal{400, "action.malformed"}},
		"other's signature":   {func(b map[string]any) { maps.Copy(assertion(b), assertion(bobs(t, s, bob, alice))) }, refusal{401, "action.assertion"}},
		"signature of zeroes": {func(b map[string]any) { assertion(b)["signature"] = strings.Repeat("A", 86) }, refusal{401, "action.assertion"}},
	} {
		t.Run(name, func(t *testing.T) {
			issued := s.send(t, alice, "POST", "/auth/action/init", initText(t, "POST", "/keys/import", "{}"))
			body := alice.assertion(t, issued)
			c.edit(body)
			s.expectRefusal(t, s.request(t, alice, "POST", "/auth/action", jsonOf(t, body)), alice, c.want)
		})
	}
}

// bobs is an assertion that names Alice's credential but is signed with Bob's key.
func bobs(t *testing.T, s *service, bob, alice caller) map[string]any {
	bob.credential = alice.credential
	return bob.assertion(t, s.send(t, alice, "POST", "/auth/action/init", initText(t, "POST", "/keys/import", "{}")))
}

func TestAChallengeIsAnsweredOnceByItsUserInTime(t *testing.T) {
	s := newService(t)
	alice, bob := s.alice(t), s.caller(t, "bob", "or-one", identity.Permissions()...)
	want := refusal{http.StatusBadRequest, "challenge.invalid"}
	issue := func() string {
		return jsonOf(t, alice.assertion(t, s.send(t, alice, "POST", "/auth/action/init", initText(t, "POST", "/keys/import", "{}"))))
	}
	body := issue()
	s.expectRefusal(t, s.request(t, bob, "POST", "/auth/action", body), bob, want)
	if got := s.send(t, alice, "POST", "/auth/action", body); got.status != http.StatusOK {
		t.Fatal(got.text)
	}
	s.expectRefusal(t, s.request(t, alice, "POST", "/auth/action", body), alice, want)
	late := issue()
	s.wait(time.Minute)
	s.expectRefusal(t, s.request(t, alice, "POST", "/auth/action", late), alice, want)
}

func TestExportRefusesUserActions(t *testing.T) {
	s := newService(t)
	alice, bob := s.alice(t), s.caller(t, "bob", "or-one", identity.Permissions()...)
	path, body := exportPath(sampleKey), exportText(t)
	for name, c := range map[string]struct {
		header func() []string
		reason fault.Reason
	}{
		"none":           {func() []string { return nil }, "action.missing"},
		"empty":          {func() []string { return []string{""} }, "action.missing"},
		"two":            {func() []string { a := s.consent(t, alice, "POST", path, body); return []string{a, a} }, "action.header-repeated"},
		"unknown":        {func() []string { return []string{"ua-unknown"} }, "action.unknown"},
		"the challenge":  {func() []string { return []string{s.unsigned(t, alice, path, body)} }, "action.unknown"},
		"another user's": {func() []string { return []string{s.consent(t, bob, "POST", path, body)} }, "action.foreign"},
		"other method":   {func() []string { return []string{s.consent(t, alice, "PUT", path, body)} }, "action.other-request"},
		"other path":     {func() []string { return []string{s.consent(t, alice, "POST", exportPath("key-2"), body)} }, "action.other-request"},
		"other body":     {func() []string { return []string{s.consent(t, alice, "POST", path, exportText(t))} }, "action.other-request"},
		"no body":        {func() []string { return []string{s.consent(t, alice, "POST", path, "")} }, "action.other-request"},
		"expired": {func() []string {
			defer s.wait(time.Minute)
			return []string{s.consent(t, alice, "POST", path, body)}
		}, "action.expired"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.request(t, alice, "POST", path, body)
			r.Header["X-Dfns-Useraction"] = c.header()
			s.expectRefusal(t, r, alice, refusal{http.StatusForbidden, c.reason})
		})
	}
	if n := len(s.book.recorded(audit.ExportBegun)); n != 0 {
		t.Errorf("%d exports were begun", n)
	}
}

// unsigned returns the identifier of a challenge that nobody has answered.
func (s *service) unsigned(t *testing.T, by caller, path, body string) string {
	issued := s.send(t, by, "POST", "/auth/action/init", initText(t, "POST", path, body))
	return issued.body["challengeIdentifier"].(string)
}

func TestExportRefusesReplayedAction(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	r := s.signed(t, alice, exportPath(sampleKey), exportText(t))
	if got := s.do(t, r); got.status != http.StatusOK {
		t.Fatal(got.text)
	}
	again := r.Clone(t.Context())
	again.Body, _ = r.GetBody()
	s.expectRefusal(t, again, alice, refusal{http.StatusBadRequest, "action.replayed"})
}

func TestExportRefusesBodiesBeforeItAsksForTheUserAction(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for name, body := range map[string]string{
		"no body":      "",
		"no schemes":   `{"encryptionKey":"` + envelopetest.EncryptionKey(t).String() + `","supportedSchemes":[]}`,
		"identity key": `{"encryptionKey":"AQ==","supportedSchemes":[{"protocol":"CGGMP21","curve":"secp256k1"}]}`,
		"two keys":     strings.Replace(exportText(t), "{", `{"encryptionkey":"",`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			r := s.request(t, alice, "POST", exportPath(sampleKey), body)
			r.Header.Set("Content-Type", "application/json")
			s.expectRefusal(t, r, alice, refusal{http.StatusBadRequest, "request.malformed"})
		})
	}
}

func TestRefusalsBehindTheUserActionAreRecordedWithIt(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	s.book.change(func() { s.book.orgs["or-one"] = identity.Organisation{ID: "or-one"} })
	s.expectRefusal(t, s.signed(t, alice, exportPath(sampleKey), exportText(t)), alice, refusal{http.StatusForbidden, "export.not-activated"})
	entry := s.book.recorded(audit.RequestRefused)[0]
	if entry.Key != string(sampleKey) || entry.Credential != alice.credential || len(entry.Action) != 64 {
		t.Errorf("recorded %+v", entry)
	}
}

func TestExportRefusesSchemesThatTheClientCannotTake(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	body := strings.Replace(exportText(t), "CGGMP24", "FROST", 1)
	s.expectRefusal(t, s.signed(t, alice, exportPath(sampleKey), body), alice, refusal{http.StatusBadRequest, "export.scheme"})
}

func TestImportRefusesOtherSigners(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	body := strings.Replace(s.importText(t), s.holders[0].info.ID.String(), signer.ID{}.String(), 1)
	s.expectRefusal(t, s.signed(t, alice, "/keys/import", body), alice, refusal{http.StatusBadRequest, "request.malformed"})
}

func TestWhatTheActRecordedIsNotRecordedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		refusal error
		status  int
	}{
		"token away":    {signer.ErrUnavailable, http.StatusServiceUnavailable},
		"share damaged": {signer.ErrDamaged.Because(errors.New("tag mismatch")), http.StatusInternalServerError},
		"broken":        {errors.New("CKR_DEVICE_ERROR"), http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			alice := s.alice(t)
			for _, one := range s.holders[1:] { // one of three is too few
				one.refuse(c.refusal)
			}
			expectError(t, s.do(t, s.signed(t, alice, exportPath(sampleKey), exportText(t))), c.status)
			expectError(t, s.do(t, s.signed(t, alice, "/keys/import", s.importText(t))), c.status)
			if n := len(s.book.recorded(audit.RequestRefused)); n != 0 {
				t.Errorf("%d refusals recorded beside the outcomes", n)
			}
			if n := len(s.book.recorded(audit.ExportFinished)) + len(s.book.recorded(audit.ImportAbandoned)); n != 2 {
				t.Errorf("%d outcomes recorded", n)
			}
		})
	}
}
