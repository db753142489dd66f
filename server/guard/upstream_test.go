package guard

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"keyferry/server/challenge"
	"keyferry/shares/attest/attesttest"
	"keyferry/shares/envelope"
)

const testUser = "us-test"

// upstream is an API server that is honest until lie changes what it answers.
type upstream struct {
	*testing.T
	cluster *attesttest.Cluster
	lie     func(a *scripted)
	aside   func(a *scripted) // a lie to the guard itself, when it lists signers after an export

	mu   sync.Mutex
	seen []seen
}

// scripted is an answer before it is sent. The member that belongs to the request is
// set and can be edited; text, if set, is sent in its place.
type scripted struct {
	status    int
	header    http.Header
	challenge *initAnswer
	signers   *signersAnswer
	export    *attesttest.Answer
	text      string
}

type initAnswer struct {
	Challenge  string           `json:"challenge"`
	Identifier string           `json:"challengeIdentifier"`
	Input      *challenge.Input `json:"challengeInput,omitempty"`
}

// seal makes the challenge the one of the input.
func (a *initAnswer) seal() { a.Challenge = a.Input.Challenge() }

type signersAnswer struct {
	Clusters []clusterAnswer `json:"clusters"`
}

type clusterAnswer struct {
	ID      string `json:"clusterId"`
	Signers []any  `json:"signers"`
}

// seen is a request as it arrived.
type seen struct {
	method, uri string
	header      http.Header
	body        string
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		u.Error(err)
	}
	u.mu.Lock()
	isAside := r.URL.Path == "/signers" && len(u.seen) > 0 && strings.HasSuffix(u.seen[len(u.seen)-1].uri, "/export")
	u.seen = append(u.seen, seen{r.Method, r.RequestURI, r.Header, string(body)})
	u.mu.Unlock()
	answer, lie := u.honest(r, body), u.lie
	if isAside {
		lie = u.aside
	}
	if lie != nil {
		lie(answer)
	}
	answer.send(w)
}

// requests is what has arrived.
func (u *upstream) requests() []seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.seen)
}

func (u *upstream) honest(r *http.Request, body []byte) *scripted {
	answer := &scripted{status: 200, header: http.Header{"Content-Type": {"application/json"}}}
	switch path := strings.ReplaceAll(r.URL.Path, "//", "/"); {
	case path == "/auth/action/init":
		answer.challenge = u.challenge(body)
	case path == "/signers":
		list := clusterAnswer{ID: "cluster"}
		for _, member := range u.cluster.Listing() {
			list.Signers = append(list.Signers, member)
		}
		answer.signers = &signersAnswer{[]clusterAnswer{list}}
	case strings.HasSuffix(path, "/export"):
		export := u.cluster.Export(u, encryptionKeyOf(u, body))
		answer.export = &export
	default:
		answer.text = `{"path":"` + path + `"}`
	}
	return answer
}

func (u *upstream) challenge(body []byte) *initAnswer {
	var stated initRequest
	if err := json.Unmarshal(body, &stated); err != nil {
		u.Error(err)
	}
	request := challenge.Request{Method: stated.Method, Path: stated.Path, Payload: stated.Payload}
	in, err := challenge.New(attesttest.Deployment, attesttest.Organisation, testUser, request, time.Now(), time.Minute)
	if err != nil {
		u.Error(err)
	}
	return &initAnswer{Challenge: in.Challenge(), Identifier: "ch-1", Input: &in}
}

func encryptionKeyOf(t testing.TB, body []byte) envelope.EncryptionKey {
	var request struct{ EncryptionKey string }
	if err := json.Unmarshal(body, &request); err != nil {
		t.Error(err)
	}
	key, err := envelope.ParseEncryptionKey(request.EncryptionKey)
	if err != nil {
		t.Error(err)
	}
	return key
}

// body is what will be sent.
func (a *scripted) body() string {
	if a.text != "" {
		return a.text
	}
	var value any = a.export
	switch {
	case a.challenge != nil:
		value = a.challenge
	case a.signers != nil:
		value = a.signers
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (a *scripted) send(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	io.WriteString(w, a.body())
}

// scene is a client, a guard and an upstream.
type scene struct {
	*testing.T
	*upstream
	url string
	log *bytes.Buffer
}

func newScene(t *testing.T) *scene {
	t.Helper()
	return newSceneWith(t, func(*Config) {})
}

func newSceneWith(t *testing.T, change func(c *Config)) *scene {
	t.Helper()
	s := &scene{T: t, upstream: &upstream{T: t, cluster: attesttest.New(t)}, log: new(bytes.Buffer)}
	api := httptest.NewServer(s.upstream)
	t.Cleanup(api.Close)
	config := Config{
		Upstream: api.URL, Manifest: s.cluster.Manifest, Organisation: attesttest.Organisation, Users: []string{testUser},
		Log: newLog(s.log),
	}
	change(&config)
	guard, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guard.Close)
	front := httptest.NewServer(guard)
	t.Cleanup(front.Close)
	s.url = front.URL
	return s
}

func newLog(to io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(to, nil)) }

// got is an answer as the client sees it.
type got struct {
	status int
	header http.Header
	body   string
}

func (s *scene) do(method, path, body string) got {
	s.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	return s.send(request)
}

func (s *scene) send(request *http.Request) got {
	s.Helper()
	request.Header.Set("Authorization", "Bearer token")
	// The client of this test follows no redirect by itself.
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	return got{response.StatusCode, response.Header, string(text)}
}

// isRefusal reports whether an answer is the guard's own, in the API's shape, and says
// a certain thing.
func (g got) isRefusal(status int, says string) bool {
	var fault faultBody
	if err := json.Unmarshal([]byte(g.body), &fault); err != nil {
		return false
	}
	return g.status == status && fault.Error.Status == status && fault.Error.ID != "" && fault.Error.Message == fault.Message &&
		strings.HasPrefix(fault.Message, "keyferry guard: ") && strings.Contains(fault.Message, says)
}

// wants is what the client asks to have signed.
const (
	wantsPath    = "/keys/" + attesttest.Key + "/export"
	wantsPayload = `{"encryptionKey":"<mine>"}`
)

func (s *scene) init() got {
	return s.do("POST", "/auth/action/init", statedBody("POST", wantsPath, wantsPayload))
}

func statedBody(method, path, payload string) string {
	text, err := json.Marshal(map[string]string{
		"userActionPayload": payload, "userActionHttpMethod": method, "userActionHttpPath": path, "userActionServerKind": "Api",
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func exportBody(to envelope.EncryptionKey) string {
	return `{"encryptionKey":"` + to.String() + `","supportedSchemes":[{"protocol":"CGGMP21","curve":"secp256k1"}]}`
}
