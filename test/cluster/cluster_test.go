//go:build cgo

// Package cluster drives a cluster's real processes through what operators and attackers
// do to them. That processes are killed is for test/torture.
//
//	cluster_test.go      six processes, a key and its exports
//	command_test.go      what operators call, and files that they edit
//	trust_test.go        documents that change while signers run
//	approval_test.go     exports that another user must approve
//	pin_test.go          servers and signers that pin each other wrongly
//	certificate_test.go  certificates that are not valid at this time
//	freeze_test.go       signers that their operators stop
//	ingest_test.go       shares of another cluster, brought by processes that are killed
//	identity_test.go     identity keys that are replaced meanwhile
//	audit_test.go        logs of all of them, verified and compared
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"keyferry/server/client"
	"keyferry/server/sandbox"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/recovery"
	"keyferry/test/asprogram"
)

func TestMain(m *testing.M) { asprogram.Main(m, func(m *testing.M) { os.Exit(m.Run()) }) }

// cluster is six processes and a key, 3 of 5.
type cluster struct {
	*sandbox.Cluster
	dir    string
	client *client.Client
	key    string
}

func start(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{dir: t.TempDir()}
	c.Cluster = asprogram.NewCluster(t, c.dir)
	must(t, c.Start(context.Background()))
	c.connect(t)
	c.key = c.importKey(t)
	return c
}

// connect makes a client of the API server that runs now.
func (c *cluster) connect(t *testing.T) {
	t.Helper()
	var err error
	c.client, err = c.Client()
	must(t, err)
	t.Cleanup(c.client.Close)
}

// importKey imports a key of its own, 3 of 5, and returns its id.
func (c *cluster) importKey(t *testing.T) string {
	t.Helper()
	scheme, err := shares.ParseScheme("CGGMP21", "secp256k1")
	must(t, err)
	members, err := c.client.Signers(t.Context())
	must(t, err)
	secret, err := sandbox.RandomKey(scheme.Curve())
	must(t, err)
	defer secret.Destroy()
	key, err := c.client.Import(t.Context(), dealer.Plan{Scheme: scheme, MinSigners: 3, Signers: members}, secret)
	must(t, err)
	return key.ID
}

// export returns the status that an export is answered with, and of how many shares the
// key came.
func (c *cluster) export(t *testing.T) (status, count int) {
	t.Helper()
	to, err := recovery.New()
	must(t, err)
	defer to.Destroy()
	response, err := c.client.Export(t.Context(), c.key, to)
	if refusal, ok := errors.AsType[*client.APIError](err); ok {
		return refusal.Status, 0
	}
	must(t, err)
	recovered, err := to.Recover(response, recovery.Options{Strict: true, Pin: c.client.Pin(c.key)})
	must(t, err)
	recovered.Destroy()
	return http.StatusOK, len(response.Shares)
}

// exportBecomes waits until exports are answered like this.
func (c *cluster) exportBecomes(t *testing.T, status, count int) {
	t.Helper()
	var gotStatus, gotCount int
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if gotStatus, gotCount = c.export(t); gotStatus == status && gotCount == count {
			return
		}
	}
	t.Errorf("exports are answered with %d and %d shares, not %d and %d", gotStatus, gotCount, status, count)
}

// countsAsExported checks what owners are told of the key.
func (c *cluster) countsAsExported(t *testing.T, want bool) {
	t.Helper()
	for key, err := range c.client.Keys(t.Context()) {
		must(t, err)
		if key.ID == c.key && key.Exported != want {
			t.Errorf("the key counts as exported: %v", key.Exported)
		}
	}
}

// logSays checks that a process has told its operator all of this in one line, or does so
// soon: what it tells of a connection may come after the other side's answer.
func (c *cluster) logSays(t *testing.T, log string, parts ...string) {
	t.Helper()
	var text []byte
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var err error
		text, err = os.ReadFile(filepath.Join(c.dir, log))
		must(t, err)
		for line := range strings.Lines(string(text)) {
			if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
				return
			}
		}
	}
	t.Errorf("%s does not say %q:\n%s", log, parts, text)
}

func (c *cluster) at(signer int, part string) string {
	return filepath.Join(c.dir, fmt.Sprintf("signer-%d", signer+1), part)
}

var organisation = regexp.MustCompile(`organisation: (or-[a-z0-9-]+)`)

// organisation is that of the key, as the signers' operators have it.
func (c *cluster) organisation(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(c.at(0, "signer.yaml"))
	must(t, err)
	found := organisation.FindSubmatch(text)
	if found == nil {
		t.Fatalf("no organisation in\n%s", text)
	}
	return string(found[1])
}

// restartWith starts a signer again with a change of its configuration.
func (c *cluster) restartWith(t *testing.T, signer int, change func(string) string) {
	t.Helper()
	must(t, c.KillSigner(signer))
	edit(t, c.at(signer, "signer.yaml"), change)
	must(t, c.StartSigner(context.Background(), signer))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
