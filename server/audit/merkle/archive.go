package merkle

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// An archive is a text of lines that end in "\n", each a JSON object in exactly this
// form. Lines of entries come first, in the order of their indexes, then the one line
// of the checkpoint:
//
//	{"index":0,"hash":"<64 hex>","entry":<the entry's canonical bytes>}
//	{"checkpoint":"<the signed note>"}
//
// The hash is the one that was stored with the entry. It proves nothing, since whoever
// edits an entry can edit it too; but where somebody did not, it tells which entry was
// edited.

// archiveLine is a line of either kind.
type archiveLine struct {
	Index      *int64          `json:"index,omitempty"`
	Hash       *string         `json:"hash,omitempty"`
	Entry      json.RawMessage `json:"entry,omitempty"`
	Checkpoint *string         `json:"checkpoint,omitempty"`
}

// maxLine bounds a line, and with it what a file can make a verifier hold in memory.
const maxLine = 256 << 10

type archiveWriter struct{ to io.Writer }

func (w archiveWriter) entry(e Entry) error {
	if !json.Valid(e.Canonical) || bytes.ContainsAny(e.Canonical, "\r\n") {
		return errors.New("it is not a JSON text of one line: somebody has edited it")
	}
	line := entryLine(e.Index, hex.EncodeToString(e.LeafHash), e.Canonical)
	if len(line) > maxLine {
		return fmt.Errorf("it is longer than %d bytes", maxLine)
	}
	_, err := w.to.Write(line)
	return err
}

func (w archiveWriter) checkpoint(signed []byte) error {
	line, err := checkpointLine(string(signed))
	if err != nil {
		return err
	}
	_, err = w.to.Write(line)
	return err
}

func entryLine(index int64, hash string, entry []byte) []byte {
	line := append([]byte(`{"index":`), strconv.FormatInt(index, 10)...)
	line = append(append(line, `,"hash":"`...), hash...)
	line = append(append(line, `","entry":`...), entry...)
	return append(line, "}\n"...)
}

func checkpointLine(signed string) ([]byte, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(archiveLine{Checkpoint: &signed})
	return line.Bytes(), err
}

// errSpelling refuses a line that says the same as an archive's, but in another way:
// what is accepted can be written in one way only.
var errSpelling = errors.New("it is not spelled as an archive is")

// parseLine reads a line with its end.
func parseLine(line []byte) (archiveLine, error) {
	var l archiveLine
	if err := json.Unmarshal(line, &l); err != nil {
		return archiveLine{}, err
	}
	again, err := l.render()
	if err != nil {
		return archiveLine{}, err
	}
	if !bytes.Equal(line, again) {
		return archiveLine{}, errSpelling
	}
	return l, nil
}

func (l archiveLine) render() ([]byte, error) {
	if l.Checkpoint != nil {
		return checkpointLine(*l.Checkpoint)
	}
	if l.Index == nil || l.Hash == nil || l.Entry == nil {
		return nil, errors.New("it is neither an entry nor a checkpoint")
	}
	return entryLine(*l.Index, *l.Hash, l.Entry), nil
}
