//go:build cgo

package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"keyferry/shares/locked"
)

// maxIngestLine is enough for the shares of 255 signers, and for a native key share with
// the auxiliary part of 50. It is also what must be lockable twice.
const maxIngestLine = 256 << 10

// ingestLines reads lines with secrets, through locked memory only.
type ingestLines struct {
	from   io.Reader
	window *locked.Buffer // what was read and not yet given out is its first bytes
	line   *locked.Buffer
	ended  bool
}

func newIngestLines(from io.Reader) (*ingestLines, error) {
	window, err := locked.NewWithCapacity(0, maxIngestLine)
	if err != nil {
		return nil, err
	}
	line, err := locked.NewWithCapacity(0, maxIngestLine)
	if err != nil {
		window.Destroy()
		return nil, err
	}
	return &ingestLines{from: from, window: window, line: line}, nil
}

// destroy wipes everything.
func (l *ingestLines) destroy() {
	l.window.Destroy()
	l.line.Destroy()
}

// next returns the next line without its end, or io.EOF. It is good until the next call,
// and stays the reader's.
func (l *ingestLines) next() (*locked.Buffer, error) {
	for {
		end := bytes.IndexByte(l.window.Bytes(), '\n')
		switch {
		case end >= 0:
			l.give(end, end+1)
			return l.line, nil
		case l.ended && l.window.Len() == 0:
			return nil, io.EOF
		case l.ended:
			l.give(l.window.Len(), l.window.Len())
			return l.line, nil
		case l.window.Len() == l.window.Cap():
			return nil, fmt.Errorf("a line is longer than %d bytes: of a native key share, bring the core only", maxIngestLine)
		}
		if err := l.fill(); err != nil {
			return nil, err
		}
	}
}

// give moves the first bytes to the line, and what comes behind the rest to the front.
func (l *ingestLines) give(end, rest int) {
	l.line.Resize(end)
	copy(l.line.Bytes(), l.window.Bytes())
	left := copy(l.window.Bytes(), l.window.Bytes()[rest:])
	l.window.Resize(left)
}

func (l *ingestLines) fill() error {
	had := l.window.Len()
	l.window.Resize(l.window.Cap())
	n, err := l.from.Read(l.window.Bytes()[had:])
	l.window.Resize(had + n)
	if errors.Is(err, io.EOF) {
		l.ended, err = true, nil
	}
	return err
}
