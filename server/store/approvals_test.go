package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
)

// colleague is the same office with another user, who has a credential.
func (o *office) colleague() *office {
	o.t.Helper()
	o.tick() // each has a clock of its own from here on
	c := *o
	c.user, c.credential = identity.UserID(identity.NewID("us")), identity.CredentialID(identity.NewID("cr"))
	o.must(o.AddUser(context.Background(), identity.User{
		ID: c.user, Org: c.org, Kind: identity.ServiceAccount, Name: "colleague", Active: true, CreatedAt: start,
	}, entry(audit.UserMade)))
	o.must(o.AddCredential(context.Background(), identity.Credential{
		ID: c.credential, Org: c.org, User: c.user, Kind: identity.KeyCredential, PublicKey: "PEM of " + string(c.user), Active: true, CreatedAt: start,
	}, entry(audit.CredentialAdded)))
	return &c
}

// approval is one of the office's user, to the encryption key with this hash.
func (o *office) approval(key keyring.Key, to byte) transfer.Approval {
	at := o.tick()
	return transfer.Approval{Org: o.org, Key: key.ID, User: o.user, EncryptionKey: [32]byte{to}, At: at, ExpiresAt: at.Add(time.Minute)}
}

// approve leaves an approval and returns the action that it is.
func (o *office) approve(key keyring.Key, to byte) useraction.Signed {
	o.t.Helper()
	id := o.signed()
	a, err := o.stored(id)
	o.must(err)
	o.must(o.Approve(context.Background(), id, o.approval(key, to), entry(audit.ExportApproved)))
	return a.Signed
}

// left is the approvals for the office's user.
func (o *office) left(wanted transfer.Approval) []useraction.Signed {
	o.t.Helper()
	const many = 16
	found, err := o.Approvals(context.Background(), wanted, many)
	o.must(err)
	return found
}

func TestApprovalComesBackWholeToOtherUsersOnly(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		key, other := o.sampleKey(1), o.sampleKey(2)
		second, third := o.colleague(), o.colleague()
		first, later := second.approve(key, 7), third.approve(key, 7)
		if diff := cmp.Diff([]useraction.Signed{later, first}, o.left(o.approval(key, 7))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]useraction.Signed{later}, second.left(o.colleagueOf(second, key))); diff != "" {
			t.Errorf("of the approver's own: %s", diff)
		}
		for name, wanted := range map[string]transfer.Approval{"another encryption key": o.approval(key, 8), "another key": o.approval(other, 7)} {
			if found := o.left(wanted); len(found) != 0 {
				t.Errorf("%s: %+v", name, found)
			}
		}
		if found, err := o.Approvals(context.Background(), o.approval(key, 7), 1); err != nil || len(found) != 1 || found[0].ID() != later.ID() {
			t.Errorf("of two, one: %+v, %v", found, err)
		}
		if !o.exportedAt(key).IsZero() || o.recorded(audit.ExportApproved) != 2 {
			t.Error("an approval counts as an export, or is not recorded")
		}
	})
}

// colleagueOf is what another user of the office wants.
func (o *office) colleagueOf(c *office, key keyring.Key) transfer.Approval {
	wanted := o.approval(key, 7)
	wanted.User = c.user
	return wanted
}

