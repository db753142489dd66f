package api

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
	"keyferry/shares"
	"keyferry/shares/envelope/envelopetest"
	"keyferry/shares/manifest"
)

const (
	deployment = "test"
	cluster    = "cl-test"
	sampleKey  = keyring.KeyID("key-aaaaa-bbbbb-cccccccccccccccc")
)

var start = time.Date(2026, 11, 1, 12, 0, 0, 123456789, time.UTC)

// service is the API on a real port, with everything that the tests turn on it.
type service struct {
	api         *API
	server      *httptest.Server
	book        *book
	holders     []*holder
	tokens      *identity.Tokens
	identifiers *useraction.Identifiers
	log         *lines
	mu          sync.Mutex
	now         time.Time
}

// caller is a user with a token and a credential to sign with.
type caller struct {
	identity.User
	token      string
	record     identity.TokenID
	credential identity.CredentialID
	key        ed25519.PrivateKey
}

func newService(t testing.TB) *service {
	t.Helper()
	limits := DefaultLimits()
	limits.Body = 500 * time.Millisecond
	return newServiceWithin(t, limits)
}

func newServiceWithin(t testing.TB, limits Limits) *service {
	t.Helper()
	s := &service{book: newBook(), now: start, log: &lines{}}
	config := s.config(t, limits)
	api, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	s.api = api
	s.server = httptest.NewUnstartedServer(nil)
	s.server.Config = NewHTTPServer(api, limits)
	s.server.Start()
	t.Cleanup(s.server.Close)
	return s
}

