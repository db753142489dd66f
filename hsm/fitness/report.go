package fitness

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Use is something that a signer needs its token for.
type Use string

// The uses. A signer needs Hold and Sign; without Import it takes in shares from its
// operator alone.
const (
	Hold   Use = "hold"   // seal shares at rest, and open them for an export
	Import Use = "import" // open shares that clients sealed to the signer
	Sign   Use = "sign"   // statements, the manifest, TLS
)

func uses() []Use { return []Use{Hold, Import, Sign} }

// Outcome is what came of a check.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Warning Outcome = "warning" // an operator must know it; the token is fit all the same
	Failed  Outcome = "failed"  // rules out the uses that the check is for
	Untried Outcome = "untried" // cannot be known on this token
)

// Check is one thing that was tried.
type Check struct {
	Name    string  `json:"name"` // the same for the same check, on every token
	Uses    []Use   `json:"uses"` // that it is for
	Outcome Outcome `json:"outcome"`
	Detail  string  `json:"detail"`           // what was seen, in words
	Remedy  string  `json:"remedy,omitempty"` // what to do, where it did not pass
}

// Verdict sums a report up.
type Verdict string

// The verdicts.
const (
	Fit    Verdict = "fit"    // for every use
	Partly Verdict = "partly" // holds shares and signs, does not import
	Unfit  Verdict = "unfit"  // for a signer
)

// Report is what was found out about a token. Its JSON form is stable: members and names
// may be added within a version.
type Report struct {
	Version    int           `json:"version"` // 1
	Module     Module        `json:"module"`
	Token      Description   `json:"token"`
	Verdict    Verdict       `json:"verdict"`
	Uses       []Suitability `json:"uses"`
	Checks     []Check       `json:"checks"`
	Sessions   *Sessions     `json:"sessions,omitempty"`   // never nil after Examine, nil after Try
	Operations []Pace        `json:"operations,omitempty"` // empty after Try

	// Tampered is the return value by which the token refuses what was changed.
	Tampered uint `json:"tampered"`
}

// Module says which library it was.
type Module struct {
	Path         string `json:"path"`
	Manufacturer string `json:"manufacturer"`
	Description  string `json:"description"`
	Version      string `json:"version"`
	Cryptoki     string `json:"cryptoki"`
}

// Description is how a token describes itself.
type Description struct {
	Label        string `json:"label"`
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
}

// Sessions is how many sessions there may be.
type Sessions struct {
	Opened int   `json:"opened"` // at the same time, beside the examination's own
	Bound  int   `json:"bound"`  // no more were tried
	Limit  *uint `json:"limit"`  // what the token says; null if it says none
}

// Pace is how long an operation takes, one at a time.
type Pace struct {
	Operation string        `json:"operation"` // seal, open, agree or sign
	Median    time.Duration `json:"medianNanoseconds"`
	Runs      int           `json:"runs"`
}

// Suitability is whether a token is fit for a use, and the checks that speak against it.
type Suitability struct {
	Use       Use      `json:"use"`
	Fit       bool     `json:"fit"`
	Obstacles []string `json:"obstacles"` // names of failed checks
}

// conclude derives the verdict from the checks.
func (r *Report) conclude() {
	r.Uses = nil
	for _, use := range uses() {
		s := Suitability{Use: use, Fit: true, Obstacles: []string{}}
		for _, c := range r.obstacles(use) {
			s.Fit, s.Obstacles = false, append(s.Obstacles, c.Name)
		}
		r.Uses = append(r.Uses, s)
	}
	switch {
	case !r.Fit(Hold) || !r.Fit(Sign):
		r.Verdict = Unfit
	case !r.Fit(Import):
		r.Verdict = Partly
	default:
		r.Verdict = Fit
	}
}

// Fit reports whether nothing speaks against a use.
func (r *Report) Fit(use Use) bool { return len(r.obstacles(use)) == 0 }

func (r *Report) obstacles(use Use) []Check {
	var list []Check
	for _, c := range r.Checks {
		if c.Outcome == Failed && slices.Contains(c.Uses, use) {
			list = append(list, c)
		}
	}
	return list
}

// Require returns an *[UnfitError] unless the token is fit for all of the uses.
func (r *Report) Require(wanted ...Use) error {
	for _, use := range wanted {
		if found := r.obstacles(use); len(found) > 0 {
			return &UnfitError{Token: r.Token.Label, Use: use, Obstacles: found}
		}
	}
	return nil
}

// UnfitError says why a token cannot be used for something, and what can be done.
type UnfitError struct {
	Token     string
	Use       Use
	Obstacles []Check
}

func (e *UnfitError) Error() string {
	var reasons, remedies []string
	for _, c := range e.Obstacles {
		reasons = append(reasons, c.Name+": "+c.Detail)
		if !slices.Contains(remedies, c.Remedy) {
			remedies = append(remedies, c.Remedy)
		}
	}
	return fmt.Sprintf("token %q is not fit to %s: %s: %s", e.Token, e.Use.Purpose(), strings.Join(reasons, ", "), strings.Join(remedies, "; "))
}

// Purpose says the use in words.
func (u Use) Purpose() string {
	switch u {
	case Hold:
		return "hold shares"
	case Import:
		return "import shares"
	}
	return "sign statements"
}
