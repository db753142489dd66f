//go:build cgo

package server

import (
	"context"
	"log/slog"
	"time"

	"keyferry/config"
	"keyferry/server/keyring"
	"keyferry/server/metrics"
	"keyferry/server/signer/node"
)

// verifyLook is how often it is looked whether a verification is due, and what the last
// one found: another process may have made it.
const verifyLook = time.Minute

// verifyPatience is how long trouble may last that does not end a verification.
const verifyPatience = time.Minute

// verifier has a signer's shares verified while the process serves, as often as is
// configured, and tells metrics what the last verification found, whoever made it.
type verifier struct {
	config.Verify
	label   string // of the signer's token
	node    *node.Node
	metrics *metrics.Metrics
	log     *slog.Logger
}

// run goes on until ctx ends. What is under way then is given up, and begun anew by the
// next process.
func (v verifier) run(ctx context.Context) {
	v.look(ctx)
	every(ctx, verifyLook, func() { v.look(ctx) })
}

// look counts from the last verification that came to its end, which outlives processes.
func (v verifier) look(ctx context.Context) {
	last, err := v.node.Store.LastVerification(ctx)
	if err == nil {
		v.tell(last) // the next one may take hours
	}
	if err == nil && v.due(last) {
		last, err = v.node.VerifyShares(ctx, node.Survey{
			Pause: time.Second / time.Duration(v.Rate), Patience: verifyPatience,
			Damaged: func(key keyring.KeyID, reason error) {
				v.log.Error("a share is damaged", "signer", v.label, "key", string(key), "reason", reason)
			},
		})
	}
	switch {
	case err == nil:
		v.tell(last)
	case ctx.Err() == nil:
		v.log.Warn("verifying the shares", "signer", v.label, "error", err)
	}
}

func (v verifier) tell(last node.Verification) {
	v.metrics.Verified(v.label, last.Intact, last.Damaged, last.SucceededAt)
}

// due is true also where the clock was set back behind the last one.
func (v verifier) due(last node.Verification) bool {
	age := v.node.Now().Sub(last.FinishedAt)
	return v.Every > 0 && (age >= v.Every || age < 0)
}
