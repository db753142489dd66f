//go:build cgo

package torture

import (
	"encoding/json"
	"net/http"
	"testing"

	"keyferry/shares/recovery"
)

// presented is a signed user action, and how often it was good for something.
type presented struct {
	path, token string
	body        []byte
	answered    int
}

// sign has the account sign exports that nobody has asked for yet.
func sign(t *testing.T, p *process, n int) []*presented {
	t.Helper()
	to, err := recovery.New()
	must(t, err)
	defer to.Destroy()
	body, err := json.Marshal(to.Request())
	must(t, err)
	var signed []*presented
	for range n {
		one := &presented{path: "/keys/" + p.env["KEYFERRY_KEY_ID"] + "/export", body: body}
		one.token = consent(t, p.env["DFNS_API_URL"], p.env, one.path, string(body))
		signed = append(signed, one)
	}
	return signed
}

// present asks for the export. The server may end meanwhile, or have ended.
func (one *presented) present(p *process) {
	status, _, err := send(p.env["DFNS_API_URL"]+one.path, p.env, one.token, one.body)
	if err == nil && status == http.StatusOK {
		one.answered++
	}
}

// presentAgain does so twice with each action, as somebody who has no answer, or wants
// another one.
func presentAgain(t *testing.T, p *process, actions []*presented) {
	t.Helper()
	for _, one := range actions {
		one.present(p)
		one.present(p)
		if one.answered > 1 {
			t.Errorf("a user action was answered %d times", one.answered)
		}
	}
}
