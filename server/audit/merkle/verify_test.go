package merkle

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestArchiveVerifies(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 8, archivePage, archivePage + 1} {
		l, m, key := logOf(t, n)
		seen := 0
		v := Verifier{Key: key, Each: func(index int64, entry []byte) error {
			if index != int64(seen) || !bytes.Equal(entry, m.entries[index].Canonical) {
				t.Errorf("entry %d is %s", index, entry)
			}
			seen++
			return nil
		}}
		c, err := v.Verify(bytes.NewReader(archiveOf(t, l)))
		if err != nil || c != checkpointOf(t, l, key) || seen != n {
			t.Errorf("%d entries: %+v, %d seen, %v", n, c, seen, err)
		}
	}
}

func TestArchiveContinuesEveryKeptCheckpoint(t *testing.T) {
	l, m, key := logOf(t, 0)
	var kept []Checkpoint
	for i := range 20 {
		kept = append(kept, checkpointOf(t, l, key))
		m.append(fmt.Sprintf(`{"time":%d}`, i))
	}
	if _, err := (Verifier{Key: key, Kept: kept}).Verify(bytes.NewReader(archiveOf(t, l))); err != nil {
		t.Error(err)
	}
}

// Somebody with the database and the signing key writes another history.
func TestRewrittenHistoryIsFoundOutByAKeptCheckpoint(t *testing.T) {
	l, _, key := logOf(t, 20)
	kept := []Checkpoint{checkpointOf(t, l, key)}
	other, m, _ := logOf(t, 0)
	for i := range 30 {
		m.append(fmt.Sprintf(`{"rewritten":%d}`, i))
	}
	if _, err := (Verifier{Key: key}).Verify(bytes.NewReader(archiveOf(t, other))); err != nil {
		t.Errorf("it is signed: %v", err)
	}
	if _, err := (Verifier{Key: key, Kept: kept}).Verify(bytes.NewReader(archiveOf(t, other))); !errors.Is(err, ErrEdited) {
		t.Errorf("got %v", err)
	}
}

func TestRestoredOldStateIsFoundOutByAKeptCheckpoint(t *testing.T) {
	l, m, key := logOf(t, 20)
	old := archiveOf(t, l)
	m.append(`{"later":1}`)
	v := Verifier{Key: key, Kept: []Checkpoint{checkpointOf(t, l, key)}}
	if _, err := v.Verify(bytes.NewReader(old)); !errors.Is(err, ErrOlder) {
		t.Errorf("got %v", err)
	}
}

func TestVerifyRefusesAKeptCheckpointOfAnotherLog(t *testing.T) {
	l, _, key := logOf(t, 3)
	v := Verifier{Key: key, Kept: []Checkpoint{{Origin: "keyferry/other/server", Size: 3}}}
	if _, err := v.Verify(bytes.NewReader(archiveOf(t, l))); !errors.Is(err, ErrUnsigned) {
		t.Errorf("got %v", err)
	}
}

func TestVerifyNamesTheEntryThatWasEdited(t *testing.T) {
	l, _, key := logOf(t, 40)
	archive := bytes.Replace(archiveOf(t, l), []byte(`"time":17}`), []byte(`"time":18}`), 1)
	_, err := Verifier{Key: key}.Verify(bytes.NewReader(archive))
	if !errors.Is(err, ErrEdited) || !strings.Contains(err.Error(), "entry 17 ") {
		t.Errorf("got %v", err)
	}
}

// The editor has the file, knows the format, and makes the hashes and numbers fit. He
// has a key of his own, and an older checkpoint, but not the log's key.
func TestVerifyFindsAThousandRandomEdits(t *testing.T) {
	l, m, key := logOf(t, 30)
	older := archiveOf(t, l)
	for i := range 4 {
		m.append(fmt.Sprintf(`{"kind":"export.finished","time":%d}`, 30+i))
	}
	e := editor{random: rand.New(rand.NewPCG(1, 2)), archive: archiveOf(t, l), older: older, own: newSigner(t, 2)}
	found := map[string]int{}
	for i := range 1000 {
		kind, edited := e.edit(t)
		if bytes.Equal(edited, e.archive) {
			t.Fatalf("edit %d (%s) changes nothing", i, kind)
		}
		if _, err := (Verifier{Key: key}).Verify(bytes.NewReader(edited)); !errors.Is(err, ErrEdited) && !errors.Is(err, ErrUnsigned) {
			t.Errorf("edit %d (%s) is not found: %v", i, kind, err)
		}
		found[kind]++
	}
	if len(found) != len(e.kinds()) {
		t.Errorf("not every kind of edit was tried: %v", found)
	}
}

