//go:build cgo

package torture

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Signers' operators replace share-wrapping keys and destroy old ones while clients export
// and import. Rotations, signers and the API server are killed at random. No share is lost
// by it, and what a rotation left half done, the next one finishes.
func TestKilledRotationsLoseNoShare(t *testing.T) {
	c := startCluster(t)
	auditor := newAuditorOf(t, "--config", filepath.Join(c.dir, "state", "keyferry.yaml"))
	auditor.apart = true
	var done, killed int
	for range rounds(t, 4) {
		stop := c.rotateAtRandom(t)
		c.round(t)
		whole, cut := stop()
		done, killed = done+whole, killed+cut
		c.check(t, auditor)
		if t.Failed() {
			return
		}
	}
	for n := range clusterSigners {
		finishRotation(t, 1, func(arguments ...string) *exec.Cmd { return c.atSigner(t, n, arguments...) })
	}
	c.everyKeyIsWhole(t)
	t.Logf("%d rotations came to their end, %d were killed; %d imports and %d exports were answered, %d requests were not",
		done, killed, len(c.told.imported), c.told.exported[c.key], c.told.refused)
	if killed == 0 {
		t.Error("no rotation was killed")
	}
}

// rotateAtRandom begins rotations, goes on with them, destroys former keys, at one signer
// after another, and kills half of what it starts. It ends when it is told to, and tells
// how many commands came to their end.
func (c *cluster) rotateAtRandom(t *testing.T) (stop func() (done, killed int)) {
	t.Helper()
	var over atomic.Bool
	var running sync.WaitGroup
	done, killed := 0, 0
	running.Go(func() {
		for !over.Load() {
			var flags []string
			if rand.N(2) == 0 {
				flags = []string{"--destroy-old"}
			}
			output, ended := c.rotateAndKill(t, rand.N(clusterSigners), flags...)
			if ended {
				done++
			} else {
				killed++
			}
			if strings.Contains(output, "damaged") {
				t.Errorf("a rotation found damage:\n%s", output)
			}
		}
	})
	return func() (int, int) {
		over.Store(true)
		running.Wait()
		return done, killed
	}
}

func (c *cluster) rotateAndKill(t *testing.T, n int, flags ...string) (output string, ended bool) {
	defer c.tokens.mend(t)
	return runAndKill(t, c.atSigner(t, n, append([]string{"rotate"}, flags...)...))
}

// runAndKill kills half of the commands, after they have logged in and begun their work.
func runAndKill(t *testing.T, cmd *exec.Cmd) (output string, ended bool) {
	text := heard{first: func() {
		if rand.N(2) == 0 {
			time.AfterFunc(rand.N(atMost), func() { cmd.Process.Kill() })
		}
	}}
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return "", false
	}
	cmd.Wait() // how it ended is told by its state
	return text.String(), cmd.ProcessState.Exited()
}

// heard keeps what it is told, and does something when it is told the first of it.
type heard struct {
	strings.Builder
	first func()
}

func (h *heard) Write(text []byte) (int, error) {
	if h.Len() == 0 {
		h.first()
	}
	return h.Builder.Write(text)
}

// rotateKeys has the operators of the signers inside a server do so, until it is killed.
func (s *told) rotateKeys(t *testing.T, p *process) {
	for {
		select {
		case <-p.ended:
			return
		default:
		}
		arguments := []string{"rotate", "--signer", fmt.Sprintf("keyferry-signer-%d", 1+rand.N(devSigners))}
		if rand.N(2) == 0 {
			arguments = append(arguments, "--destroy-old")
		}
		output, ended := runAndKill(t, p.atSigners(arguments...))
		p.tokens.mend(t)
		s.note(func() {
			if ended {
				s.rotations++
			}
		})
		if strings.Contains(output, "damaged") {
			t.Errorf("a rotation found damage:\n%s", output)
		}
	}
}

// settled is a signer with one share-wrapping key.
var settled = regexp.MustCompile(`"otherKey":0,"stage":"settled","keysOnToken":\[[0-9]+\]`)

// finishRotation leaves each signer that the commands are for with one key, under which
// every share opens.
func finishRotation(t *testing.T, signers int, command func(arguments ...string) *exec.Cmd) {
	t.Helper()
	for _, arguments := range [][]string{{"rotate"}, {"rotate", "--destroy-old"}, {"verify"}} {
		if output, err := command(arguments...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", arguments, err, output)
		}
	}
	output, err := command("status", "--json").Output()
	if err != nil || len(settled.FindAll(output, -1)) != signers {
		t.Errorf("%v: %s", err, output)
	}
}

// atSigner is a command of a signer's operator.
func (c *cluster) atSigner(t *testing.T, n int, arguments ...string) *exec.Cmd {
	dir := filepath.Join(c.dir, fmt.Sprintf("signer-%d", n+1))
	cmd := command(t, append(append([]string{"signer"}, arguments...), "--config", filepath.Join(dir, "signer.yaml"))...)
	cmd.Env = append(os.Environ(), "SOFTHSM2_CONF="+filepath.Join(dir, "tokens", "softhsm2.conf"))
	return cmd
}

// atSigners is one of the operator of the signers inside a server.
func (p *process) atSigners(arguments ...string) *exec.Cmd {
	state := filepath.Join(p.dir, "state")
	cmd := exec.Command(p.cmd.Path, append(append([]string{"signer"}, arguments...), "--config", filepath.Join(state, "keyferry.yaml"))...)
	cmd.Env = append(os.Environ(), "SOFTHSM2_CONF="+filepath.Join(state, "softhsm", "softhsm2.conf"))
	return cmd
}
