//go:build cgo

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// shares is what the last verification of each signer's shares found.
type shares struct {
	counted *prometheus.GaugeVec
	intact  *prometheus.GaugeVec
}

func newShares() shares {
	return shares{
		counted: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "keyferry_signer_shares", Help: "Shares as the last verification found them.",
		}, []string{"token", "state"}),
		intact: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "keyferry_signer_shares_verified_timestamp_seconds",
			Help: "When a verification last found all shares intact; 0 if none ever did.",
		}, []string{"token"}),
	}
}

// Verified tells what the last verification of a signer's shares found, and when one last
// found no damage (never, if it is zero).
func (m *Metrics) Verified(token string, intact, damaged int, succeeded time.Time) {
	m.shares.counted.WithLabelValues(token, "intact").Set(float64(intact))
	m.shares.counted.WithLabelValues(token, "damaged").Set(float64(damaged))
	seconds := 0.0
	if !succeeded.IsZero() {
		seconds = float64(succeeded.UnixMilli()) / 1000
	}
	m.shares.intact.WithLabelValues(token).Set(seconds)
}