type editor struct {
	random         *rand.Rand
	archive, older []byte
	own            *Signer
}

func (e editor) kinds() map[string]func(testing.TB, [][]byte) [][]byte {
	return map[string]func(testing.TB, [][]byte) [][]byte{
		"byte": e.changeByte, "removed": e.remove, "moved": e.move, "inserted": e.insert,
		"edited": e.editEntry, "cut": e.cut, "older checkpoint": e.exchangeCheckpoint, "own key": e.signAnew,
	}
}

// edit makes an edit of a random kind.
func (e editor) edit(t testing.TB) (kind string, edited []byte) {
	names := []string{"byte", "removed", "moved", "inserted", "edited", "cut", "older checkpoint", "own key"}
	kind = names[e.random.IntN(len(names))]
	lines := bytes.SplitAfter(bytes.Clone(e.archive), []byte("\n"))
	return kind, bytes.Join(e.kinds()[kind](t, lines[:len(lines)-1]), nil)
}

// changeByte changes any byte of the file to any other.
func (e editor) changeByte(_ testing.TB, lines [][]byte) [][]byte {
	line := lines[e.random.IntN(len(lines))]
	line[e.random.IntN(len(line))] ^= byte(1 + e.random.IntN(255))
	return lines
}

func (e editor) remove(t testing.TB, lines [][]byte) [][]byte {
	at := e.random.IntN(len(lines) - 1)
	return renumber(t, append(lines[:at:at], lines[at+1:]...))
}

func (e editor) move(t testing.TB, lines [][]byte) [][]byte {
	from := e.random.IntN(len(lines) - 2)
	to := from + 1 + e.random.IntN(len(lines)-2-from)
	lines[from], lines[to] = lines[to], lines[from]
	return renumber(t, lines)
}

func (e editor) insert(t testing.TB, lines [][]byte) [][]byte {
	at := e.random.IntN(len(lines))
	inserted := entryLine(0, strings.Repeat("0", 64), fmt.Appendf(nil, `{"time":%d}`, e.random.Int64()))
	return renumber(t, append(lines[:at:at], append([][]byte{inserted}, lines[at:]...)...))
}

func (e editor) editEntry(t testing.TB, lines [][]byte) [][]byte {
	at := e.random.IntN(len(lines) - 1)
	lines[at] = entryLine(int64(at), strings.Repeat("0", 64), fmt.Appendf(nil, `{"time":%d}`, e.random.Int64()))
	return renumber(t, lines)
}

// cut removes lines at the end, the checkpoint included or not.
func (e editor) cut(_ testing.TB, lines [][]byte) [][]byte {
	last := len(lines) - 1
	to := e.random.IntN(last)
	if e.random.IntN(2) == 0 {
		return lines[:to]
	}
	return append(lines[:to:to], lines[last])
}

func (e editor) exchangeCheckpoint(_ testing.TB, lines [][]byte) [][]byte {
	older := bytes.SplitAfter(e.older, []byte("\n"))
	lines[len(lines)-1] = older[len(older)-2]
	return lines
}

// signAnew edits an entry and signs the log with another key.
func (e editor) signAnew(t testing.TB, lines [][]byte) [][]byte {
	lines = e.editEntry(t, lines)
	var tree Tree
	for _, line := range lines[:len(lines)-1] {
		tree.Append(LeafHash(mustParse(t, line).Entry))
	}
	signed, err := tree.Sign(e.own)
	if err != nil {
		t.Fatal(err)
	}
	if lines[len(lines)-1], err = checkpointLine(string(signed)); err != nil {
		t.Fatal(err)
	}
	return lines
}

