// Package compare finds where the server's audit log and the signers' own logs tell
// different stories of the exports: one that a signer has on record and the server has
// not, and the reverse.
//
// It is given the entries of logs that were verified already (merkle.Verifier.Each),
// first the server's, then each signer's. The server's log is to be exported before the
// signers' logs: then whatever it says of signers is in theirs, and what they did since
// is told from what the server is silent about by its time.
package compare

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"keyferry/server/audit"
	"keyferry/server/challenge"
)

// ServerPart names the server's log among those of a deployment.
const ServerPart = "server"

const signerPrefix = "signer-"

// SignerPart names the log of a signer: its id in hex, since names of logs are parts of
// paths.
func SignerPart(id [32]byte) string { return signerPrefix + hex.EncodeToString(id[:]) }

// SignerOf is the inverse for the whole name of a log. It returns the id as entries of
// the server's log write it.
func SignerOf(origin string) (string, error) {
	_, part, found := strings.Cut(origin, "/"+signerPrefix)
	id, err := hex.DecodeString(part)
	if !found || err != nil || len(id) != 32 || hex.EncodeToString(id) != part {
		return "", fmt.Errorf("%.100q is not the name of a signer's log", origin)
	}
	return base64.StdEncoding.EncodeToString(id), nil
}

// Difference is one export of which two logs say different things.
type Difference struct {
	Signer string // base64
	Action string // hex
	Key    string
	What   string
}

// export is one user action as the server's log has it.
type export struct {
	key      string
	outcome  audit.Outcome   // empty while the log has no end of it
	released map[string]bool // by the signers that did their part
}

// release is one user action as a signer's log has it.
type release struct {
	key     string
	at      challenge.Millis
	refused bool // after the record of the release: nothing left the signer
}

// Comparison collects what logs say. The zero value is not ready: see [New].
type Comparison struct {
	exports  map[string]*export
	last     challenge.Millis // of the server's entries
	releases map[string]map[string]*release
	order    []string // signers, as they came
	Newer    int      // releases that are newer than all that the server's log has
}

// New returns an empty comparison.
func New() *Comparison {
	return &Comparison{exports: map[string]*export{}, releases: map[string]map[string]*release{}}
}

// AddServer takes an entry of the server's log.
func (c *Comparison) AddServer(index int64, text []byte) error {
	entry, err := read(index, text)
	if err != nil {
		return err
	}
	c.last = max(c.last, entry.Time)
	switch entry.Kind {
	case audit.ExportBegun:
		c.exports[entry.Action] = &export{key: entry.Key, released: map[string]bool{}}
	case audit.ExportFinished:
		begun := c.exports[entry.Action]
		if begun == nil {
			return fmt.Errorf("entry %d ends an export that did not begin", index)
		}
		begun.outcome = entry.Outcome
		for _, signer := range entry.Signers {
			begun.released[signer.Signer] = signer.Reason == ""
		}
	}
	return nil
}

// errTwice refuses two logs of one signer.
var errTwice = errors.New("its log is compared already")

// AddSigner returns what takes the entries of a signer's log.
func (c *Comparison) AddSigner(id string) (func(index int64, text []byte) error, error) {
	if c.releases[id] != nil {
		return nil, fmt.Errorf("signer %s: %w", id, errTwice)
	}
	own := map[string]*release{}
	c.releases[id], c.order = own, append(c.order, id)
	return func(index int64, text []byte) error {
		entry, err := read(index, text)
		if err != nil {
			return err
		}
		switch one := own[entry.Action]; {
		case entry.Kind == audit.ShareReleased && one == nil:
			own[entry.Action] = &release{key: entry.Key, at: entry.Time}
		case entry.Kind == audit.ShareReleased: // again, for the same caller
			one.refused = false
		case entry.Kind == audit.SignerRefused && one != nil:
			one.refused = true
		}
		return nil
	}, nil
}

func read(index int64, text []byte) (audit.Entry, error) {
	var entry audit.Entry
	if err := json.Unmarshal(text, &entry); err != nil {
		return audit.Entry{}, fmt.Errorf("reading entry %d: %w", index, err)
	}
	return entry, nil
}

// Differences returns all of them, and counts in Newer the releases that cannot be
// compared yet.
func (c *Comparison) Differences() []Difference {
	var all []Difference
	c.Newer = 0
	for _, id := range c.order {
		for action, one := range c.releases[id] {
			if what := c.judge(action, one); what != "" {
				all = append(all, Difference{id, action, one.key, what})
			}
		}
		for action, one := range c.exports {
			if one.released[id] && c.releases[id][action] == nil {
				all = append(all, Difference{id, action, one.key, "the server says that the signer released its share; the signer has no record of it"})
			}
		}
	}
	return all
}

// judge says what the server's log gets wrong of a release, or nothing.
func (c *Comparison) judge(action string, one *release) string {
	told := c.exports[action]
	switch {
	case told == nil && one.refused:
		return ""
	case told == nil && one.at > c.last:
		c.Newer++
		return ""
	case told == nil:
		return "the signer released its share; the server has no record of the export"
	case told.key != one.key:
		return fmt.Sprintf("the signer released its share of this key; the server says it was of key %.64q", told.key)
	case told.outcome == audit.Void && !one.refused:
		return "the signer released its share; the server says that nothing was released"
	}
	return ""
}
