//go:build cgo

// Package cluster drives a cluster's real processes through what operators and attackers
// do to them. That processes are killed is for test/torture.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"keyferry/server/cli"
	"keyferry/server/client"
	"keyferry/server/sandbox"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/recovery"
)

// asProgram is the variable with which this test binary is the program itself. It is not
// named as settings are: the program would refuse it.
const asProgram = "CLUSTER_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(cli.Main())
	}
	os.Exit(m.Run())
}

// cluster is six processes and a key, 3 of 5.
type cluster struct {
	*sandbox.Cluster
	dir    string
	client *client.Client
	key    string
}

func start(t *testing.T) *cluster {
	t.Helper()
	t.Setenv(asProgram, "1")
	t.Setenv("SOFTHSM2_CONF", "") // NewCluster sets it: undone at the end
	c := &cluster{dir: t.TempDir()}
	var err error
	c.Cluster, err = sandbox.NewCluster(t.Context(), c.dir, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	must(t, c.Start(context.Background())) // t.Context ends before Cleanup
	c.client, err = c.Client()
	must(t, err)
	t.Cleanup(c.client.Close)
	c.importKey(t)
	return c
}

func (c *cluster) importKey(t *testing.T) {
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
	c.key = key.ID
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
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if gotStatus, gotCount = c.export(t); gotStatus == status && gotCount == count {
			return
		}
	}
	t.Errorf("exports are answered with %d and %d shares, not %d and %d", gotStatus, gotCount, status, count)
}

func (c *cluster) at(signer int, part string) string {
	return filepath.Join(c.dir, fmt.Sprintf("signer-%d", signer+1), part)
}

// restartWith starts a signer again with a change of its configuration.
func (c *cluster) restartWith(t *testing.T, signer int, change func(string) string) {
	t.Helper()
	must(t, c.KillSigner(signer))
	edit(t, c.at(signer, "signer.yaml"), change)
	must(t, c.StartSigner(context.Background(), signer))
}

var pinned = regexp.MustCompile(`servers: \[.*\]`)

// Signers answer servers whose pin they have, and nobody else: one that is not on the
// lists of three of five gets no key.
func TestServerThatSignersDoNotPinGetsNothing(t *testing.T) {
	c := start(t)
	c.exportBecomes(t, http.StatusOK, 5)
	var own string
	for n := range 3 {
		c.restartWith(t, n, func(text string) string {
			own = pinned.FindString(text)
			return pinned.ReplaceAllLiteralString(text, "servers: ["+strings.Repeat("A", 43)+"=]")
		})
	}
	c.exportBecomes(t, http.StatusServiceUnavailable, 0)
	for n := range 3 {
		c.restartWith(t, n, func(text string) string { return pinned.ReplaceAllLiteralString(text, own) })
	}
	c.exportBecomes(t, http.StatusOK, 5)
}

var (
	serial = regexp.MustCompile(`"serial": *"?1"?`)
	active = regexp.MustCompile(`("export": *\{\s*"active": *)true`)
)

// A document that stops exports is in force at signers that run, whatever the server
// says; and so is the one that allows them again.
func TestSignersTakeUpTrustWithoutARestart(t *testing.T) {
	c := start(t)
	document := filepath.Join(c.dir, "offline", "document.json")
	before := c.Processes()
	edit(t, document, func(text string) string {
		return serial.ReplaceAllString(active.ReplaceAllString(text, "${1}false"), `"serial": 2`)
	})
	c.installTrust(t, document)
	c.exportBecomes(t, http.StatusForbidden, 0)
	edit(t, document, func(text string) string {
		text = strings.Replace(text, `"serial": 2`, `"serial": 3`, 1)
		return regexp.MustCompile(`("export": *\{\s*"active": *)false`).ReplaceAllString(text, "${1}true")
	})
	c.installTrust(t, document)
	c.exportBecomes(t, http.StatusOK, 5)
	if after := c.Processes(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the processes %v are not %v any more", before, after)
	}
}

// installTrust has the root sign a document and every signer's operator install it.
func (c *cluster) installTrust(t *testing.T, document string) {
	t.Helper()
	root, signed := filepath.Join(c.dir, "offline", "root"), document+".signed"
	must(t, os.RemoveAll(signed))
	run(t, "signer", "trust", "sign", "--root", root, "--document", document, "--out", signed)
	for n := range 5 {
		run(t, "signer", "trust", "install", "--trust-dir", c.at(n, "trust"), "--root", root+".pub",
			"--deployment", c.Manifest.Deployment, signed)
	}
}

func run(t *testing.T, arguments ...string) {
	t.Helper()
	program, err := os.Executable()
	must(t, err)
	if output, err := exec.Command(program, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("keyferry %v: %v\n%s", arguments, err, output)
	}
}

// edit changes a file, which must make a difference.
func edit(t *testing.T, path string, change func(string) string) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	changed := change(string(text))
	if changed == string(text) {
		t.Fatalf("%s is not as expected:\n%s", path, text)
	}
	must(t, os.WriteFile(path, []byte(changed), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
