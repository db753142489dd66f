//go:build cgo

package server

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/server/metrics"
	"keyferry/server/signer/node"
	"keyferry/shares/locked"
)

// newVerifier is that of a signer with so many shares.
func newVerifier(t *testing.T, shares int, settings config.Verify) (verifier, *migration, *bytes.Buffer) {
	t.Helper()
	m := newMigration(t, shares)
	if _, _, err := m.ingest(t, 0, -1, m.lines[0]...); err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	return verifier{settings, "signer-1", m.Nodes[0], metrics.New(), slog.New(slog.NewTextHandler(log, nil))}, m, log
}

// expectMetrics compares what Prometheus would read.
func (v verifier) expectMetrics(t *testing.T, intact, damaged int, succeeded time.Time) {
	t.Helper()
	answer := httptest.NewRecorder()
	v.metrics.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	seconds := "0"
	if !succeeded.IsZero() {
		seconds = strconv.FormatFloat(float64(succeeded.UnixMilli())/1000, 'g', -1, 64)
	}
	for _, line := range []string{
		fmt.Sprintf(`keyferry_signer_shares{state="intact",token="signer-1"} %d`+"\n", intact),
		fmt.Sprintf(`keyferry_signer_shares{state="damaged",token="signer-1"} %d`+"\n", damaged),
		`keyferry_signer_shares_verified_timestamp_seconds{token="signer-1"} ` + seconds + "\n",
	} {
		if !strings.Contains(answer.Body.String(), line) {
			t.Errorf("no %q in\n%s", line, answer.Body)
		}
	}
}

func (v verifier) last(t *testing.T) node.Verification {
	t.Helper()
	last, err := v.node.Store.LastVerification(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return last
}

func TestSharesAreVerifiedWhenTheyAreDueAndNotBefore(t *testing.T) {
	ctx := context.Background()
	v, m, log := newVerifier(t, 3, config.Verify{Every: time.Hour, Rate: 1000})
	v.look(ctx)
	first := v.last(t)
	v.expectMetrics(t, 3, 0, first.FinishedAt)
	m.Clock.Advance(59 * time.Minute)
	v.look(ctx)
	if again := v.last(t); again != first {
		t.Errorf("verified before it was due: %+v", again)
	}

	db, err := sql.Open("sqlite3", filepath.Join(m.Dir, "signer-0.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE shares SET sealed = zeroblob(length(sealed)) WHERE key_id = (SELECT min(key_id) FROM shares)`); err != nil {
		t.Fatal(err)
	}
	m.Clock.Advance(2 * time.Minute)
	v.look(ctx)
	if second := v.last(t); !second.FinishedAt.After(first.FinishedAt) || second.Damaged != 1 {
		t.Errorf("not verified when it was due: %+v", second)
	}
	v.expectMetrics(t, 2, 1, first.FinishedAt)
	if text := log.String(); strings.Count(text, `msg="a share is damaged" signer=signer-1 key=key-`) != 1 {
		t.Errorf("the operator's log:\n%s", text)
	}
	m.Clock.Advance(-24 * time.Hour)
	v.look(ctx)
	if last := v.last(t); last.FinishedAt.After(first.FinishedAt) {
		t.Errorf("a clock that was set back keeps it from happening: %+v", last)
	}
}

func TestVerificationByOthersIsTold(t *testing.T) {
	v, _, _ := newVerifier(t, 2, config.Verify{Rate: 20})
	v.look(context.Background())
	if last := v.last(t); !last.FinishedAt.IsZero() {
		t.Errorf("verified although nobody asked for it: %+v", last)
	}
	v.expectMetrics(t, 0, 0, time.Time{})
	made, err := v.node.VerifyShares(context.Background(), node.Survey{})
	if err != nil {
		t.Fatal(err)
	}
	v.look(context.Background())
	v.expectMetrics(t, 2, 0, made.FinishedAt)
}

// busyToken has no session to spare, so many times.
type busyToken struct {
	node.Token
	left int
}

func (b *busyToken) OpenShare(ctx context.Context, key hsm.WrappingKey, blob, aad []byte, room int) (*locked.Buffer, error) {
	if b.left--; b.left >= 0 {
		return nil, hsm.ErrBusy
	}
	return b.Token.OpenShare(ctx, key, blob, aad, room)
}

func TestVerificationOutlastsABusyToken(t *testing.T) {
	v, _, _ := newVerifier(t, 3, config.Verify{Every: time.Hour, Rate: 1000})
	busy := &busyToken{Token: v.node.Token, left: 2}
	settings := v.node.Config
	settings.Token = busy
	own, err := node.New(context.Background(), settings)
	if err != nil {
		t.Fatal(err)
	}
	v.node = own
	v.look(context.Background())
	if last := v.last(t); last.Intact != 3 || last.Damaged != 0 || busy.left >= 0 {
		t.Errorf("%+v", last)
	}
}

// A server that was started anew tells when the shares were last found whole, before it
// has looked at all of them itself.
func TestMetricsTellTheLastVerificationWhileTheNextOneRuns(t *testing.T) {
	v, m, _ := newVerifier(t, 3, config.Verify{Every: time.Hour, Rate: 1})
	made, err := v.node.VerifyShares(context.Background(), node.Survey{})
	if err != nil {
		t.Fatal(err)
	}
	m.Clock.Advance(2 * time.Hour)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	v.look(ctx)
	if last := v.last(t); last != made {
		t.Errorf("it came to its end: %+v", last)
	}
	v.expectMetrics(t, 3, 0, made.FinishedAt)
}

func TestVerificationKeepsToItsRateAndEndsWithTheServer(t *testing.T) {
	v, _, _ := newVerifier(t, 3, config.Verify{Every: time.Hour, Rate: 1})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		v.run(ctx)
		close(ended)
	}()
	time.Sleep(100 * time.Millisecond)
	cancel()
	<-ended
	if last := v.last(t); !last.FinishedAt.IsZero() {
		t.Errorf("all was verified at once: %+v", last)
	}
}

func TestServerVerifiesTheSharesOfItsSigners(t *testing.T) {
	c := readyConfig(t)
	c.Metrics.Listen = "127.0.0.1:0"
	c.Verify = config.Verify{Every: time.Hour, Rate: 20}
	s := open(t, c)
	stop := run(t, s)
	want := len(c.Signers)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		verified := 0
		for _, v := range s.verifiers {
			if !v.last(t).SucceededAt.IsZero() {
				verified++
			}
		}
		_, text := fetch(t, "http://"+s.monitor.listener.Addr().String()+"/metrics")
		if told := strings.Count(text, "keyferry_signer_shares_verified_timestamp_seconds{token="); verified == want && told == want {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d signers' shares were verified:\n%s", verified, want, text)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
