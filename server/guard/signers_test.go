package guard

import (
	"strings"
	"testing"

	"keyferry/shares/attest/attesttest"
	"keyferry/shares/manifest"
)

func TestPinnedSignersPassUnchanged(t *testing.T) {
	s := newScene(t)
	var sent string
	s.lie = func(a *scripted) { sent = a.body() }
	if answer := s.do("GET", "/signers", ""); answer.status != 200 || answer.body != sent {
		t.Errorf("%s became %+v", sent, answer)
	}
}

func TestOtherSignersAreRefused(t *testing.T) {
	foreign := attesttest.New(t).Listing()
	type plain struct {
		SignerID      string `json:"signerId"`
		EncryptionKey string `json:"encryptionKey"`
	}
	for name, c := range map[string]struct {
		lie  func(a *signersAnswer)
		says string
	}{
		"one is missing":   {func(a *signersAnswer) { a.Clusters[0].Signers = a.Clusters[0].Signers[1:] }, "is missing"},
		"one is added":     {func(a *signersAnswer) { a.Clusters[0].Signers = append(a.Clusters[0].Signers, foreign[0]) }, "is unknown"},
		"one is replaced":  {func(a *signersAnswer) { a.Clusters[0].Signers[0] = foreign[0] }, "is unknown"},
		"one stands twice": {func(a *signersAnswer) { a.Clusters[0].Signers[0] = a.Clusters[0].Signers[1] }, "is listed twice"},
		"another key": {func(a *signersAnswer) {
			member := a.Clusters[0].Signers[2].(manifest.MemberJSON)
			member.EncryptionKey = foreign[2].EncryptionKey
			a.Clusters[0].Signers[2] = member
		}, "another encryption key"},
		"no signatures": {func(a *signersAnswer) {
			member := a.Clusters[0].Signers[0].(manifest.MemberJSON)
			a.Clusters[0].Signers[0] = plain{member.SignerID, member.EncryptionKey}
		}, "identity keys"},
		"a second cluster": {func(a *signersAnswer) { a.Clusters = append(a.Clusters, clusterAnswer{ID: "x"}) }, "2 clusters"},
		"no cluster":       {func(a *signersAnswer) { a.Clusters = nil }, "0 clusters"},
	} {
		s := newScene(t)
		s.lie = func(a *scripted) { c.lie(a.signers) }
		if answer := s.do("GET", "/signers", ""); !answer.isRefusal(502, c.says) {
			t.Errorf("%s: got %+v", name, answer)
		}
	}
}

// A reader that folds case, as the Go SDK's, would take the last of two.
func TestSignersInTwoSpellingsAreRefused(t *testing.T) {
	for honest, lie := range map[string]string{
		`"clusters":[`: `"Clusters":[],"clusters":[`,
		`"signers":[`:  `"SIGNERS":[],"signers":[`,
	} {
		s := newScene(t)
		s.lie = func(a *scripted) { a.text = strings.Replace(a.body(), honest, lie, 1) }
		if answer := s.do("GET", "//signers?x", ""); !answer.isRefusal(502, "differ in case only") {
			t.Errorf("%s: got %+v", lie, answer)
		}
	}
}
