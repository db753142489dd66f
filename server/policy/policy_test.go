//go:build cgo

package policy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/policy"
	"keyferry/server/useraction"
	"keyferry/test/rig"
)

// desk is an organisation with an owner, who may do everything on keys, and a clerk,
// who may only look.
type desk struct {
	*rig.Rig
	owner, clerk *rig.Account
}

// newDesk needs no signers: nothing is done here.
func newDesk(t *testing.T) desk {
	t.Helper()
	r := rig.New(t, 0)
	org := r.Organisation(t)
	return desk{Rig: r, owner: r.Account(t, org, identity.Permissions()...), clerk: r.Account(t, org, identity.KeysRead)}
}

// activated is the organisation as the journal has it, and active one of its keys.
func (d desk) activated() identity.Organisation {
	return identity.Organisation{ID: d.owner.User.Org, Name: "Test", Export: &identity.Activation{Reference: "addendum 1", At: time.UnixMilli(1)}}
}

func (d desk) active() keyring.Key {
	return keyring.Key{ID: "key-1", Org: d.owner.User.Org, MinSigners: 3, Signers: 5, Status: keyring.Active}
}

func prove(t *testing.T, by *rig.Account) useraction.Proof {
	t.Helper()
	return by.Prove(t, "/keys/key-1/export", "{}")
}

func TestExportGrantCarriesWhatWasDecidedOn(t *testing.T) {
	d := newDesk(t)
	proof, key := prove(t, d.owner), d.active()
	key.ExportedAt = time.UnixMilli(5) // a key may be exported again
	grant, err := policy.DecideExport(proof, d.activated(), key)
	if err != nil {
		t.Fatal(err)
	}
	if grant.IsZero() || grant.Key() != key || grant.Proof().ActionID() != proof.ActionID() || grant.Proof().Principal().User() != d.owner.User.ID {
		t.Errorf("granted %+v", grant)
	}
}

func TestExportIsRefused(t *testing.T) {
	d := newDesk(t)
	stranger := identity.OrgID("or-other")
	for name, test := range map[string]struct {
		by     *rig.Account
		change func(*identity.Organisation, *keyring.Key)
		want   error
	}{
		"without the permission":             {d.clerk, func(*identity.Organisation, *keyring.Key) {}, policy.ErrPermission},
		"of another organisation's key":      {d.owner, func(_ *identity.Organisation, k *keyring.Key) { k.Org = stranger }, keyring.ErrNotFound},
		"of no key":                          {d.owner, func(_ *identity.Organisation, k *keyring.Key) { *k = keyring.Key{} }, keyring.ErrNotFound},
		"before activation":                  {d.owner, func(o *identity.Organisation, _ *keyring.Key) { o.Export = nil }, policy.ErrNotActivated},
		"of an archived key":                 {d.owner, func(_ *identity.Organisation, k *keyring.Key) { k.Status = keyring.Archived }, policy.ErrArchived},
		"of a key without a state":           {d.owner, func(_ *identity.Organisation, k *keyring.Key) { k.Status = "" }, policy.ErrArchived},
		"and tells a clerk of no state":      {d.clerk, func(_ *identity.Organisation, k *keyring.Key) { k.Status = keyring.Archived }, policy.ErrPermission},
		"and tells a clerk of no key":        {d.clerk, func(_ *identity.Organisation, k *keyring.Key) { k.Org = stranger }, policy.ErrPermission},
		"and tells a clerk of no activation": {d.clerk, func(o *identity.Organisation, _ *keyring.Key) { o.Export = nil }, policy.ErrPermission},
	} {
		t.Run(name, func(t *testing.T) {
			org, key := d.activated(), d.active()
			test.change(&org, &key)
			grant, err := policy.DecideExport(prove(t, test.by), org, key)
			if !errors.Is(err, test.want) || !grant.IsZero() {
				t.Errorf("granted %v, %v", !grant.IsZero(), err)
			}
		})
	}
}

// A stage that was left out is nobody's fault outside: the caller learns nothing, and
// the operator has to look.
func TestWhatNoStageMadeIsRefused(t *testing.T) {
	d := newDesk(t)
	_, noProof := policy.DecideExport(useraction.Proof{}, d.activated(), d.active())
	_, noOrganisation := policy.DecideExport(prove(t, d.owner), identity.Organisation{}, d.active())
	other := d.activated()
	other.ID = "or-other"
	_, otherOrganisation := policy.DecideExport(prove(t, d.owner), other, d.active())
	_, noProofOfImport := policy.DecideImport(useraction.Proof{})
	for name, err := range map[string]error{
		"an export without a proof":                 noProof,
		"an export without an organisation":         noOrganisation,
		"an export with somebody else's activation": otherOrganisation,
		"an import without a proof":                 noProofOfImport,
		"nobody":                                    policy.May(identity.Principal{}, identity.KeysRead),
	} {
		if err == nil || fault.KindOf(err) != fault.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !(policy.ExportGrant{}).IsZero() || !(policy.ImportGrant{}).IsZero() {
		t.Error("the zero grant grants something")
	}
}

func TestImportNeedsItsPermission(t *testing.T) {
	d := newDesk(t)
	proof := prove(t, d.owner)
	grant, err := policy.DecideImport(proof)
	if err != nil || grant.IsZero() || grant.Proof().ActionID() != proof.ActionID() {
		t.Errorf("granted %+v, %v", grant, err)
	}
	if grant, err := policy.DecideImport(prove(t, d.clerk)); !errors.Is(err, policy.ErrPermission) || !grant.IsZero() {
		t.Errorf("a clerk: granted %v, %v", !grant.IsZero(), err)
	}
}

func TestMayGoesByEachPermission(t *testing.T) {
	d := newDesk(t)
	for _, permission := range identity.Permissions() {
		if err := policy.May(d.owner.Principal(t), permission); err != nil {
			t.Errorf("the owner, %s: %v", permission, err)
		}
		err := policy.May(d.clerk.Principal(t), permission)
		if permission == identity.KeysRead {
			if err != nil {
				t.Errorf("the clerk, %s: %v", permission, err)
			}
			continue
		}
		if !errors.Is(err, policy.ErrPermission) || fault.KindOf(err) != fault.Forbidden {
			t.Errorf("the clerk, %s: %v", permission, err)
		}
		if text := err.Error(); !strings.Contains(text, string(d.clerk.User.ID)) || !strings.Contains(text, string(permission)) {
			t.Errorf("the refusal does not say who lacks what: %s", text)
		}
	}
}
