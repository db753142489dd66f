//go:build cgo

package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"keyferry/server/sandbox"
	"keyferry/shares"
	"keyferry/test/asprogram"
	"keyferry/test/rig"
)

var ingested = regexp.MustCompile(`(?m)^(\d+) shares are in, (\d+) of them were there already$`)

// migration is an organisation's keys on their way from another cluster.
type migration struct {
	*cluster
	org  string
	keys int
}

// migrated is how many keys that is: by make torture a thousand. Programs say how far
// they got after every hundredth.
func migrated() int {
	if asprogram.Torture() != "" {
		return 1000
	}
	return 200
}

// Operators bring the shares of many keys, each in a process that is killed half-way and
// repeated. What was half brought is no key; of the rest all are there.
func TestIngestOfManyKeysIsKilledHalfWayAndRepeated(t *testing.T) {
	c := start(t)
	m := migration{c, c.organisation(t), migrated()}
	scheme := rig.Scheme(t, "CGGMP21", "secp256k1")
	last := m.dealAway(t, scheme)
	atAllSigners(t, m.killIngest)
	atAllSigners(t, m.finishIngest)
	var receipts []string
	for n := range 5 {
		receipts = append(receipts, c.at(n, "receipts"))
	}
	settings := filepath.Join(c.dir, "state", "keyferry.yaml")
	run(t, append([]string{"admin", "key", "adopt", "--config", settings, "--organisation", m.org}, receipts...)...)
	must(t, c.KillServer()) // it has the signers commit when it starts
	must(t, c.StartServer(context.Background()))
	c.connect(t)
	m.keysComeBack(t, last)
}

// dealAway writes what another cluster has, a file for each signer, and returns the
// public key of the last key.
func (m migration) dealAway(t *testing.T, scheme shares.Scheme) (last shares.Point) {
	t.Helper()
	files := make([]*bufio.Writer, 5)
	for n := range files {
		file, err := os.Create(m.at(n, "shares.jsonl"))
		must(t, err)
		defer file.Close()
		files[n] = bufio.NewWriter(file)
	}
	for range m.keys {
		last = dealOne(t, m.org, scheme, files)
	}
	for _, file := range files {
		must(t, file.Flush())
	}
	return last
}

func dealOne(t *testing.T, org string, scheme shares.Scheme, files []*bufio.Writer) shares.Point {
	t.Helper()
	secret, err := sandbox.RandomKey(scheme.Curve())
	must(t, err)
	defer secret.Destroy()
	dealing, err := shares.Split(scheme.Curve(), secret, 3, len(files))
	must(t, err)
	defer dealing.Destroy()
	for n, file := range files {
		fmt.Fprintln(file, rig.IngestLine(t, org, scheme, 3, dealing, n+1))
	}
	public, err := scheme.Curve().MulBase(secret)
	must(t, err)
	return public
}

func (m migration) ingest(n int) *exec.Cmd {
	return m.command(n, "signer", "ingest", "--organisation", m.org, "--receipts", m.at(n, "receipts"), m.at(n, "shares.jsonl"))
}

// atAllSigners lets all operators work at once.
func atAllSigners(t *testing.T, act func(n int) error) {
	t.Helper()
	errs := make([]error, 5)
	var operators sync.WaitGroup
	for n := range errs {
		operators.Go(func() { errs[n] = act(n) })
	}
	operators.Wait()
	must(t, errors.Join(errs...))
}

// killIngest kills it when half of the shares are in, which leaves no receipts.
func (m migration) killIngest(n int) error {
	command := m.ingest(n)
	told, err := command.StderrPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	half := fmt.Sprintf("%d shares so far", m.keys/2)
	var text strings.Builder
	for lines := bufio.NewScanner(told); lines.Scan(); {
		fmt.Fprintln(&text, lines.Text())
		if lines.Text() == half {
			command.Process.Kill() // Wait tells whether it did
		}
	}
	_, left := os.Stat(m.at(n, "receipts"))
	if err := command.Wait(); command.ProcessState.ExitCode() != -1 || !errors.Is(left, fs.ErrNotExist) {
		return fmt.Errorf("signer %d was not killed half-way: %v, receipts: %v\n%s", n+1, err, left, &text)
	}
	return nil
}

// finishIngest repeats it. The killed one's shares are there.
func (m migration) finishIngest(n int) error {
	output, err := m.ingest(n).CombinedOutput()
	found := ingested.FindSubmatch(output)
	if err != nil || found == nil || string(found[1]) != strconv.Itoa(m.keys) {
		return fmt.Errorf("signer %d: %v\n%s", n+1, err, output)
	}
	if before, err := strconv.Atoi(string(found[2])); err != nil || before < m.keys/2 {
		return fmt.Errorf("signer %d lost what it had: %s", n+1, output)
	}
	return nil
}

// keysComeBack counts the keys and takes the one with this public key out.
func (m migration) keysComeBack(t *testing.T, wanted shares.Point) {
	t.Helper()
	count := 0
	for key, err := range m.client.Keys(t.Context()) {
		must(t, err)
		count++
		if key.PublicKey == wanted.Hex() {
			m.key = key.ID
		}
	}
	if count != m.keys+1 {
		t.Errorf("%d keys are there", count)
	}
	if status, shares := m.export(t); status != http.StatusOK || shares != 5 {
		t.Errorf("the last key's export: %d, %d shares", status, shares)
	}
}
