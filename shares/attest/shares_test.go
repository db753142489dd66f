package attest_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"keyferry/shares"
	"keyferry/shares/attest"
	"keyferry/shares/attest/attesttest"
	"keyferry/shares/envelope"
	"keyferry/shares/envelope/envelopetest"
	"keyferry/shares/statement"
)

// export is a cluster and what one caller expects of one export.
type export struct {
	*attesttest.Cluster
	want   attest.Expectation
	answer attesttest.Answer
}

func newExport(t *testing.T) export {
	t.Helper()
	c := attesttest.New(t)
	key := envelopetest.EncryptionKey(t)
	want := attest.Expectation{Organisation: attesttest.Organisation, Key: attesttest.Key, EncryptionKey: key}
	return export{c, want, c.Export(t, key)}
}

func (e export) judge(t *testing.T, answer attesttest.Answer) (attest.Verdict, error) {
	t.Helper()
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := attest.ParseExport(text)
	if err != nil {
		t.Fatal(err)
	}
	return attest.Shares(e.Manifest, e.want, parsed)
}

func goodOf(v attest.Verdict) []int {
	indexes := []int{}
	for _, a := range v.Good {
		indexes = append(indexes, a.Share)
	}
	return indexes
}

func TestHonestExportIsAttestedAsAWhole(t *testing.T) {
	e := newExport(t)
	e.want.PublicKey = e.PublicKey
	verdict, err := e.judge(t, e.answer)
	if err != nil || len(verdict.Bad) != 0 || !reflect.DeepEqual(goodOf(verdict), []int{0, 1, 2, 3, 4}) {
		t.Fatalf("got %v, %v", verdict, err)
	}
	for i, a := range verdict.Good {
		if a.Statement.Signer.String() != e.answer.Shares[i].SignerID || a.Statement.Commitment.IsZero() {
			t.Errorf("share %d comes with the statement of %v", i, a.Statement.Signer)
		}
	}
}

func TestProtocolMayBeSpelledAsItsAlias(t *testing.T) {
	e := newExport(t)
	e.answer.Protocol = "CGGMP24"
	if verdict, err := e.judge(t, e.answer); err != nil || len(verdict.Good) != 5 {
		t.Errorf("got %v, %v", verdict, err)
	}
}

// Each of these makes the first signer's share bad, and no other.
func TestOneBadShareIsNamedAndLeftOut(t *testing.T) {
	e := newExport(t)
	other := envelopetest.EncryptionKey(t)
	says := func(change func(s *statement.Statement)) func(a *attesttest.Answer) {
		return func(a *attesttest.Answer) { e.Restate(t, a, 0, change) }
	}
	for name, lie := range map[string]func(a *attesttest.Answer){
		"no statement":          func(a *attesttest.Answer) { a.Statements = a.Statements[1:] },
		"two statements":        func(a *attesttest.Answer) { a.Statements = append(a.Statements, a.Statements[0]) },
		"an edited statement":   func(a *attesttest.Answer) { a.Statements[0].Time++ },
		"an unsigned statement": func(a *attesttest.Answer) { a.Statements[0].Signature = nil },
		"unreadable statement":  func(a *attesttest.Answer) { a.Statements[0].Index = "1" },
		"another's statement": func(a *attesttest.Answer) {
			s := a.Statements[1]
			s.SignerID = a.Statements[0].SignerID
			a.Statements[0] = s
		},
		"another ciphertext":   func(a *attesttest.Answer) { a.Shares[0].EncryptedKeyShare = resealed(t, other) },
		"no ciphertext":        func(a *attesttest.Answer) { a.Shares[0].EncryptedKeyShare = "" },
		"an unknown signer":    func(a *attesttest.Answer) { *a = byStranger(t, *a, e.want.EncryptionKey) },
		"an unreadable signer": func(a *attesttest.Answer) { a.Shares[0].SignerID = "" },
		"another deployment":   says(func(s *statement.Statement) { s.Deployment = "other" }),
		"another organisation": says(func(s *statement.Statement) { s.Organisation = "or-other" }),
		"another key":          says(func(s *statement.Statement) { s.Key = "key-other" }),
		"another recipient":    says(func(s *statement.Statement) { s.EncryptionKeyHash = other.Hash() }),
		"another minSigners":   says(func(s *statement.Statement) { s.MinSigners = 2 }),
		"another public key":   says(func(s *statement.Statement) { s.PublicKey = s.Commitment }),
		"another vector":       says(func(s *statement.Statement) { s.VectorHash[0] ^= 1 }),
	} {
		answer := e.answer.Copy()
		lie(&answer)
		verdict, err := e.judge(t, answer)
		if err != nil || !reflect.DeepEqual(goodOf(verdict), []int{1, 2, 3, 4}) {
			t.Errorf("%s: good are %v, %v", name, goodOf(verdict), err)
			continue
		}
		if len(verdict.Bad) != 1 || verdict.Bad[0].Share != 0 || !errors.Is(verdict.Bad[0], attest.ErrShare) {
			t.Errorf("%s: bad are %v", name, verdict.Bad)
		}
	}
}

