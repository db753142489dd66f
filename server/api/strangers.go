package api

import (
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// How many refusals of callers without a valid token are recorded: each by itself for
// a person's mistakes and a probe's first tries, and a sample of a flood.
const (
	strangersBurst = 1000
	strangersRate  = 1 // a second
)

// strangers bounds what callers without a valid token can write into the record, since
// every entry is a durable commit and stays for ever. What is left out is counted, and
// the next entry that is written says how many it stands for.
type strangers struct {
	limit   *rate.Limiter
	omitted atomic.Int64
}

func newStrangers() *strangers {
	return &strangers{limit: rate.NewLimiter(strangersRate, strangersBurst)}
}

// take tells whether to record a refusal now and how many were left out before it.
func (s *strangers) take(now time.Time) (record bool, omitted int64) {
	if !s.limit.AllowN(now, 1) {
		s.omitted.Add(1)
		return false, 0
	}
	return true, s.omitted.Swap(0)
}
