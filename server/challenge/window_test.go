package challenge

import (
	"testing"
	"time"
)

func TestOnlyAChallengeForNowAndForShortIsSigned(t *testing.T) {
	now := issued
	for name, c := range map[string]struct {
		issued, length time.Duration
		good           bool
	}{
		"now, for a minute":             {0, time.Minute, true},
		"as long as may be":             {0, MaxWindow, true},
		"longer":                        {0, MaxWindow + time.Millisecond, false},
		"for no time":                   {0, 0, false},
		"ending before it begins":       {0, -time.Millisecond, false},
		"by a clock that is ahead":      {MaxSkew, time.Minute, true},
		"for later":                     {MaxSkew + time.Millisecond, time.Minute, false},
		"by a clock that is behind":     {-MaxSkew - time.Minute + time.Second, time.Minute, true},
		"long over":                     {-MaxSkew - time.Minute - time.Millisecond, time.Minute, false},
		"so far that lengths turn over": {1 << 62, time.Minute, false},
	} {
		begins := now.Add(c.issued)
		in := Input{IssuedAt: MillisOf(begins), ExpiresAt: MillisOf(begins.Add(c.length))}
		if err := in.CheckWindow(now); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server chooses both numbers. Where their difference does not fit, it still is not
// taken for a short time.
func TestWindowsBeyondAllTimesAreRefused(t *testing.T) {
	for _, in := range []Input{
		{IssuedAt: -1 << 63, ExpiresAt: 1<<63 - 1}, {IssuedAt: 1<<63 - 1, ExpiresAt: -1 << 63}, {IssuedAt: 1<<63 - 1, ExpiresAt: 1<<63 - 1},
		{IssuedAt: -1 << 63, ExpiresAt: -1<<63 + 1}, {IssuedAt: 1<<63 - 2, ExpiresAt: 1<<63 - 1},
	} {
		if in.CheckWindow(issued) == nil {
			t.Errorf("%d to %d is good", in.IssuedAt, in.ExpiresAt)
		}
	}
}