func resealed(t *testing.T, to envelope.EncryptionKey) string {
	return attesttest.New(t).Export(t, to).Shares[0].EncryptedKeyShare
}

// byStranger has a first share by a signer of another cluster, with its true statement.
func byStranger(t *testing.T, answer attesttest.Answer, to envelope.EncryptionKey) attesttest.Answer {
	foreign := attesttest.New(t).Export(t, to)
	answer.Shares[0], answer.Statements[0] = foreign.Shares[0], foreign.Statements[0]
	return answer
}

func TestSharesThatClaimOneSignerOrIndexAreBothLeftOut(t *testing.T) {
	e := newExport(t)
	for name, lie := range map[string]func(a *attesttest.Answer){
		"one signer": func(a *attesttest.Answer) { a.Shares[1].SignerID = a.Shares[0].SignerID },
		"one share":  func(a *attesttest.Answer) { a.Shares[1] = a.Shares[0] },
		"one index": func(a *attesttest.Answer) {
			e.Restate(t, a, 1, func(s *statement.Statement) { s.Index = shares.IndexOf(1) })
		},
	} {
		answer := e.answer.Copy()
		lie(&answer)
		verdict, err := e.judge(t, answer)
		if err != nil || !reflect.DeepEqual(goodOf(verdict), []int{2, 3, 4}) || len(verdict.Bad) != 2 {
			t.Errorf("%s: got %v, %v", name, verdict, err)
		}
	}
}

func TestTwoLyingSignersOfFiveAreSurvivedAndThreeAreNot(t *testing.T) {
	e := newExport(t)
	answer := e.answer.Copy()
	answer.Statements[1].Time++
	e.Restate(t, &answer, 3, func(s *statement.Statement) { s.MinSigners = 2 })
	verdict, err := e.judge(t, answer)
	if err != nil || !reflect.DeepEqual(goodOf(verdict), []int{0, 2, 4}) || verdict.Bad[0].Share != 1 || verdict.Bad[1].Share != 3 {
		t.Fatalf("two liars: got %v, %v", verdict, err)
	}
	answer.Statements[4].Signature = nil
	verdict, err = e.judge(t, answer)
	if !errors.Is(err, attest.ErrQuorum) || len(verdict.Good) != 0 || len(verdict.Bad) != 3 {
		t.Errorf("three liars: got %v, %v", verdict, err)
	}
}

