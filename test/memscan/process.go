package memscan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// chunk is how much memory is read at a time.
const chunk = 1 << 20

// region is a range of addresses.
type region struct{ start, end int64 }

// Process returns what is in the writable memory of a process, and how many bytes of
// it were searched. It needs root where the process is undumpable. The process runs on
// meanwhile: what it moves while it is searched can be missed, so let it come to rest.
func (s *Scanner) Process(pid int) (found []Found, searched int64, err error) {
	tally := map[form]int{}
	searched, err = read(pid, func(piece []byte) { s.search(piece, tally) })
	if err != nil {
		return nil, 0, err
	}
	return report(tally), searched, nil
}

// Image is a copy of a process's writable memory, without pieces that are zero.
type Image struct {
	Bytes  int64 // that were read
	pieces [][]byte
}

// Copy is for a process that must not stand still for as long as a search takes.
func Copy(pid int) (Image, error) {
	var i Image
	var err error
	i.Bytes, err = read(pid, func(piece []byte) { i.pieces = append(i.pieces, bytes.Clone(piece)) })
	return i, err
}

// Image returns what is in a copy.
func (s *Scanner) Image(i Image) []Found {
	tally := map[form]int{}
	for _, piece := range i.pieces {
		s.search(piece, tally)
	}
	return report(tally)
}

// read goes through the writable memory of a process, and returns how much there is.
func read(pid int, use func(piece []byte)) (length int64, err error) {
	regions, err := writable(pid)
	if err != nil {
		return 0, err
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return 0, fmt.Errorf("opening the memory of process %d: %w", pid, err)
	}
	defer memory.Close()
	for _, r := range regions {
		n, err := r.read(memory, use)
		if err != nil {
			return 0, fmt.Errorf("reading %x-%x of process %d: %w", r.start, r.end, pid, err)
		}
		length += n
	}
	return length, nil
}

// writable lists the regions that the process can write to.
func writable(pid int) ([]region, error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, fmt.Errorf("reading the memory map of process %d: %w", pid, err)
	}
	var list []region
	for line := range strings.Lines(string(maps)) {
		addresses, rest, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(rest, "rw") {
			continue
		}
		var r region
		if _, err := fmt.Sscanf(addresses, "%x-%x", &r.start, &r.end); err != nil {
			return nil, fmt.Errorf("the memory map of process %d has the line %q", pid, line)
		}
		list = append(list, r)
	}
	return list, nil
}

// read goes through a region piece by piece. Pieces overlap by what a window could be cut
// at; those that are zero are left out. A region that was unmapped since is no error: there
// is nothing in it any more.
func (r region) read(memory io.ReaderAt, use func(piece []byte)) (length int64, err error) {
	buffer := make([]byte, chunk)
	for at := r.start; at < r.end; at += chunk - window + 1 {
		piece := buffer[:min(chunk, r.end-at)]
		if _, err := memory.ReadAt(piece, at); errors.Is(err, unix.EIO) || errors.Is(err, io.EOF) {
			return length, nil
		} else if err != nil {
			return length, err
		}
		length += int64(len(piece))
		if !empty(piece) {
			use(piece)
		}
	}
	return length, nil
}

func empty(piece []byte) bool { return len(bytes.TrimLeft(piece, "\x00")) == 0 }
