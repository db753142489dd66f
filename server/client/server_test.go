package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"keyferry/server/challenge"
)

const (
	testDeployment   = "test"
	testOrganisation = "or-test"
	testUser         = "us-test"
	testCredential   = "cr-test"
	testToken        = "token-test"
)

// liar speaks the API as far as signing goes. It is honest until lie changes what it
// is about to answer.
type liar struct {
	lie func(answer *initAnswer, asked challenge.Request)

	mu        sync.Mutex
	signature *firstFactor // what the client signed, if anything
	carried   []string     // the user actions that requests carried
}

type initAnswer struct {
	Challenge  string           `json:"challenge"`
	Identifier string           `json:"challengeIdentifier"`
	Input      *challenge.Input `json:"challengeInput,omitempty"`
	Allowed    map[string]any   `json:"allowCredentials"`
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/auth/action/init":
		json.NewEncoder(w).Encode(l.challenge(body))
	case "/auth/action":
		var answer struct{ FirstFactor firstFactor }
		if err := json.Unmarshal(body, &answer); err != nil {
			http.Error(w, err.Error(), 500)
		}
		l.note(&answer.FirstFactor, "")
		io.WriteString(w, `{"userAction":"ua-test"}`)
	default:
		l.note(nil, r.Header.Get("X-Dfns-Useraction"))
		io.WriteString(w, `{}`)
	}
}

func (l *liar) note(signature *firstFactor, carried string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if signature != nil {
		l.signature = signature
		return
	}
	l.carried = append(l.carried, carried)
}

func (l *liar) challenge(body []byte) initAnswer {
	var asked struct{ UserActionPayload, UserActionHTTPMethod, UserActionHTTPPath string }
	json.Unmarshal(body, &asked)
	request := challenge.Request{Method: asked.UserActionHTTPMethod, Path: asked.UserActionHTTPPath, Payload: asked.UserActionPayload}
	input, err := challenge.New(testDeployment, testOrganisation, testUser, request, time.Now(), time.Minute)
	if err != nil {
		panic(err)
	}
	answer := initAnswer{
		Challenge: input.Challenge(), Identifier: "ch-test", Input: &input,
		Allowed: map[string]any{"key": []map[string]string{{"type": "public-key", "id": testCredential}}},
	}
	if l.lie != nil {
		l.lie(&answer, request)
	}
	return answer
}

// connect returns a client that knows who it is, and the public key of its credential.
func connect(t *testing.T, handler http.Handler) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	credential, _ := ed25519Credential(t)
	c, err := New(Config{
		URL: server.URL, Token: testToken, Credential: credential,
		Expect: Expectation{testDeployment, testOrganisation, testUser},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func ed25519Credential(t *testing.T) (*Credential, ed25519.PublicKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return credentialOf(t, private), public
}

func p256Credential(t *testing.T) (*Credential, *ecdsa.PublicKey) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return credentialOf(t, private), &private.PublicKey
}

func credentialOf(t *testing.T, private any) *Credential {
	t.Helper()
	credential, err := ParseCredential(testCredential, pkcs8(t, private))
	if err != nil {
		t.Fatal(err)
	}
	return credential
}

func pkcs8(t *testing.T, private any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (l *liar) signedNothing(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.signature != nil || len(l.carried) != 0 {
		t.Errorf("the client signed %+v and sent %v", l.signature, l.carried)
	}
}

func post(c *Client) error {
	return c.signed(context.Background(), "/keys/key-1/export", map[string]string{"encryptionKey": "mine"}, new(map[string]any))
}
