package challenge

import (
	"fmt"
	"time"
)

// MaxSkew is by how much a server's clock may differ from that of whoever is asked to
// sign.
const MaxSkew = 2 * time.Minute

// CheckWindow is for whoever is asked to sign: it keeps the signature from being good
// for later or for long.
func (in Input) CheckWindow(now time.Time) error {
	issued, expires := in.IssuedAt.Time(), in.ExpiresAt.Time()
	length := expires.Sub(issued)
	if length <= 0 || length > MaxWindow {
		return fmt.Errorf("it would be good for %v", length)
	}
	if issued.After(now.Add(MaxSkew)) || expires.Before(now.Add(-MaxSkew)) {
		return fmt.Errorf("it is good from %v to %v, and it is %v: compare the clocks", issued, expires, now.UTC())
	}
	return nil
}