func TestUserHasOneApprovalForEachKeyTheLatest(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		key, other := o.sampleKey(1), o.sampleKey(2)
		second := o.colleague()
		second.approve(key, 7)
		kept, elsewhere := second.approve(key, 8), second.approve(other, 7)
		if found := o.left(o.approval(key, 7)); len(found) != 0 {
			t.Errorf("an earlier one is still there: %+v", found)
		}
		for want, wanted := range map[*useraction.Signed]transfer.Approval{&kept: o.approval(key, 8), &elsewhere: o.approval(other, 7)} {
			if diff := cmp.Diff([]useraction.Signed{*want}, o.left(wanted)); diff != "" {
				t.Error(diff)
			}
		}
		if n := count(t, o.database, `SELECT COUNT(*) FROM approvals`); n != 2 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestApprovalEndsAndIsPurgedWithItsAction(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		key := o.sampleKey(1)
		second := o.colleague()
		second.approve(key, 7)
		wanted := o.approval(key, 7)
		wanted.At = wanted.At.Add(time.Hour)
		if found := o.left(wanted); len(found) != 0 {
			t.Errorf("expired: %+v", found)
		}
		if _, err := o.PurgeActions(context.Background(), wanted.At); err != nil {
			t.Fatal(err)
		}
		if n := count(t, o.database, `SELECT COUNT(*) FROM approvals`); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}

func TestApproveRefusesWhatIsNotTheUsersToApprove(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		foreign := officeIn(t, o.Server)
		key := o.sampleKey(1)
		archived := o.archivedKey(2)
		second := o.colleague()
		unsigned := second.action("{}")
		used := second.signed()
		o.must(o.BeginExport(context.Background(), used, o.export(key), entry(audit.ExportBegun)))
		fresh := second.signed()
		for name, test := range map[string]struct {
			action string
			a      transfer.Approval
			want   error
		}{
			"unsigned":            {unsigned.ID().String(), second.approval(key, 7), useraction.ErrReplayed},
			"exported with":       {used, second.approval(key, 7), useraction.ErrReplayed},
			"another user's":      {o.signed(), second.approval(key, 7), useraction.ErrReplayed},
			"another customer's":  {foreign.signed(), second.approval(key, 7), useraction.ErrReplayed},
			"an archived key":     {fresh, second.approval(archived, 7), keyring.ErrNotFound},
			"no key":              {fresh, second.approval(keyring.Key{ID: "key-none"}, 7), keyring.ErrNotFound},
			"another's key":       {foreign.signed(), foreign.approval(key, 7), keyring.ErrNotFound},
			"a key of elsewhere":  {fresh, second.approval(foreign.sampleKey(3), 7), keyring.ErrNotFound},
			"no action":           {"", second.approval(key, 7), useraction.ErrReplayed},
			"an unknown approver": {fresh, transfer.Approval{Org: o.org, Key: key.ID, User: "us-none"}, useraction.ErrReplayed},
		} {
			if err := o.Approve(context.Background(), test.action, test.a, entry(audit.ExportApproved)); !errors.Is(err, test.want) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if a, err := o.stored(fresh); err != nil || a.Used {
			t.Errorf("the action is used up: %v", err)
		}
		if o.recorded(audit.ExportApproved) != 0 || count(t, o.database, `SELECT COUNT(*) FROM approvals`) != 0 {
			t.Error("something is left of it")
		}
		second.approve(key, 7)
	})
}

// Half of the racers come through another handle, as another process does.
func TestOneOfManyRacersApprovesWithAnAction(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		folder := t.TempDir()
		o := officeIn(t, e.server(t, folder))
		handles := []*Server{o.Server, e.server(t, folder)}
		key := o.sampleKey(1)
		second := o.colleague()
		action := second.signed()
		var won, replayed atomic.Int64
		var all sync.WaitGroup
		for i := range 32 {
			approval, export := second.approval(key, byte(i)), second.export(key)
			all.Go(func() {
				var err error
				if i%4 == 3 { // one of four would carry it out
					err = handles[i%2].BeginExport(context.Background(), action, export, entry(audit.ExportBegun))
				} else {
					err = handles[i%2].Approve(context.Background(), action, approval, entry(audit.ExportApproved))
				}
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, useraction.ErrReplayed):
					replayed.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || replayed.Load() != 31 || o.recorded(audit.ExportApproved)+o.recorded(audit.ExportBegun) != 1 {
			t.Errorf("%d won, %d were refused", won.Load(), replayed.Load())
		}
	})
}

func TestDamagedApprovalIsAnError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		key := o.sampleKey(1)
		second := o.colleague()
		second.approve(key, 7)
		execute(t, o.database, `UPDATE actions SET used_at = NULL, token_hash = NULL`)
		if found, err := o.Approvals(context.Background(), o.approval(key, 7), 16); err == nil {
			t.Errorf("got %+v", found)
		}
	})
}
