package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"keyferry/shares"
)

// Diff says in words, one line each, what changes when d takes the place of old. The
// zero Document stands for nothing at all. Ids and texts in it are printable.
func (d Document) Diff(old Document) []string {
	var lines []string
	lines = append(lines, d.diffHead(old)...)
	lines = append(lines, diffSchemes(old.Schemes, d.Schemes)...)
	lines = append(lines, diffEntries(old.Users, d.Users, User.key, User.describe)...)
	lines = append(lines, diffEntries(old.Credentials, d.Credentials, Credential.key, Credential.describe)...)
	return append(lines, diffEntries(old.Revocations, d.Revocations, Revocation.key, Revocation.describe)...)
}

func (d Document) diffHead(old Document) []string {
	var lines []string
	for _, head := range []struct{ name, was, is string }{
		{"deployment", old.Deployment, d.Deployment},
		{"organisation", string(old.Org), string(d.Org)},
		{"serial", describeSerial(old.Serial), describeSerial(d.Serial)},
		{"export of keys", old.Export.describe(), d.Export.describe()},
		{"approvals of an export by other users", describeThreshold(old.Export.Approvals), describeThreshold(d.Export.Approvals)},
		{"lowest minSigners", describeThreshold(old.MinSigners), describeThreshold(d.MinSigners)},
		{"relying party", old.describeParty(), d.describeParty()},
	} {
		if head.was != head.is {
			lines = append(lines, fmt.Sprintf("%s: %s, was %s", head.name, orNone(head.is), orNone(head.was)))
		}
	}
	return lines
}

func diffSchemes(old, now []shares.Scheme) []string {
	var lines []string
	for _, s := range now {
		if !slices.Contains(old, s) {
			lines = append(lines, fmt.Sprintf("scheme %v: now allowed", s))
		}
	}
	for _, s := range old {
		if !slices.Contains(now, s) {
			lines = append(lines, fmt.Sprintf("scheme %v: no longer allowed", s))
		}
	}
	return lines
}

// diffEntries compares two lists by what identifies an entry and by what it says.
func diffEntries[T any](old, now []T, key, describe func(T) string) []string {
	was := make(map[string]T, len(old))
	for _, entry := range old {
		was[key(entry)] = entry
	}
	var lines []string
	for _, entry := range now {
		before, known := was[key(entry)]
		delete(was, key(entry))
		switch {
		case !known:
			lines = append(lines, fmt.Sprintf("%s: added: %s", key(entry), describe(entry)))
		case describe(before) != describe(entry):
			lines = append(lines, fmt.Sprintf("%s: now %s, was %s", key(entry), describe(entry), describe(before)))
		}
	}
	for _, entry := range old {
		if _, gone := was[key(entry)]; gone {
			lines = append(lines, fmt.Sprintf("%s: removed, was %s", key(entry), describe(entry)))
		}
	}
	return lines
}

func (u User) key() string      { return "user " + string(u.ID) }
func (u User) describe() string { return activity(u.Active) }

func (c Credential) key() string { return "credential " + string(c.ID) }

func (c Credential) describe() string {
	approves := ""
	if c.Approves {
		approves = ", may approve exports"
	}
	return fmt.Sprintf("%s, %s of user %s, public key %s%s", activity(c.Active), c.Kind, c.User, c.Fingerprint(), approves)
}

// Fingerprint is SHA-256 of the public key's PEM text in lower-case hex, for people to
// compare.
func (c Credential) Fingerprint() string {
	sum := sha256.Sum256([]byte(c.PublicKey))
	return hex.EncodeToString(sum[:])
}

func (r Revocation) key() string { return "revocation of credential " + string(r.Credential) }

func (r Revocation) describe() string {
	return fmt.Sprintf("for ever, at %s: %s", writeTime(r.At), orNone(r.Reason))
}

func (e Export) describe() string {
	switch {
	case e.Active:
		return fmt.Sprintf("activated by %q", e.Reference)
	case e.Reference != "":
		return fmt.Sprintf("not activated (%q)", e.Reference)
	}
	return "not activated"
}

func (d Document) describeParty() string {
	if d.RelyingParty.IsZero() {
		return ""
	}
	return d.RelyingParty.ID + " at " + strings.Join(d.RelyingParty.Origins, " ")
}

func describeSerial(serial uint64) string {
	if serial == 0 {
		return ""
	}
	return fmt.Sprint(serial)
}

func describeThreshold(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func activity(active bool) string {
	if active {
		return "active"
	}
	return "switched off"
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
