// Package memscan searches another process's memory for secrets.
//
//	New, Scanner.Add   what to look for: each secret, raw and in hex, in both byte orders
//	Scanner.Process    a running process, as root: every writable region of /proc/PID/mem
//	Scanner.Bytes      any bytes, to see that the search finds what is there
//
// A form counts as found where any 16 bytes of it stand in a row: that is half of a raw
// secret of 32 bytes, and a quarter of one in hex. Secrets must be random, so that such
// a run cannot be there by chance.
package memscan

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// window is how many bytes of a form are enough.
const window = 16

// Scanner looks for secrets. Add all of them before the first search.
type Scanner struct {
	filter  []uint64            // a bit for the hash of each window's first 8 bytes
	windows map[uint64][]needle // by these 8 bytes, little-endian
	secrets int
}

// needle is one window of a form.
type needle struct {
	text [window]byte
	form form
}

type form struct{ secret, encoding string }

// Found is one secret in one encoding, and how many windows of it were found.
type Found struct {
	Secret, Encoding string
	Times            int
}

const filterBits = 1 << 24

// New returns a Scanner that looks for nothing.
func New() *Scanner {
	return &Scanner{filter: make([]uint64, filterBits/64), windows: map[uint64][]needle{}}
}

// Secrets returns how many secrets were added.
func (s *Scanner) Secrets() int { return s.secrets }

// Add has a secret looked for, of 16 bytes at least. Findings have the name.
func (s *Scanner) Add(name string, secret []byte) {
	if len(secret) < window {
		panic("memscan: a secret that short is found by chance")
	}
	reversed := slices.Clone(secret)
	slices.Reverse(reversed)
	for order, value := range map[string][]byte{"big-endian": secret, "little-endian": reversed} {
		lower := []byte(hex.EncodeToString(value))
		s.addForm(form{name, order}, value)
		s.addForm(form{name, "hex, " + order}, lower)
		s.addForm(form{name, "HEX, " + order}, bytes.ToUpper(lower))
	}
	s.secrets++
}

func (s *Scanner) addForm(f form, text []byte) {
	for at := range len(text) - window + 1 {
		n := needle{[window]byte(text[at:]), f}
		first := binary.LittleEndian.Uint64(n.text[:])
		bit := hash(first)
		s.filter[bit/64] |= 1 << (bit % 64)
		s.windows[first] = append(s.windows[first], n)
	}
}

// hash is Fibonacci hashing to the number of a bit in the filter.
func hash(first uint64) uint64 { return first * 0x9e3779b97f4a7c15 >> 40 }

// Bytes returns what is in the text, sorted by secret.
func (s *Scanner) Bytes(text []byte) []Found {
	tally := map[form]int{}
	s.search(text, tally)
	return report(tally)
}

func (s *Scanner) search(text []byte, tally map[form]int) {
	for at := 0; at+window <= len(text); at++ {
		first := binary.LittleEndian.Uint64(text[at:])
		bit := hash(first)
		if s.filter[bit/64]>>(bit%64)&1 == 0 {
			continue
		}
		for _, n := range s.windows[first] {
			if bytes.Equal(n.text[:], text[at:at+window]) {
				tally[n.form]++
			}
		}
	}
}

func report(tally map[form]int) []Found {
	var list []Found
	for f, times := range tally {
		list = append(list, Found{f.secret, f.encoding, times})
	}
	slices.SortFunc(list, func(a, b Found) int {
		return bytes.Compare([]byte(a.Secret+a.Encoding), []byte(b.Secret+b.Encoding))
	})
	return list
}