func TestExportIsRefusedAsAWhole(t *testing.T) {
	e := newExport(t)
	everybodySays := func(indexes []int, change func(s *statement.Statement)) func(a *attesttest.Answer) {
		return func(a *attesttest.Answer) {
			for _, i := range indexes {
				e.Restate(t, a, i, change)
			}
		}
	}
	for name, c := range map[string]struct {
		lie  func(a *attesttest.Answer)
		want error
	}{
		"no statements":          {func(a *attesttest.Answer) { a.Statements = nil }, attest.ErrQuorum},
		"no shares":              {func(a *attesttest.Answer) { a.Shares = nil }, attest.ErrQuorum},
		"too few shares":         {func(a *attesttest.Answer) { a.Shares = a.Shares[:2] }, attest.ErrQuorum},
		"lower minSigners":       {func(a *attesttest.Answer) { a.MinSigners, a.Shares = 2, a.Shares[:2] }, attest.ErrExport},
		"higher minSigners":      {func(a *attesttest.Answer) { a.MinSigners = 4 }, attest.ErrExport},
		"another public key":     {func(a *attesttest.Answer) { a.PublicKey = a.Statements[0].Commitment }, attest.ErrExport},
		"another scheme":         {func(a *attesttest.Answer) { a.Protocol = "FROST_BITCOIN" }, attest.ErrExport},
		"another key's shares":   {everybodySays([]int{0, 1, 2, 3, 4}, func(s *statement.Statement) { s.Key = "key-other" }), attest.ErrQuorum},
		"shares for an attacker": {everybodySays([]int{0, 1, 2, 3, 4}, func(s *statement.Statement) { s.EncryptionKeyHash[0] ^= 1 }), attest.ErrQuorum},
		"a threshold of one": {func(a *attesttest.Answer) {
			everybodySays([]int{0, 1, 2, 3, 4}, func(s *statement.Statement) { s.MinSigners = 1 })(a)
			a.MinSigners = 1
		}, attest.ErrQuorum},
		"a threshold of nothing": {func(a *attesttest.Answer) {
			everybodySays([]int{0, 1, 2, 3, 4}, func(s *statement.Statement) { s.MinSigners = -1 })(a)
			a.MinSigners = -1
		}, attest.ErrQuorum},
		"signers two against two": {func(a *attesttest.Answer) {
			everybodySays([]int{0, 1}, func(s *statement.Statement) { s.VectorHash[0] ^= 1 })(a)
			a.Shares = a.Shares[:4]
		}, attest.ErrExport},
	} {
		answer := e.answer.Copy()
		c.lie(&answer)
		if verdict, err := e.judge(t, answer); !errors.Is(err, c.want) || len(verdict.Good) != 0 {
			t.Errorf("%s: got %v, %v", name, verdict, err)
		}
	}
}

func TestSharesRefusesAnotherPublicKeyThanTheCallers(t *testing.T) {
	e := newExport(t)
	e.want.PublicKey = attesttest.New(t).PublicKey
	if _, err := e.judge(t, e.answer); !errors.Is(err, attest.ErrExport) {
		t.Errorf("got %v", err)
	}
}

func TestSharesNeedsAWholeExpectation(t *testing.T) {
	e := newExport(t)
	for name, forget := range map[string]func(w *attest.Expectation){
		"organisation":   func(w *attest.Expectation) { w.Organisation = "" },
		"key":            func(w *attest.Expectation) { w.Key = "" },
		"encryption key": func(w *attest.Expectation) { w.EncryptionKey = envelope.EncryptionKey{} },
	} {
		incomplete := e
		forget(&incomplete.want)
		if verdict, err := incomplete.judge(t, e.answer); err == nil || len(verdict.Good) != 0 {
			t.Errorf("without %s: got %v, %v", name, verdict, err)
		}
	}
}

func TestParseExportRefuses(t *testing.T) {
	e := newExport(t)
	honest, err := json.Marshal(e.answer)
	if err != nil {
		t.Fatal(err)
	}
	share := e.answer.Shares[0].EncryptedKeyShare
	many := e.answer.Copy()
	for len(many.Shares) <= shares.MaxShares {
		many.Shares = append(many.Shares, many.Shares[0])
	}
	crowd, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing":                  ``,
		"a member twice":           strings.Replace(string(honest), `{`, `{"minSigners":3,`, 1),
		"more than a value":        string(honest) + `{}`,
		"a public key in capitals": strings.Replace(string(honest), e.answer.PublicKey, strings.ToUpper(e.answer.PublicKey), 1),
		"a share with a line end":  strings.Replace(string(honest), share, share[:8]+`\n`+share[8:], 1),
		"a share in base64url":     strings.Replace(string(honest), share, base64.URLEncoding.EncodeToString([]byte{0xff, 0xff, 0xff}), 1),
		"a fraction":               strings.Replace(string(honest), `"minSigners":3`, `"minSigners":3.0`, 1),
		"an unknown scheme":        strings.Replace(string(honest), `"CGGMP21"`, `"GG18"`, 1),
		"256 shares":               string(crowd),
	} {
		if _, err := attest.ParseExport([]byte(text)); !errors.Is(err, attest.ErrAnswer) || text == string(honest) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
