package store

import (
	"context"
	"testing"
	"time"

	"keyferry/server/signer/node"
)

func TestLastVerificationRemembersWhenThereWasNoDamage(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ctx := context.Background()
		s := e.signer(t, t.TempDir())
		if v, err := s.LastVerification(ctx); err != nil || v != (node.Verification{}) {
			t.Errorf("before the first: %+v, %v", v, err)
		}
		var good time.Time
		for i, damaged := range []int{1, 0, 2} {
			v := node.Verification{FinishedAt: start.Add(time.Duration(i) * time.Hour), Took: time.Second, Intact: 10 * i, Damaged: damaged}
			if err := s.RecordVerification(ctx, v); err != nil {
				t.Fatal(err)
			}
			if damaged == 0 {
				good = v.FinishedAt
			}
			v.SucceededAt = good
			if got, err := s.LastVerification(ctx); err != nil || got != v {
				t.Errorf("got %+v, %v\nwant %+v", got, err, v)
			}
		}
	})
}
