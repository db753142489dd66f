//go:build cgo

package demo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"keyferry/hsm/hsmtest"
	"keyferry/shares"
)

func TestDemoTellsEverySchemeAndLeavesNothingBehind(t *testing.T) {
	hsmtest.Directory(t) // keeps SOFTHSM2_CONF to this test
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	var told bytes.Buffer
	if err := Run(context.Background(), &told, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range shares.Schemes() {
		if !strings.Contains(told.String(), scheme.String()) {
			t.Errorf("nothing is told of %s", scheme)
		}
	}
	for line := range strings.Lines(told.String()) {
		if len([]rune(line)) > 110 {
			t.Errorf("a long line: %s", line)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

type deaf struct{}

var errDeaf = errors.New("nobody listens")

func (deaf) Write([]byte) (int, error) { return 0, errDeaf }

func TestDemoThatCannotTellFails(t *testing.T) {
	hsmtest.Directory(t)
	t.Setenv("TMPDIR", t.TempDir())
	if err := Run(context.Background(), deaf{}, slog.New(slog.DiscardHandler)); !errors.Is(err, errDeaf) {
		t.Errorf("got %v", err)
	}
}

func TestDemoNoticesAnExportThatIsNotRefused(t *testing.T) {
	s := &story{out: new(bytes.Buffer)}
	for status, good := range map[int]bool{200: false, 401: false, 500: false, 403: true} {
		response := &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(`{"message":"no"}`))}
		if err := s.expectRefusal("/keys/key-1/export", response); (err == nil) != good {
			t.Errorf("status %d: %v", status, err)
		}
	}
}
