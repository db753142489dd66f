// Package postgrestest gives tests a real PostgreSQL: a cluster of their own in a
// temporary folder, reached through a socket in it, with full durability.
//
//	cluster.go   make, start, crash, stop
//	shared.go    the one that a test process uses for most of its tests
//
// It needs Debian's package postgresql-15 or a later one; without it tests fail and
// are not skipped. As root, which PostgreSQL refuses, it runs as the user postgres or
// nobody. If the test process ends without stopping it, in whatever way, the kernel
// stops it (prctl(2), PR_SET_PDEATHSIG).
package postgrestest

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Cluster is a PostgreSQL server and its data.
type Cluster struct {
	dir     string // for everything, the socket included
	bin     string
	account *syscall.Credential // to run as; nil for the tests' own
	env     []string            // of the server, beside what every command has
	server  *exec.Cmd
	ended   chan struct{} // closed when the server has
}

// New makes a cluster, and starts it.
func New() (*Cluster, error) {
	c, err := prepare()
	if err != nil {
		return nil, fmt.Errorf("making a PostgreSQL cluster: %w", err)
	}
	if err := c.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	return c, nil
}

func prepare() (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "keyferry-pg-") // a socket's path must be short
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, bin: bin}
	if err := c.init(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

// binaries finds the newest version that Debian's packages have installed. Those on the
// PATH may be anything.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", errors.New("it is not installed: apt-get install postgresql-15 (test/prepare does)")
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

func (c *Cluster) init() (err error) {
	if os.Geteuid() == 0 {
		if c.account, err = unprivileged(); err != nil {
			return err
		}
		if err := os.Chown(c.dir, int(c.account.Uid), int(c.account.Gid)); err != nil {
			return err
		}
	}
	init := c.Command("initdb", "--pgdata", c.data(), "--username", "keyferry", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
	if output, err := init.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, output)
	}
	return nil
}

func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(account.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("there is neither a user postgres nor nobody to run as")
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// Dir is a folder that the server may read and write. It goes with the cluster.
func (c *Cluster) Dir() string { return c.dir }

// Command is one of PostgreSQL's programs, run in Dir by the account that has the data.
func (c *Cluster) Command(name string, args ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(c.bin, name), args...)
	command.Dir = c.dir
	command.Env = []string{"LC_ALL=C.UTF-8", "TZ=UTC"}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: c.account, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	return command
}

// Start starts the server, if it does not run, and waits until it takes connections.
func (c *Cluster) Start() error {
	if c.running() {
		return c.await()
	}
	started := make(chan error, 1)
	c.ended = make(chan struct{})
	go c.run(started, c.ended)
	if err := <-started; err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	return c.await()
}

func (c *Cluster) running() bool {
	select {
	case <-c.ended:
		return false
	default:
		return c.server != nil
	}
}

func (c *Cluster) await() error {
	for range 300 {
		if err := c.Command("pg_isready", "--quiet", "--host", c.dir).Run(); err == nil {
			return nil
		}
		select {
		case <-c.ended:
			log, _ := os.ReadFile(c.log())
			return fmt.Errorf("PostgreSQL did not start: %s", log)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errors.Join(errors.New("PostgreSQL does not answer"), c.Crash())
}

func (c *Cluster) log() string { return filepath.Join(c.dir, "log") }

// run is the parent of the server, for as long as it lives: the kernel stops a child
// when the thread ends that has started it.
func (c *Cluster) run(started chan<- error, ended chan<- struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(ended)
	log, err := os.OpenFile(c.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		started <- err
		return
	}
	defer log.Close()
	c.server = c.Command("postgres", "-D", c.data(), "-k", c.dir, "-c", "listen_addresses=",
		"-c", "shared_buffers=16MB", "-c", "max_connections=100")
	c.server.Stdout, c.server.Stderr = log, log
	c.server.Env = append(c.server.Env, c.env...)
	err = c.server.Start()
	started <- err
	if err == nil {
		c.server.Wait() // how it ended does not matter: it was told to
	}
}

// Crash ends the server at once, as a power cut does: what was not committed is lost,
// and connections are cut. The data stays, for Start.
func (c *Cluster) Crash() error { return c.end(syscall.SIGQUIT) }

// Restart ends the server in order and starts it again, from now on with these variables
// in its environment.
func (c *Cluster) Restart(env ...string) error {
	if err := c.end(syscall.SIGINT); err != nil {
		return err
	}
	c.env = append(c.env, env...)
	return c.Start()
}

// Stop ends the server and removes its data.
func (c *Cluster) Stop() error { return errors.Join(c.end(syscall.SIGINT), os.RemoveAll(c.dir)) }

func (c *Cluster) end(signal syscall.Signal) error {
	if !c.running() {
		return nil
	}
	if err := c.server.Process.Signal(signal); err != nil {
		return err
	}
	select {
	case <-c.ended:
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("PostgreSQL does not stop")
	}
}

// URL returns where the cluster's database is, with a schema for all that is stored.
func (c *Cluster) URL(schema string) string {
	query := url.Values{"host": {c.dir}, "search_path": {schema}}
	return "postgres://keyferry@/postgres?" + query.Encode()
}