func mustParse(t testing.TB, line []byte) archiveLine {
	t.Helper()
	parsed, err := parseLine(line)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// renumber gives entries the indexes of their places and hashes that fit.
func renumber(t testing.TB, lines [][]byte) [][]byte {
	for i, line := range lines {
		if parsed := mustParse(t, line); parsed.Checkpoint == nil {
			leaf := LeafHash(parsed.Entry)
			lines[i] = entryLine(int64(i), hex.EncodeToString(leaf[:]), parsed.Entry)
		}
	}
	return lines
}

func TestVerifyTakesOneSpellingOnly(t *testing.T) {
	l, _, key := logOf(t, 3)
	good := string(archiveOf(t, l))
	for name, archive := range map[string]string{
		"a blank":             strings.Replace(good, `,"hash"`, `, "hash"`, 1),
		"another order":       strings.Replace(good, `{"index":0,`, `{`, 1),
		"a member more":       strings.Replace(good, `{"index":0,`, `{"index":0,"x":1,`, 1),
		"a member twice":      strings.Replace(good, `{"index":0,`, `{"index":1,"index":0,`, 1),
		"a capital":           strings.Replace(good, `"index":0`, `"Index":0`, 1),
		"an escape":           strings.Replace(good, `"checkpoint":"k`, `"checkpoint":"\u006b`, 1),
		"no end of line":      strings.TrimSuffix(good, "\n"),
		"another end of line": strings.Replace(good, "\n", "\r\n", 1),
		"an empty line":       "\n" + good,
		"more at the end":     good + "\n",
		"two archives":        good + good,
		"nothing":             "",
		"a long line":         strings.Repeat(" ", maxLine+1) + good,
	} {
		if _, err := (Verifier{Key: key}).Verify(strings.NewReader(archive)); !errors.Is(err, ErrEdited) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Signatures have bits that base64 does not use, and notes have room for others'.
func TestVerifyTakesTheLogsSignatureAndNothingElse(t *testing.T) {
	l, m, key := logOf(t, 3)
	for name, by := range map[string][]note.Signer{
		"with a witness": {newSigner(t, 1), newSigner(t, 2)},
		"by a witness":   {newSigner(t, 2)},
	} {
		signed, err := note.Sign(&note.Note{Text: Checkpoint{Origin: origin, Size: 3, Root: m.tree.Root()}.text()}, by...)
		if err != nil {
			t.Fatal(err)
		}
		line, err := checkpointLine(string(signed))
		if err != nil {
			t.Fatal(err)
		}
		archive := archiveOf(t, l)
		last := bytes.LastIndex(archive, []byte(`{"checkpoint"`))
		if _, err := (Verifier{Key: key}).Verify(bytes.NewReader(append(archive[:last:last], line...))); !errors.Is(err, ErrUnsigned) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestArchiveRefusesToWriteWhatCouldNotBeRead(t *testing.T) {
	for _, entry := range []string{"", "{", "{}\n", "{}{}", strings.Repeat("1", maxLine)} {
		l, m, _ := logOf(t, 2)
		m.entries[1].Canonical = []byte(entry)
		if _, err := l.Archive(context.Background(), &bytes.Buffer{}); err == nil {
			t.Errorf("wrote %.20q", entry)
		}
	}
}

func TestArchiveTellsWhichStoredEntryWasEdited(t *testing.T) {
	l, m, key := logOf(t, 10)
	m.entries[4].Canonical = []byte(`{"edited":"in the database"}`)
	_, err := Verifier{Key: key}.Verify(bytes.NewReader(archiveOf(t, l)))
	if !errors.Is(err, ErrEdited) || !strings.Contains(err.Error(), "entry 4 ") {
		t.Errorf("got %v", err)
	}
}

func TestVerifyStopsWhenItsCallerDoes(t *testing.T) {
	l, _, key := logOf(t, 10)
	enough := errors.New("enough")
	v := Verifier{Key: key, Each: func(int64, []byte) error { return enough }}
	if _, err := v.Verify(bytes.NewReader(archiveOf(t, l))); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
}

func TestCheckpointInIsTheLastLineAndWhoseItSaysItIs(t *testing.T) {
	l, _, _ := logOf(t, 5)
	archive := archiveOf(t, l)
	want, err := l.Checkpoint(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	signed, of, err := CheckpointIn(bytes.NewReader(archive))
	if err != nil || !bytes.Equal(signed, want) || of != origin {
		t.Errorf("%q of %q, %v", signed, of, err)
	}
	for name, text := range map[string]string{"nothing": "", "cut off": string(archive[:len(archive)-1]), "no archive": "hello\n"} {
		if _, _, err := CheckpointIn(strings.NewReader(text)); !errors.Is(err, ErrEdited) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
