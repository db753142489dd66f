package merkle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// CheckpointIn returns the signed checkpoint that an archive ends with, and the name of
// the log that it says it is of, for choosing the key to verify it with. Nothing is
// verified. Errors wrap [ErrEdited], but for those of reading.
func CheckpointIn(archive io.Reader) (signed []byte, origin string, err error) {
	lines := bufio.NewReaderSize(archive, maxLine)
	for {
		text, err := lines.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, "", fmt.Errorf("reading archive: %w", err)
		}
		if err != nil {
			return nil, "", fmt.Errorf("%w: the archive has no checkpoint", ErrEdited)
		}
		line, err := parseLine(text)
		if err != nil {
			return nil, "", fmt.Errorf("%w: %w", ErrEdited, err)
		}
		if line.Checkpoint != nil {
			origin, _, _ := strings.Cut(*line.Checkpoint, "\n")
			return []byte(*line.Checkpoint), origin, nil
		}
	}
}
