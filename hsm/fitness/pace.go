//go:build cgo

package fitness

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// paceRuns is how often an operation is timed.
const paceRuns = 31

// paces times the operations that the token has shown to work, on keys of the session.
func (e *exam) paces() {
	e.permanent, e.steady = false, true
	if e.report.Fit(Hold) {
		e.paceSealing()
	}
	if e.report.Fit(Import) {
		e.paceAgreement()
	}
	if e.report.Fit(Sign) {
		e.paceSigning()
	}
}

func (e *exam) paceSealing() {
	e.check("pace.seal", []Use{Hold}, func() finding {
		key, err := e.generate(e.Keys.ShareWrapping, false)
		if err != nil {
			return refused(err, "generating a key", "run it again")
		}
		var box sealedText
		if f := e.pace("seal", func() error { box, _, err = e.sealSample(key.private); return err }); f.outcome != Passed {
			return f
		}
		return e.pace("open", func() error { _, err := e.open(key.private, box); return err })
	})
}

func (e *exam) paceAgreement() {
	e.check("pace.agree", []Use{Import}, func() finding {
		key, err := e.generate(e.Keys.Import, false)
		if err != nil {
			return refused(err, "generating a key", "run it again")
		}
		peer, err := secp256k1.GeneratePrivateKey()
		if err != nil {
			return untried("no key to agree with: %v", err)
		}
		defer peer.Zero()
		out, point := make([]byte, 2*sha256.Size), peer.PubKey().SerializeUncompressed()
		return e.pace("agree", func() error {
			return e.Calls.HashSharedX(e.session, key.private, point, []byte{2}, []byte{3}, out)
		})
	})
}

func (e *exam) paceSigning() {
	e.check("pace.sign", []Use{Sign}, func() finding {
		key, err := e.generate(e.Keys.Identity, false)
		if err != nil {
			return refused(err, "generating a key", "run it again")
		}
		digest := sha256.Sum256([]byte(label))
		return e.pace("sign", func() error { _, err := e.sign(key.private, digest[:]); return err })
	})
}

// pace times an operation. One that fails now, though it worked before, is a failure.
func (e *exam) pace(operation string, work func() error) finding {
	took := make([]time.Duration, paceRuns)
	for i := range took {
		began := time.Now()
		if err := work(); err != nil {
			return refused(err, fmt.Sprintf("doing it %d times", paceRuns), "a token that fails now and then is not fit: ask its maker")
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	p := Pace{Operation: operation, Median: took[paceRuns/2], Runs: paceRuns}
	e.report.Operations = append(e.report.Operations, p)
	return passed("%s %v in the median of %d", p.Operation, p.Median.Round(time.Microsecond), p.Runs)
}
