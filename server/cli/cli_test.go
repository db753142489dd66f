package cli

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"keyferry/server/client"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
)

func TestReportTellsUsageFromFailure(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		told   string
	}{
		{"nothing wrong", nil, 0, ""},
		{"failure", failure{errors.New("broken")}, 1, "error: broken\n"},
		{"usage", usage("which?"), 2, "--help"},
		{"cobra's own", errors.New("unknown flag"), 2, "--help"},
		{"refused", failure{fmt.Errorf("exporting: %w", &client.APIError{Status: http.StatusForbidden})}, 1, "hint: ask the operator"},
		{"expired", failure{&client.APIError{Status: http.StatusUnauthorized}}, 1, "token issue"},
		{"substituted", failure{fmt.Errorf("signing: %w", client.ErrChallenge)}, 1, "do not sign"},
		{"pinned", failure{&recovery.Error{Cause: recovery.ErrPinned}}, 1, "--public-key"},
		{"no server", failure{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}, 1, "server running"},
		{"no memory", failure{fmt.Errorf("x: %w", locked.ErrMemory)}, 1, "ulimit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if status := report(&out, c.err); status != c.status || !strings.Contains(out.String(), c.told) {
				t.Errorf("status %d, %q", status, out.String())
			}
		})
	}
}

func TestReadKeyTakesOneLineOfHexAndQuotesNothing(t *testing.T) {
	digits := strings.Repeat("0aB1", 16)
	for text, good := range map[string]bool{
		digits: true, digits + "\n": true, digits + "\r\n": true,
		"": false, digits + "\n\n": false, digits + "\n" + digits: false, digits[:62]: false, digits + "00": false,
		" " + digits[1:]: false, strings.Replace(digits, "a", "g", 1): false, "0x" + digits[2:]: false,
	} {
		key, err := readKey("-", strings.NewReader(text))
		if (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil {
			if strings.Contains(err.Error(), "0aB1") {
				t.Errorf("the error quotes the key: %v", err)
			}
			continue
		}
		var out bytes.Buffer
		if err := writeKey(&out, key); err != nil || out.String() != strings.ToLower(digits)+"\n" {
			t.Errorf("%q came back as %q, %v", text, out.String(), err)
		}
		key.Destroy()
	}
}

func TestDestinationNeverOverwritesAndCleansUp(t *testing.T) {
	d := destination{path: filepath.Join(t.TempDir(), "key.hex")}
	out, err := d.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(d.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("made with %v, %v", info.Mode(), err)
	}
	if _, err := d.open(nil); err == nil {
		t.Error("an existing file was opened")
	}
	out.discard()
	if _, err := os.Stat(d.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of a failed export: %v", err)
	}
	d.stdout = true
	if _, err := d.open(nil); err == nil {
		t.Error("two destinations at once")
	}
}

func TestRecordsPrintForPeopleAndForPrograms(t *testing.T) {
	one := record{{"id", "or-1"}, {"name", "a \"b\" <c>"}, {"active", true}}
	var text, object, table, array, none bytes.Buffer
	err := errors.Join(one.print(&text, false), one.print(&object, true),
		records{one, one}.print(&table, false), records{one}.print(&array, true), records(nil).print(&none, true))
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != "id      or-1\nname    a \"b\" <c>\nactive  true\n" {
		t.Errorf("text %q", text.String())
	}
	json := `{"id":"or-1","name":"a \"b\" \u003cc\u003e","active":true}`
	if object.String() != json+"\n" || array.String() != "["+json+"]\n" || none.String() != "[]\n" {
		t.Errorf("JSON %s %s %s", object.String(), array.String(), none.String())
	}
	if lines := strings.Split(table.String(), "\n"); len(lines) != 4 || !strings.HasPrefix(lines[0], "id ") || lines[1] != lines[2] {
		t.Errorf("table %q", table.String())
	}
}
