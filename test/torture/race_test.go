//go:build cgo

package torture

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"keyferry/shares/recovery"
)

// Two servers with one PostgreSQL and one set of tokens; 64 clients present the same
// signed actions to both. One of them is answered, the others are refused, and the log
// is one.
func TestTwoServersUseAUserActionOnce(t *testing.T) {
	dir := t.TempDir()
	start(t, dir).kill()
	moveToPostgres(t, dir)
	p := start(t, dir) // makes the accounts
	auditor, env := newAuditor(t, dir), p.env
	p.kill()
	servers := []string{serve(t, dir), serve(t, dir)}
	to, err := recovery.New()
	must(t, err)
	defer to.Destroy()
	body, err := json.Marshal(to.Request())
	must(t, err)

	const actions, clients = 10, 64
	path := "/keys/" + env["KEYFERRY_KEY_ID"] + "/export"
	for i := range actions {
		token := consent(t, servers[i%2], env, path, string(body))
		var answered atomic.Int64
		var all sync.WaitGroup
		for n := range clients {
			all.Go(func() {
				status, text := post(t, servers[n%2]+path, env, token, body)
				switch {
				case status == http.StatusOK:
					answered.Add(1)
				case status >= 500:
					t.Errorf("client %d: %d %s", n, status, text)
				}
			})
		}
		all.Wait()
		if answered.Load() != 1 {
			t.Errorf("action %d was answered %d times", i, answered.Load())
		}
	}
	told := read(t, auditor.visit(t))
	if n := told.released[env["KEYFERRY_KEY_ID"]]; n != actions || len(told.begun) != actions {
		t.Errorf("%d exports were begun and %d released, not %d", len(told.begun), n, actions)
	}
}

// serve starts one more server on a directory whose state is in PostgreSQL, and returns
// where it is.
func serve(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "state", "softhsm", "*.conf"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the tokens' settings: %v, %v", found, err)
	}
	log := filepath.Join(t.TempDir(), "log")
	output, err := os.Create(log)
	must(t, err)
	cmd := command(t, "serve", "--config", filepath.Join(dir, "state", "keyferry.yaml"))
	cmd.Env = append(os.Environ(), "SOFTHSM2_CONF="+found[0])
	cmd.Stdout, cmd.Stderr = output, output
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		output.Close()
	})
	serving := regexp.MustCompile(`msg=serving address=(\S+)`)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(log)
		must(t, err)
		if found := serving.FindSubmatch(text); found != nil {
			return "http://" + string(found[1])
		}
	}
	text, _ := os.ReadFile(log)
	t.Fatalf("it does not serve:\n%s", text)
	return ""
}

// consent has the account sign a request, and returns the user action token.
func consent(t *testing.T, server string, env map[string]string, path, payload string) string {
	t.Helper()
	var offer struct {
		Challenge  string `json:"challenge"`
		Identifier string `json:"challengeIdentifier"`
	}
	ask(t, server+"/auth/action/init", env, map[string]any{
		"userActionPayload": payload, "userActionHttpMethod": "POST", "userActionHttpPath": path, "userActionServerKind": "Api",
	}, &offer)
	block, _ := pem.Decode([]byte(env["DFNS_PRIVATE_KEY"]))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(t, err)
	data := fmt.Appendf(nil, `{"type":"key.get","challenge":%q}`, offer.Challenge)
	encode := base64.RawURLEncoding.EncodeToString
	var answer struct {
		UserAction string `json:"userAction"`
	}
	ask(t, server+"/auth/action", env, map[string]any{
		"challengeIdentifier": offer.Identifier,
		"firstFactor": map[string]any{"kind": "Key", "credentialAssertion": map[string]string{
			"credId": env["DFNS_CRED_ID"], "clientData": encode(data), "signature": encode(ed25519.Sign(parsed.(ed25519.PrivateKey), data)),
		}},
	}, &answer)
	return answer.UserAction
}

func ask(t *testing.T, url string, env map[string]string, body, answer any) {
	t.Helper()
	text, err := json.Marshal(body)
	must(t, err)
	status, got := post(t, url, env, "", text)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", url, status, got)
	}
	must(t, json.Unmarshal(got, answer))
}

func post(t *testing.T, url string, env map[string]string, action string, body []byte) (int, []byte) {
	status, text, err := send(url, env, action, body)
	if err != nil {
		t.Error(err)
	}
	return status, text
}

func send(url string, env map[string]string, action string, body []byte) (status int, text []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+env["DFNS_AUTH_TOKEN"])
	request.Header.Set("Content-Type", "application/json")
	if action != "" {
		request.Header.Set("X-Dfns-Useraction", action)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	text, err = io.ReadAll(response.Body)
	return response.StatusCode, text, err
}
