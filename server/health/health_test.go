package health_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"keyferry/server/health"
)

var errDown = errors.New("token is on fire")

// things are a database and three signers, which can be taken down.
type things struct {
	down  [4]atomic.Bool
	asked atomic.Int64
}

func (th *things) checker(t *testing.T) *health.Checker {
	t.Helper()
	c := health.Config{Quorum: 2, Now: time.Now}
	for i, name := range []string{"database", "signer-1", "signer-2", "signer-3"} {
		c.Probes = append(c.Probes, health.Probe{Name: name, Required: i == 0, Ask: func(context.Context) error {
			th.asked.Add(1)
			if th.down[i].Load() {
				return errDown
			}
			return nil
		}})
	}
	checker, err := health.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return checker
}

func TestStatusFollowsFromWhatAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		down []int
		want health.Status
	}{
		"all answer":          {nil, health.Ready},
		"one signer is down":  {[]int{2}, health.Degraded},
		"two signers are":     {[]int{1, 3}, health.Unavailable},
		"the database is":     {[]int{0}, health.Unavailable},
		"everything is":       {[]int{0, 1, 2, 3}, health.Unavailable},
		"database and signer": {[]int{0, 1}, health.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			var th things
			for _, i := range c.down {
				th.down[i].Store(true)
			}
			if got := th.checker(t).Check().Status; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestManyQuestionsCostOneRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var th things
		checker := th.checker(t)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { checker.Check() })
		}
		all.Wait()
		if n := th.asked.Load(); n != 4 {
			t.Errorf("four things were asked %d times", n)
		}
		th.down[1].Store(true)
		if checker.Check().Status != health.Ready {
			t.Error("asked again at once")
		}
		time.Sleep(time.Second)
		if checker.Check().Status != health.Degraded {
			t.Error("not asked again after a second")
		}
	})
}

func TestProbeThatHangsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		checker, err := health.New(health.Config{Now: time.Now, Probes: []health.Probe{{Name: "token", Ask: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if report := checker.Check(); !errors.Is(report.Results[0].Err, context.DeadlineExceeded) {
			t.Errorf("%+v", report)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func get(handler http.Handler, method, path string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
	return recorder
}

func TestStrangersLearnTheStatusAndOperatorsTheReason(t *testing.T) {
	var th things
	th.down[1].Store(true)
	th.down[2].Store(true)
	checker := th.checker(t)
	strangers := get(checker.Serve(health.StatusOnly, http.NotFoundHandler()), "GET", "/readyz")
	if text := strings.TrimSpace(strangers.Body.String()); strangers.Code != 503 || text != `{"status":"unavailable"}` {
		t.Errorf("strangers get %d %s", strangers.Code, text)
	}
	operators := get(checker.Serve(health.WithReasons, http.NotFoundHandler()), "GET", "/readyz")
	if text := operators.Body.String(); operators.Code != 503 || !strings.Contains(text, `"signer-1","ok":false`) || !strings.Contains(text, "on fire") {
		t.Errorf("operators get %d %s", operators.Code, text)
	}
}

func TestOnlyTheTwoPathsAreTaken(t *testing.T) {
	var th things
	handler := th.checker(t).Serve(health.StatusOnly, http.NotFoundHandler())
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/livez", 200}, {"HEAD", "/livez", 200}, {"GET", "/readyz", 200}, {"GET", "/readyz?verbose", 200},
		{"POST", "/livez", 404}, {"GET", "/livez/", 404}, {"GET", "//livez", 404}, {"GET", "/keys", 404},
	} {
		if got := get(handler, c.method, c.path).Code; got != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, got, c.status)
		}
	}
}

func TestLiveDoesNotAskAnything(t *testing.T) {
	var th things
	th.down[0].Store(true)
	answer := get(th.checker(t).Serve(health.StatusOnly, http.NotFoundHandler()), "GET", "/livez")
	if answer.Code != 200 || th.asked.Load() != 0 {
		t.Errorf("%d, and %d were asked", answer.Code, th.asked.Load())
	}
}

func TestImpossibleConfigurationsAreRefused(t *testing.T) {
	ask := func(context.Context) error { return nil }
	for name, c := range map[string]health.Config{
		"no clock":           {},
		"no name":            {Now: time.Now, Probes: []health.Probe{{Ask: ask}}},
		"nothing to ask":     {Now: time.Now, Probes: []health.Probe{{Name: "a"}}},
		"quorum of too many": {Now: time.Now, Quorum: 1, Probes: []health.Probe{{Name: "a", Ask: ask, Required: true}}},
	} {
		if _, err := health.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