func (s *service) config(t testing.TB, limits Limits) Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if s.tokens, err = identity.NewTokens(key, deployment, s.time); err != nil {
		t.Fatal(err)
	}
	if s.identifiers, err = useraction.NewIdentifiers(key, deployment); err != nil {
		t.Fatal(err)
	}
	actions, err := useraction.New(useraction.Config{
		Deployment: deployment, Identifiers: s.identifiers, Actions: s.book, Credentials: s.book, Window: time.Minute, Now: s.time,
		RelyingParty: useraction.RelyingParty{ID: "keys.example", Origins: []string{"https://keys.example"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(s.log, nil))
	return Config{
		Identity: identity.NewAuthenticator(s.tokens, s.book), Actions: actions, Transfer: s.transfer(t, log), Audit: s.book,
		Now: s.time, Log: log, Cluster: cluster, RPID: "keys.example", RPName: "Example", Limits: limits,
	}
}

// transfer also puts the sample key into the book.
func (s *service) transfer(t testing.TB, log *slog.Logger) *transfer.Service {
	t.Helper()
	holders, public := newHolders(t, 3)
	s.holders = holders
	var signers []signer.Signer
	var members []manifest.Member
	for _, one := range holders {
		signers, members = append(signers, one), append(members, one.info.Member)
		s.book.holders[sampleKey] = append(s.book.holders[sampleKey], keyring.Holder{
			Signer: one.info.ID, Index: shares.IndexOf(one.index), Commitment: one.public[one.index-1],
		})
	}
	known, err := manifest.New(deployment, members)
	if err != nil {
		t.Fatal(err)
	}
	scheme, err := shares.ParseScheme("CGGMP21", "secp256k1")
	if err != nil {
		t.Fatal(err)
	}
	s.book.keys[sampleKey] = keyring.Key{
		ID: sampleKey, Org: "or-one", Scheme: scheme, PublicKey: public, MinSigners: 2, Signers: 3,
		Status: keyring.Active, CreatedAt: start,
	}
	service, err := transfer.New(transfer.Config{Journal: s.book, Manifest: known, Signers: signers, Timeout: time.Second, Now: s.time, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func (s *service) time() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *service) wait(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// alice may do everything in an organisation that has key export.
func (s *service) alice(t testing.TB) caller {
	return s.caller(t, "alice", "or-one", identity.Permissions()...)
}

func (s *service) caller(t testing.TB, name string, org identity.OrgID, permissions ...identity.Permission) caller {
	t.Helper()
	c := caller{credential: identity.CredentialID("cr-" + name), User: identity.User{
		ID: identity.UserID("us-" + name), Org: org, Kind: identity.ServiceAccount, Active: true, Permissions: permissions,
	}}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	token, record, err := s.tokens.Issue(c.User, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c.key, c.token, c.record = private, token, record.ID
	s.book.change(func() {
		s.book.orgs[org] = identity.Organisation{ID: org, Export: &identity.Activation{Reference: "addendum", At: start}}
		s.book.users[c.ID] = c.User
		s.book.tokens[record.ID] = record
		s.book.credentials = append(s.book.credentials, identity.Credential{
			ID: c.credential, Org: org, User: c.ID, Kind: identity.KeyCredential, Active: true,
			PublicKey: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		})
	})
	return c
}

// answer is a response, whose body was found to be one JSON object.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// request returns a request as an official client would send it.
func (s *service) request(t testing.TB, by caller, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if by.token != "" {
		r.Header.Set("Authorization", "Bearer "+by.token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (s *service) do(t testing.TB, r *http.Request) answer {
	t.Helper()
	client := &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, r.Method, response)
}

// read checks what holds for every response.
func read(t testing.TB, method string, response *http.Response) answer {
	t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	if method == http.MethodHead {
		return a
	}
	if err := json.Unmarshal(text, &a.body); err != nil || a.body == nil {
		t.Fatalf("%s: not a JSON object: %q (%v)", response.Status, text, err)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Location": "",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	return a
}

func (s *service) send(t testing.TB, by caller, method, path, body string) answer {
	t.Helper()
	return s.do(t, s.request(t, by, method, path, body))
}

// jsonOf writes a body.
func jsonOf(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func initText(t testing.TB, method, path, payload string) string {
	return jsonOf(t, map[string]string{
		"userActionPayload": payload, "userActionHttpMethod": method, "userActionHttpPath": path, "userActionServerKind": "Api",
	})
}

// assertion is a client's answer to a challenge, as the TypeScript SDK writes it.
func (c caller) assertion(t testing.TB, challenge answer) map[string]any {
	t.Helper()
	clientData := fmt.Sprintf(`{"type":"key.get","challenge":%q}`, challenge.body["challenge"])
	return map[string]any{
		"challengeIdentifier": challenge.body["challengeIdentifier"],
		"firstFactor": map[string]any{"kind": "Key", "credentialAssertion": map[string]any{
			"credId":     c.credential,
			"clientData": base64.RawURLEncoding.EncodeToString([]byte(clientData)),
			"signature":  base64.RawURLEncoding.EncodeToString(ed25519.Sign(c.key, []byte(clientData))),
		}},
	}
}

// consent goes the whole way of a user action and returns its token.
func (s *service) consent(t testing.TB, by caller, method, path, payload string) string {
	t.Helper()
	issued := s.send(t, by, "POST", "/auth/action/init", initText(t, method, path, payload))
	if issued.status != http.StatusOK {
		t.Fatalf("init: %d %s", issued.status, issued.text)
	}
	completed := s.send(t, by, "POST", "/auth/action", jsonOf(t, by.assertion(t, issued)))
	if completed.status != http.StatusOK {
		t.Fatalf("complete: %d %s", completed.status, completed.text)
	}
	return completed.body["userAction"].(string)
}

// signed returns a request with a fresh user action for exactly it.
func (s *service) signed(t testing.TB, by caller, path, body string) *http.Request {
	t.Helper()
	r := s.request(t, by, "POST", path, body)
	r.Header.Set("x-dfns-useraction", s.consent(t, by, "POST", path, body))
	return r
}

func exportPath(id keyring.KeyID) string { return "/keys/" + string(id) + "/export" }

func exportText(t testing.TB) string {
	return jsonOf(t, map[string]any{
		"encryptionKey":    envelopetest.EncryptionKey(t).String(),
		"supportedSchemes": []map[string]string{{"protocol": "CGGMP24", "curve": "secp256k1"}},
	})
}

func (s *service) importText(t testing.TB) string {
	var sealed []map[string]string
	for _, one := range s.holders {
		sealed = append(sealed, map[string]string{"signerId": one.info.ID.String(), "encryptedKeyShare": "c2hhcmU="})
	}
	return jsonOf(t, map[string]any{
		"protocol": "CGGMP21", "curve": "secp256k1", "minSigners": 2, "name": "Treasury <1>", "encryptedKeyShares": sealed,
	})
}

// lines is a log that several goroutines write.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
