//go:build cgo

package test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/shares/recovery"
)

const (
	rounds = 4
	// maxGrowth is above what a collector leaves lying about, and for each attack less
	// than the stack and the buffers of its connection.
	maxGrowth     = 16 << 10 // KiB
	maxGoroutines = 128      // far fewer than slow connections there were
)

// maxDrift is of descriptors: those of readers that the pools of the six databases open
// when they are first needed at the same time, two files each. It is far fewer than the
// attacks are.
func maxDrift() int { return 6 * (max(4, runtime.NumCPU()) - 1) * 2 }

// usage is what a process takes of the system.
type usage struct{ kilobytes, descriptors, threads int }

// repeat attacks again and again. What the server takes must not grow with it.
func (s *stage) repeat(t *testing.T, attacks []attack) {
	s.attackAgain(t, attacks)
	before := s.settled(t)
	for range rounds {
		s.attackAgain(t, attacks)
	}
	after := s.settled(t)
	t.Logf("before %+v, after %d more attacks %+v", before, rounds*len(attacks), after)
	if after.kilobytes > before.kilobytes+maxGrowth || after.descriptors > before.descriptors+maxDrift() {
		t.Errorf("grew from %+v to %+v", before, after)
	}
}

// attackAgain sends every request as it was sent before. Some are refused for another
// reason now, as their user actions are used up; none may succeed or break something.
func (s *stage) attackAgain(t *testing.T, attacks []attack) {
	t.Helper()
	for _, row := range attacks {
		got, err := s.send(row.request, time.Minute)
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if got.status < 400 || got.status >= 500 && got.status != row.status {
			t.Errorf("%s again: %d %s", row.name, got.status, got.body)
		}
	}
}

// settled waits until the attackers' connections are gone.
func (s *stage) settled(t *testing.T) usage {
	t.Helper()
	last := s.usage(t)
	for range 20 {
		time.Sleep(100 * time.Millisecond)
		now := s.usage(t)
		if now.descriptors == last.descriptors {
			return now
		}
		last = now
	}
	return last
}

func (s *stage) usage(t *testing.T) (u usage) {
	t.Helper()
	process := fmt.Sprintf("/proc/%d/", s.cmd.Process.Pid)
	status, err := os.ReadFile(process + "status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		fmt.Sscanf(line, "VmRSS: %d kB", &u.kilobytes)
		fmt.Sscanf(line, "Threads: %d", &u.threads)
	}
	descriptors, err := os.ReadDir(process + "fd")
	if err != nil || u.kilobytes == 0 {
		t.Fatalf("%+v, %v", u, err)
	}
	u.descriptors = len(descriptors)
	return u
}

// checkHarmless checks that no attack came to anything: the key that nobody exports is
// not marked as exported, no export of it was begun, and nothing went wrong inside.
func (s *stage) checkHarmless(t *testing.T) {
	for _, key := range []struct {
		id    string
		owner *account
	}{{s.victim, s.alice}, {s.carolKey, s.carol}} {
		got, err := key.owner.client(t).Key(context.Background(), key.id)
		if err != nil {
			t.Fatal(err)
		}
		if got.Exported || got.Status != "Active" {
			t.Errorf("%+v", got)
		}
	}
	for _, entry := range s.record.since(t, 0) {
		if entry.Kind == audit.ExportBegun && entry.Key != s.spare {
			t.Errorf("an export was begun: %+v", entry)
		}
		if entry.Reason == "internal" {
			t.Errorf("something went wrong: %+v", entry)
		}
	}
}

// checkHealthy goes a legitimate client's whole way: import, export, recovery.
func (s *stage) checkHealthy(t *testing.T) {
	ctx, c := context.Background(), s.alice.client(t)
	secret := newSecret(t)
	key, err := c.Import(ctx, s.plan(t), secret)
	if err != nil {
		t.Fatal(err)
	}
	to, err := recovery.New()
	if err != nil {
		t.Fatal(err)
	}
	defer to.Destroy()
	response, err := c.Export(ctx, key.ID, to)
	if err != nil {
		t.Fatal(err)
	}
	recovered, err := to.Recover(response, recovery.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer recovered.Destroy()
	if !bytes.Equal(recovered.Secret.Bytes(), secret.Bytes()) || len(recovered.Bad) > 0 {
		t.Error("another key was recovered")
	}
}

// checkGoroutines ends the server with a signal on which it tells what it is doing.
func (s *stage) checkGoroutines(t *testing.T) {
	if err := s.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Fatal("the server does not end")
	}
	n := bytes.Count(s.output.Bytes(), []byte("\ngoroutine "))
	t.Logf("%d goroutines", n)
	if n == 0 || n > maxGoroutines {
		t.Errorf("%d goroutines", n)
	}
	if bytes.Contains(s.output.Bytes(), []byte("panic: ")) {
		t.Errorf("the server panicked:\n%s", s.output)
	}
}
