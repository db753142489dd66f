package guard

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"keyferry/server/strictjson"
	"keyferry/shares/attest"
	"keyferry/shares/envelope"
	"keyferry/shares/manifest"
)

// leftOutHeader names the signers whose shares were left out of an export's answer.
const leftOutHeader = "X-Keyferry-Left-Out"

// sharesMember is the list that clients take shares from.
const sharesMember = "encryptedKeyShares"

type exportRequest struct {
	EncryptionKey string `json:"encryptionKey" required:"true"`
}

// checkExport returns the check of the answer to an export to the encryption key that
// the client states. It takes bad shares out of the answer: clients put a key together
// from all shares that they find there, so that one bad share would spoil it.
func (g *Guard) checkExport(r *http.Request, key string, body []byte) (check, error) {
	encryptionKey, err := requestedKey(body)
	if err != nil {
		return nil, badRequest(err)
	}
	want := attest.Expectation{Organisation: g.config.Organisation, Key: key, EncryptionKey: encryptionKey}
	return succeeding(func(a *answer) error {
		export, err := attest.ParseExport(a.body)
		if err != nil {
			return err
		}
		verdict, err := g.judge(r, want, export)
		if err != nil {
			return explain(err, verdict.Bad)
		}
		return g.leaveOut(a, key, verdict)
	}), nil
}

// judge tells good shares from bad ones. A bad statement may be of a signer whose identity
// key was replaced: then the list of signers has the link from the pinned one. If it cannot
// be had, that signer is done without.
func (g *Guard) judge(r *http.Request, want attest.Expectation, export attest.Export) (attest.Verdict, error) {
	verdict, err := attest.Shares(g.config.Manifest, want, export)
	if len(verdict.Bad) == 0 {
		return verdict, err
	}
	linked, unheard := g.linked(r)
	if unheard != nil {
		g.config.Log.Warn("the signers cannot be listed", slog.String("error", unheard.Error()))
		return verdict, err
	}
	return attest.Shares(linked, want, export)
}

// requestedKey is the encryption key of an export's request.
func requestedKey(body []byte) (envelope.EncryptionKey, error) {
	var request exportRequest
	if err := strictjson.Decode(body, &request); err != nil {
		return envelope.EncryptionKey{}, err
	}
	return envelope.ParseEncryptionKey(request.EncryptionKey)
}

// explain adds to an error what is wrong with each share.
func explain(err error, bad []attest.BadShare) error {
	for _, b := range bad {
		err = fmt.Errorf("%w; %w", err, b)
	}
	return err
}

// leaveOut says which shares it takes out of an answer. One without bad shares stays as
// it is, to the byte.
func (g *Guard) leaveOut(a *answer, key string, verdict attest.Verdict) error {
	if len(verdict.Bad) == 0 {
		return nil
	}
	var names []string
	for _, bad := range verdict.Bad {
		g.config.Log.Warn("share left out", slog.String("key", key), slog.String("signer", bad.SignerID), slog.String("error", bad.Error()))
		names = append(names, nameOf(bad))
	}
	a.header.Set(leftOutHeader, strings.Join(names, ", "))
	var err error
	a.body, err = keepShares(a.body, verdict.Good)
	return err
}

// nameOf is the signer's id, or the share's position in the server's answer if it has
// none: what is no id is not repeated in a header.
func nameOf(bad attest.BadShare) string {
	if _, err := manifest.ParseID(bad.SignerID); err != nil {
		return fmt.Sprintf("share %d", bad.Share+1)
	}
	return bad.SignerID
}

// keepShares rewrites the list of shares. The values themselves and all other members
// stay as they are.
func keepShares(body []byte, good []attest.Attested) ([]byte, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fmt.Errorf("%w: %w", attest.ErrAnswer, err)
	}
	var list []jsontext.Value
	if err := json.Unmarshal(members[sharesMember], &list); err != nil {
		return nil, fmt.Errorf("%w: %w", attest.ErrAnswer, err)
	}
	var kept []jsontext.Value
	for _, a := range good {
		kept = append(kept, list[a.Share])
	}
	shares, err := json.Marshal(kept)
	if err != nil {
		return nil, err
	}
	members[sharesMember] = shares
	return json.Marshal(members, json.Deterministic(true), jsontext.PreserveRawStrings(true))
}
