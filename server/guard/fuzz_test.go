package guard

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"keyferry/server/challenge"
	"keyferry/shares/attest/attesttest"
	"keyferry/shares/manifest"
)

// The targets of this file hold one thing of each kind of answer that clients act upon:
// what the guard lets pass says nothing else to a client whose parser takes members in
// any case, and the last of those that stand there twice.

// fuzzedGuard pins a cluster; its clock stands.
func fuzzedGuard(f *testing.F, now time.Time) (*Guard, attesttest.Recording) {
	f.Helper()
	cluster := attesttest.Recorded(f)
	g, err := New(Config{
		Upstream: "https://api.example", Manifest: cluster.Manifest, Organisation: attesttest.Organisation, Users: []string{testUser},
		Log: newLog(io.Discard), Now: func() time.Time { return now },
	})
	if err != nil {
		f.Fatal(err)
	}
	return g, cluster
}

// judged is the body that the client sees of an answer, if it sees one.
func judged(judge check, body []byte) ([]byte, bool) {
	a := &answer{status: http.StatusOK, header: http.Header{}, body: slices.Clone(body)}
	err := judge(a)
	return a.body, err == nil
}

// addHonest adds the answer that must pass, or the target would hold nothing.
func addHonest(f *testing.F, judge check, value any) {
	f.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		f.Fatal(err)
	}
	if _, passes := judged(judge, text); !passes {
		f.Fatalf("%s does not pass", text)
	}
	addAnswer(f, value)
}

func addAnswer(f *testing.F, value any) {
	f.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	for _, member := range []string{`"challenge"`, `"clusters"`, `"encryptedKeyShares"`} {
		f.Add([]byte(strings.Replace(string(text), member, strings.ToUpper(member)+`:"",`+member, 1)))
		f.Add([]byte(strings.Replace(string(text), member, `"x":{"y":1,"y":2},`+member, 1)))
	}
}

func FuzzChallengeAnswer(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	g, _ := fuzzedGuard(f, now)
	request := challenge.Request{Method: "POST", Path: wantsPath, Payload: wantsPayload}
	judge, err := g.checkChallenge([]byte(statedBody(request.Method, request.Path, request.Payload)))
	if err != nil {
		f.Fatal(err)
	}
	in := challenge.Input{
		Label: challenge.Label, Deployment: attesttest.Deployment, Organisation: attesttest.Organisation, User: testUser,
		IssuedAt: challenge.MillisOf(now), ExpiresAt: challenge.MillisOf(now.Add(time.Minute)),
		Method: request.Method, Path: request.Path, PayloadHash: challenge.HashPayload(request.Payload),
	}
	other := in
	other.PayloadHash = challenge.HashPayload("another")
	addHonest(f, judge, initAnswer{Challenge: in.Challenge(), Identifier: "ch-1", Input: &in})
	addAnswer(f, initAnswer{Challenge: other.Challenge(), Identifier: "ch-1", Input: &in})
	addAnswer(f, initAnswer{Challenge: other.Challenge(), Identifier: "ch-1", Input: &other})
	f.Fuzz(func(t *testing.T, body []byte) {
		seen, passes := judged(judge, body)
		if !passes {
			return
		}
		var theirs struct {
			Challenge      string
			ChallengeInput challenge.Input
		}
		if err := json.Unmarshal(seen, &theirs); err != nil {
			t.Fatalf("%q passes: %v", seen, err)
		}
		said := theirs.ChallengeInput
		if theirs.Challenge != said.Challenge() || said.Binds(request) != nil || said.Organisation != in.Organisation ||
			said.User != in.User || said.Deployment != in.Deployment || said.ExpiresAt.Time().After(now.Add(challenge.MaxWindow+challenge.MaxSkew)) {
			t.Fatalf("%q passes, and says %+v", seen, theirs)
		}
	})
}

func FuzzSignersAnswer(f *testing.F) {
	g, cluster := fuzzedGuard(f, time.Now())
	pinned := map[string]string{}
	for _, m := range cluster.Listing() {
		pinned[m.SignerID] = m.EncryptionKey
	}
	answer := func(signers []manifest.MemberJSON) any {
		return map[string]any{"clusters": []any{map[string]any{"clusterId": "c", "signers": signers}}}
	}
	listing := cluster.Listing()
	addHonest(f, succeeding(g.checkSigners), answer(listing))
	addAnswer(f, answer(listing[1:]))
	addAnswer(f, answer(append(listing[:4:4], listing[0])))
	f.Fuzz(func(t *testing.T, body []byte) {
		seen, passes := judged(succeeding(g.checkSigners), body)
		if !passes {
			return
		}
		var theirs struct {
			Clusters []struct {
				Signers []struct{ SignerID, EncryptionKey string }
			}
		}
		if err := json.Unmarshal(seen, &theirs); err != nil || len(theirs.Clusters) != 1 {
			t.Fatalf("%q passes: %v", seen, err)
		}
		listed := map[string]string{}
		for _, signer := range theirs.Clusters[0].Signers {
			if listed[signer.SignerID] = signer.EncryptionKey; pinned[signer.SignerID] != signer.EncryptionKey {
				t.Fatalf("%q passes with signer %s", seen, signer.SignerID)
			}
		}
		if len(listed) != len(pinned) {
			t.Fatalf("%q passes", seen)
		}
	})
}

func FuzzExportAnswer(f *testing.F) {
	g, cluster := fuzzedGuard(f, time.Now())
	gone, leave := context.WithCancel(context.Background()) // so that nobody is asked for signers
	leave()
	request := httptest.NewRequestWithContext(gone, "POST", "/keys/"+attesttest.Key+"/export", nil)
	judge, err := g.checkExport(request, attesttest.Key, []byte(exportBody(cluster.EncryptionKey)))
	if err != nil {
		f.Fatal(err)
	}
	honest := cluster.Export
	spoiled, short := honest.Copy(), honest.Copy()
	spoiled.Shares[0].EncryptedKeyShare, short.Shares = spoiled.Shares[1].EncryptedKeyShare, short.Shares[:2]
	addHonest(f, judge, honest)
	addHonest(f, judge, spoiled)
	addAnswer(f, short)
	addAnswer(f, cluster.Elsewhere)
	f.Fuzz(func(t *testing.T, body []byte) {
		seen, passes := judged(judge, body)
		if !passes {
			return
		}
		var theirs attesttest.Answer
		if err := json.Unmarshal(seen, &theirs); err != nil {
			t.Fatalf("%q passes: %v", seen, err)
		}
		if theirs.PublicKey != honest.PublicKey || theirs.MinSigners != honest.MinSigners || len(theirs.Shares) < honest.MinSigners {
			t.Fatalf("%q passes", seen)
		}
		for _, share := range theirs.Shares {
			if !slices.Contains(honest.Shares, share) {
				t.Fatalf("%q passes with a share of signer %s", seen, share.SignerID)
			}
		}
	})
}
