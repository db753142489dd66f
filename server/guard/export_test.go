package guard

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"keyferry/shares/attest/attesttest"
	"keyferry/shares/envelope/envelopetest"
	"keyferry/shares/recovery"
	"keyferry/shares/statement"
)

func TestHonestExportPassesUnchanged(t *testing.T) {
	s := newScene(t)
	var sent string
	s.lie = func(a *scripted) { sent = a.body() }
	body := exportBody(envelopetest.EncryptionKey(t))
	for _, path := range []string{wantsPath, "/" + wantsPath, "/wallets/" + attesttest.Wallet + "/export", strings.Replace(wantsPath, "-", "%2D", 1)} {
		answer := s.do("POST", path, body)
		if answer.status != 200 || answer.body != sent || answer.header.Get(leftOutHeader) != "" {
			t.Errorf("%s: %s became %+v", path, sent, answer)
		}
	}
}

// A client that puts a key together from all shares that it gets has the key, as those
// that do not fit are gone.
func TestBadSharesAreLeftOutAndTheRestGivesTheKey(t *testing.T) {
	s := newScene(t)
	home, err := recovery.New()
	if err != nil {
		t.Fatal(err)
	}
	defer home.Destroy()
	s.lie = func(a *scripted) {
		foreign := attesttest.New(t).Export(t, home.EncryptionKey())
		a.export.Shares[1].EncryptedKeyShare = foreign.Shares[1].EncryptedKeyShare
		a.export.Statements[3].Time++
	}
	answer := s.do("POST", wantsPath, exportBody(home.EncryptionKey()))
	ids := s.cluster.Manifest.IDs()
	if left := answer.header.Get(leftOutHeader); left != ids[1].String()+", "+ids[3].String() {
		t.Errorf("left out are %q", left)
	}
	if logged := s.log.String(); !strings.Contains(logged, ids[1].String()) || !strings.Contains(logged, "another ciphertext") {
		t.Errorf("the log has %s", logged)
	}
	response, err := recovery.ParseResponse([]byte(answer.body))
	if err != nil || len(response.Shares) != 3 {
		t.Fatalf("%+v gives %v, %v", answer, response, err)
	}
	recovered, err := home.Recover(response, recovery.Options{Strict: true, PublicKey: s.cluster.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	recovered.Destroy()
}

// The guard asks for the link to a signer's later identity key in the client's name, with
// nothing of the client's request but its token.
func TestSharesOfASignerWithALaterIdentityKeyPass(t *testing.T) {
	for name, test := range map[string]struct {
		aside func(a *scripted)
		left  int
	}{
		"linked":         {nil, 0},
		"not listed":     {func(a *scripted) { a.status, a.text = 403, `{"error":{"message":"no"}}` }, 1},
		"not in the API": {func(a *scripted) { a.text = "[]" }, 1},
		"not linked":     {func(a *scripted) { a.signers.Clusters[0].Signers = a.signers.Clusters[0].Signers[1:] }, 1},
	} {
		s := newScene(t)
		s.cluster.Rotate(t, 2)
		s.aside = test.aside
		answer := s.do("POST", wantsPath, exportBody(envelopetest.EncryptionKey(t)))
		left := strings.Count(answer.header.Get(leftOutHeader), "=")
		if response, err := recovery.ParseResponse([]byte(answer.body)); err != nil || len(response.Shares) != attesttest.Signers-test.left || left != test.left {
			t.Errorf("%s: left out %q, %v", name, answer.header.Get(leftOutHeader), err)
		}
		asked := s.requests()[1]
		if asked.method != "GET" || asked.uri != "/signers" || asked.body != "" || asked.header.Get("X-Dfns-Useraction") != "" {
			t.Errorf("%s: the guard asked %+v", name, asked)
		}
	}
}

// Without the guard, one bad share of five spoils the export for such a client.
func TestBadSharesSpoilTheExportOfAClientWithoutGuard(t *testing.T) {
	cluster := attesttest.New(t)
	home, err := recovery.New()
	if err != nil {
		t.Fatal(err)
	}
	defer home.Destroy()
	answer := cluster.Export(t, home.EncryptionKey())
	answer.Shares[1] = attesttest.New(t).Export(t, home.EncryptionKey()).Shares[1]
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	response, err := recovery.ParseResponse(text)
	if err != nil {
		t.Fatal(err)
	}
	if recovered, err := home.Recover(response, recovery.Options{Strict: true}); err == nil {
		recovered.Destroy()
		t.Error("the key came out all the same")
	}
}

func TestOtherMembersSurviveALeftOutShare(t *testing.T) {
	s := newScene(t)
	s.lie = func(a *scripted) {
		a.export.Statements = a.export.Statements[1:]
		a.text = strings.Replace(a.body(), `{`, `{"more":{"b":1.50,"a":"\u003c"},`, 1)
	}
	answer := s.do("POST", wantsPath, exportBody(envelopetest.EncryptionKey(t)))
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(answer.body)); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"more":{"b":1.50,"a":"\u003c"}`, `"minSigners":3`, `"publicKey":"` + s.cluster.PublicKey.Hex() + `"`} {
		if answer.status != 200 || !strings.Contains(compact.String(), part) {
			t.Errorf("%s is not in %+v", part, answer)
		}
	}
}

func TestExportThatSignersDoNotAnswerForIsRefused(t *testing.T) {
	s := newScene(t)
	restate := func(change func(s *statement.Statement)) func(a *scripted) {
		return func(a *scripted) {
			for i := range a.export.Statements {
				s.cluster.Restate(t, a.export, i, change)
			}
		}
	}
	for name, c := range map[string]struct {
		lie  func(a *scripted)
		says string
	}{
		"no statements":         {func(a *scripted) { a.export.Statements = nil }, "too few shares"},
		"too few statements":    {func(a *scripted) { a.export.Statements = a.export.Statements[:2] }, "too few shares are attested: 2, of which 3"},
		"another public key":    {func(a *scripted) { a.export.PublicKey = a.export.Statements[0].Commitment }, "another public key"},
		"another minSigners":    {func(a *scripted) { a.export.MinSigners = 2 }, "another minSigners"},
		"another scheme":        {func(a *scripted) { a.export.Protocol = "FROST_BITCOIN" }, "another scheme"},
		"another key's shares":  {restate(func(s *statement.Statement) { s.Key = "key-other" }), "another key"},
		"another's shares":      {restate(func(s *statement.Statement) { s.Organisation = "or-other" }), "another organisation"},
		"another deployment's":  {restate(func(s *statement.Statement) { s.Deployment = "other" }), "another deployment"},
		"for another recipient": {restate(func(s *statement.Statement) { s.EncryptionKeyHash[0]++ }), "another encryption key"},
		"another cluster's":     {func(a *scripted) { *a.export = attesttest.New(t).Export(t, envelopetest.EncryptionKey(t)) }, "not in the pinned manifest"},
		"shares in capitals":    {func(a *scripted) { a.text = strings.Replace(a.body(), `{`, `{"EncryptedKeyShares":[],`, 1) }, "differ in case only"},
		"a key in capitals":     {func(a *scripted) { a.text = strings.Replace(a.body(), `"publicKey"`, `"PUBLICKEY"`, 1) }, "malformed"},
		"a pending answer":      {func(a *scripted) { a.status = 202 }, "status is 202"},
	} {
		s.lie = c.lie
		answer := s.do("POST", wantsPath, exportBody(envelopetest.EncryptionKey(t)))
		if !answer.isRefusal(502, c.says) || strings.Contains(answer.body, `"signerId":`) {
			t.Errorf("%s: got %+v", name, answer)
		}
	}
}

func TestShareOfNobodyIsNamedByItsPosition(t *testing.T) {
	s := newScene(t)
	s.lie = func(a *scripted) {
		a.export.Shares[4].SignerID = "x\r\nSet-Cookie: y"
		a.header.Set(leftOutHeader, "nobody")
	}
	answer := s.do("POST", wantsPath, exportBody(envelopetest.EncryptionKey(t)))
	if left := answer.header.Values(leftOutHeader); answer.status != 200 || len(left) != 1 || left[0] != "share 5" || answer.header.Get("Set-Cookie") != "" {
		t.Errorf("got %+v", answer)
	}
}
