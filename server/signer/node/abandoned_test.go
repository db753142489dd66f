//go:build cgo

package node_test

import (
	"context"
	"errors"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
)

// overtaken is a store that is slow: something happens before it stores a share.
type overtaken struct {
	node.Store
	before func()
}

func (o overtaken) AddShare(ctx context.Context, s node.Share, about ...audit.Entry) error {
	o.before()
	return o.Store.AddShare(ctx, s, about...)
}

// The server has given up an import, and its answer comes after all: no share stays of a
// key that nobody will ask for, or discard, again.
func TestAPreparationThatIsOvertakenByItsAbandonmentLeavesNothing(t *testing.T) {
	for name, early := range map[string]bool{"before it began": true, "while it was under way": false} {
		c := newCluster(t, 2)
		action := c.order(t)
		key := keyring.KeyIDFor(action.ID())
		ctx, giveUp := context.WithCancel(context.Background())
		defer giveUp()
		var late *node.Node
		abandon := func() {
			giveUp()
			if err := late.Discard(context.Background(), key); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		late = c.Restart(t, 0, func(config *node.Config) {
			if !early {
				config.Store = overtaken{config.Store, abandon}
			}
		})
		if early {
			abandon()
			ctx = context.Background()
		}
		if _, err := late.Prepare(ctx, signer.Request{Action: action}); !errors.Is(err, signer.ErrReplayed) || !signer.Refused(err) {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := c.Stores[0].Share(context.Background(), c.User.Org, key); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("%s: a share stayed: %v", name, err)
		}
	}
}

// A key that is there is not taken for an abandoned one.
func TestDiscardingACommittedKeyChangesNothing(t *testing.T) {
	c := newCluster(t, 2)
	action := c.order(t)
	prepared := c.prepare(t, action)
	for _, one := range c.Nodes {
		if err := one.Commit(context.Background(), prepared); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Nodes[0].Discard(context.Background(), prepared.Key); !errors.Is(err, signer.ErrCommitted) {
		t.Errorf("got %v", err)
	}
	c.Nodes[0].Prepare(context.Background(), signer.Request{Action: action}) // whatever it answers
	if share, err := c.Stores[0].Share(context.Background(), c.User.Org, prepared.Key); err != nil || !share.Committed {
		t.Errorf("the share is gone: %v", err)
	}
}
