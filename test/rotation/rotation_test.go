//go:build cgo

// Package rotation rotates the share-wrapping key of a signer that serves, with the
// program's own commands in processes that are killed, while clients export and import.
//
//	rotation_test.go  the test
//	signer_test.go    the signer: its many shares, its store, its token
//	clients_test.go   the clients
//
// With KEYFERRY_TORTURE set there are 10,000 shares and ten kills.
package rotation

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"keyferry/test/asprogram"
)

func TestMain(m *testing.M) { asprogram.Main(m, func(m *testing.M) { os.Exit(m.Run()) }) }

func size() (shares, kills int) {
	if asprogram.Torture() != "" {
		return 10_000, 10
	}
	return 600, 5
}

// However often the rotation is killed, and whatever is exported and imported meanwhile:
// in the end every share opens under the new key, and the old key is gone.
func TestRotationThatIsKilledAgainAndAgainLosesNothing(t *testing.T) {
	many, kills := size()
	s := startSigner(t)
	s.ingest(t, many)
	clients := s.busy(t)
	s.rotateAndKill(t, "made keyferry share-wrapping v2", 1)
	between := 0 // kills that left shares under both keys
	for range kills - 2 {
		s.rotateAndKill(t, "shares sealed under the new key", 1+rand.N(many/1000+1))
		under := s.byKey(t)
		t.Logf("killed; shares by key: %v", under)
		if len(under) == 2 {
			between++
		}
	}
	s.rotateAndKill(t, "shares read back", 1)
	begun := time.Now()
	s.run(t, "signer", "rotate")
	t.Logf("killed %d times, %d times with shares under both keys; the last time took %v", kills, between, time.Since(begun).Round(time.Millisecond))
	current := s.expect(t, "resealed", 1)
	s.rotateAndKill(t, "shares read back", 1, "--destroy-old")
	s.run(t, "signer", "rotate", "--destroy-old")
	exports, imports := clients.end()
	if s.expect(t, "settled", 0, current) != current {
		t.Error("another key is in use")
	}
	s.expectAllUnder(t, current, many+imports)
	t.Logf("%d exports and %d imports meanwhile", exports, imports)
	if exports == 0 || imports == 0 || between == 0 {
		t.Error("nothing was under way")
	}
}

// rotateAndKill lets a rotation print so many lines with a text, and a moment pass, and
// kills it.
func (s *signer) rotateAndKill(t *testing.T, text string, times int, flags ...string) {
	t.Helper()
	command := s.command(append([]string{"signer", "rotate"}, flags...)...)
	output, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	lines := bufio.NewScanner(output)
	for times > 0 && lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			times--
		}
	}
	time.Sleep(rand.N(2 * time.Millisecond))
	must(t, command.Process.Kill())
	for lines.Scan() {
	}
	must(t, lines.Err())
	if ended := command.Wait(); times > 0 || ended == nil {
		t.Logf("a rotation came to its end before %q was seen often enough", text)
	}
}

// run runs a command at the signer to its end.
func (s *signer) run(t *testing.T, arguments ...string) string {
	t.Helper()
	output, err := s.command(arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("keyferry %v: %v\n%s", arguments, err, output)
	}
	return string(output)
}

func (s *signer) command(arguments ...string) *exec.Cmd {
	command := exec.CommandContext(context.Background(), os.Args[0], append(arguments, "--config", s.at("signer.yaml"))...)
	command.Env = append(os.Environ(), "SOFTHSM2_CONF="+s.at("tokens/softhsm2.conf"))
	return command
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
