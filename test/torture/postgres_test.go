//go:build cgo

package torture

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"keyferry/server/client"
	"keyferry/server/store/postgrestest"
)

// troubled is a PostgreSQL that can be given trouble.
type troubled struct {
	*postgrestest.Cluster
	t      *testing.T
	system *sql.DB // to its operator
}

func newTroubled(t *testing.T) *troubled {
	t.Helper()
	cluster := newCluster(t)
	db := &troubled{Cluster: cluster, t: t}
	must(t, cluster.Restart("LD_PRELOAD="+buildDisk(t, cluster.Dir()), "DISK_FAULT="+db.switchFile()))
	system, err := sql.Open("pgx", cluster.URL("public"))
	must(t, err)
	db.system = system
	t.Cleanup(func() { db.system.Close() })
	return db
}

func (db *troubled) switchFile() string { return filepath.Join(db.Dir(), "fault") }

// failing is a disk that fails until it ends.
func (db *troubled) failing(fault string) func() {
	return func() { must(db.t, os.WriteFile(db.switchFile(), []byte(fault), 0o666)) }
}

func (db *troubled) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(db.Dir(), "log"))
	must(t, err)
	return string(text)
}

func (db *troubled) execute(statements ...string) func() {
	return func() {
		for _, statement := range statements {
			_, err := db.system.Exec(statement)
			must(db.t, err)
		}
	}
}

// cutConnections ends some, again and again, whatever they are at.
func (db *troubled) cutConnections() {
	cut := db.execute(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'keyferry' AND random() < 0.2`)
	for range 60 {
		cut()
		time.Sleep(20 * time.Millisecond)
	}
}

// end takes the disk's trouble away. A server that ended because of it is started anew,
// as its operator or his tools do.
func (db *troubled) end() {
	if err := os.Remove(db.switchFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		db.t.Error(err)
	}
	if db.Start() != nil { // it may have been ending just then
		must(db.t, db.Start())
	}
}

// trouble begins and ends, and PostgreSQL's own log says what it was.
type trouble struct {
	begin, end func()
	says       string
}

func (db *troubled) troubles() map[string]trouble {
	const reload = `SELECT pg_reload_conf()`
	ended := func() {}
	readOnly := db.execute(`ALTER SYSTEM SET default_transaction_read_only = on`, reload)
	writable := db.execute(`ALTER SYSTEM RESET default_transaction_read_only`, reload)
	return map[string]trouble{
		"disk full":              {db.failing("full /data/base/"), db.end, "ERROR: .* No space left on device"},
		"log's disk full":        {db.failing("full /data/pg_wal/"), db.end, "PANIC: .* No space left on device"},
		"disk read-only":         {db.failing("readonly /data/base/"), db.end, "ERROR: .* Read-only file system"},
		"log's disk read-only":   {db.failing("readonly /data/pg_wal/"), db.end, "PANIC: .* Read-only file system"},
		"disk fails to sync":     {db.failing("sync /data/"), db.end, "PANIC: .* could not fdatasync file .* Input/output error"},
		"one sync fails":         {db.failing("sync /data/pg_wal/ once"), ended, "PANIC: .* could not fdatasync file .* Input/output error"},
		"read-only transactions": {readOnly, writable, "ERROR: .* in a read-only transaction"},
		"crash":                  {func() { must(db.t, db.Crash()) }, db.end, "received immediate shutdown request"},
		"restart":                {func() { must(db.t, db.Restart()) }, ended, "received fast shutdown request"},
		"connections cut":        {db.cutConnections, ended, "terminating connection due to administrator command"},
	}
}

// Trouble of PostgreSQL, of whatever kind, refuses what it meets with 503 and nothing
// else. What was answered stays, nothing is half done or hidden, and the server that went
// through it goes on when it is over.
func TestTroubledPostgresRefusesAndHidesNothing(t *testing.T) {
	db := newTroubled(t)
	for name, trouble := range db.troubles() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			start(t, dir).kill()
			moveState(t, dir, func(file string) string { return db.URL(schemaOf(dir + file)) })
			p, told := start(t, dir), newTold()
			auditor := newAuditor(t, dir)

			before := db.log(t)
			told.through(t, p, trouble.begin, trouble.end)
			told.heals(t, p)
			if said := db.log(t)[len(before):]; !regexp.MustCompile(trouble.says).MatchString(said) {
				t.Errorf("PostgreSQL had other trouble:\n%s", said)
			}
			p.kill()
			p = p.again(t) // it settles
			read(t, auditor.visit(t)).check(t, p, told)
			everyKeyIsWhole(t, p)
		})
	}
}

// through keeps a server busy while trouble begins, until it has met somebody, and when
// it ends.
func (s *told) through(t *testing.T, p *process, begin, end func()) {
	t.Helper()
	var over atomic.Bool
	var refused atomic.Int64
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() {
			c := p.client(t)
			defer c.Close()
			for act := []func(context.Context, *client.Client, string) error{s.importKey, s.export}[min(i, 1)]; !over.Load(); {
				if err := act(ctx, c, p.env["KEYFERRY_KEY_ID"]); err != nil {
					refused.Add(1)
					checkRefusal(t, err)
				}
			}
		})
	}
	defer clients.Wait()
	defer over.Store(true)
	s.await(ctx, mostAnswers)
	begin()
	for refused.Load() == 0 {
		if ctx.Err() != nil {
			t.Fatal("trouble met nobody")
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(4 * atMost)
	end()
}

// checkRefusal has a client told that he can try again, and nothing else.
func checkRefusal(t *testing.T, err error) {
	if refusal, ok := errors.AsType[*client.APIError](err); !ok || refusal.Status != http.StatusServiceUnavailable {
		t.Errorf("a client was told: %v", err)
	}
}

// heals waits until the server does its work again. An import needs all signers, and an
// export that came to its end before it not all of them.
func (s *told) heals(t *testing.T, p *process) {
	t.Helper()
	c := p.client(t)
	defer c.Close()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = s.export(context.Background(), c, p.env["KEYFERRY_KEY_ID"]); err == nil {
			err = s.importKey(context.Background(), c, "")
		}
		if err == nil {
			return
		}
		checkRefusal(t, err)
	}
	t.Fatalf("it does not heal: %v", err)
}
