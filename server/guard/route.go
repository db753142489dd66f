package guard

import (
	"fmt"
	"net/http"
	"strings"

	"keyferry/server/challenge"
	"keyferry/server/strictjson"
)

// The paths that are more than passed through, in normal form.
const (
	authPrefix   = "/auth/"
	initPath     = "/auth/action/init"
	completePath = "/auth/action"
	signersPath  = "/signers"
)

// check judges an answer before the client sees it, and may change it.
type check func(*answer) error

// route returns the check that the answer to a request has to pass. What the check
// compares with, it reads from the request first: one that cannot be checked is not
// sent.
func (g *Guard) route(r *http.Request, body []byte) (check, error) {
	path, err := challenge.NormalPath(r.URL.EscapedPath())
	if err != nil {
		return nil, badRequest(err)
	}
	switch {
	case r.Method == http.MethodPost && path == initPath:
		return g.checkChallenge(body)
	case r.Method == http.MethodPost && path == completePath:
		return pass, nil
	case strings.HasPrefix(path, authPrefix):
		return nil, &refusal{http.StatusForbidden, errUncheckable}
	case r.Method == http.MethodGet && path == signersPath:
		return succeeding(g.checkSigners), nil
	}
	if key, found := exportedKey(path); found && r.Method == http.MethodPost {
		if len(r.Header.Values(approvalHeader)) > 0 {
			return checkApproval(body)
		}
		return g.checkExport(r, key, body)
	}
	return pass, nil
}

// pass accepts any answer.
func pass(*answer) error { return nil }

// succeeding is the check of an answer that clients act upon. Errors pass: clients take
// nothing from them but their text. Everything else must be a 200 (some clients take
// any other success for the same), and a text that all JSON readers read alike: without
// members that appear twice or differ in case only, at any depth.
func succeeding(judge check) check {
	return func(a *answer) error {
		if a.status >= http.StatusBadRequest {
			return nil
		}
		if a.status != http.StatusOK {
			return untrusted(fmt.Errorf("its status is %d in place of 200", a.status))
		}
		if err := strictjson.Decode(a.body, new(struct{})); err != nil {
			return untrusted(err)
		}
		if err := judge(a); err != nil {
			return untrusted(err)
		}
		return nil
	}
}

// exportedKey returns the key that the path of an export names, by itself or by its
// wallet: a wallet's id has its key's own tail behind another prefix.
func exportedKey(path string) (key string, found bool) {
	name, isExport := strings.CutSuffix(path, "/export")
	if key, found = strings.CutPrefix(name, "/keys/"); found && isExport {
		return key, true
	}
	if name, found = strings.CutPrefix(name, "/wallets/"); found && isExport {
		return "key-" + strings.TrimPrefix(name, "wa-"), true
	}
	return "", false
}
