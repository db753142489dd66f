//go:build cgo

package rig

import (
	"context"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/signer/documents"
	"keyferry/server/signer/node"
	"keyferry/server/signer/trust"
)

// Documents is what organisations' offline roots have signed, and each signer's own
// belief in it. The roots are made on the spot.
type Documents struct {
	rig      *Rig
	roots    map[identity.OrgID]*trust.RootKey
	last     map[identity.OrgID]trust.Document
	accounts []*Account
	Trusts   []*trust.Trust // in the order of the rig's nodes
}

// TrustDocuments has the rig's nodes believe documents in place of the server's
// database. They list the given accounts and nobody else.
func (r *Rig) TrustDocuments(t testing.TB, accounts ...*Account) *Documents {
	t.Helper()
	d := &Documents{rig: r, roots: map[identity.OrgID]*trust.RootKey{}, last: map[identity.OrgID]trust.Document{}, accounts: accounts}
	pinned := map[identity.OrgID]trust.Root{}
	for _, a := range accounts {
		if d.roots[a.User.Org] != nil {
			continue
		}
		root, err := trust.NewRootKey()
		must(t, err)
		t.Cleanup(root.Destroy)
		d.roots[a.User.Org], pinned[a.User.Org] = root, root.Public()
	}
	for at := range r.Nodes {
		believed := r.openTrust(t, at, pinned)
		d.Trusts = append(d.Trusts, believed)
		r.Restart(t, at, func(c *node.Config) { c.Trust = documents.Trust{Trust: believed} })
	}
	for org := range d.roots {
		d.Publish(t, org, func(*trust.Document) {})
	}
	return d
}

func (r *Rig) openTrust(t testing.TB, at int, roots map[identity.OrgID]trust.Root) *trust.Trust {
	t.Helper()
	directory, err := trust.OpenDirectory(t.TempDir())
	must(t, err)
	opened, err := trust.New(trust.Config{
		Deployment: Deployment, Roots: roots, Documents: directory, Serials: r.Stores[at],
		Record: func(ctx context.Context, c trust.Change) error {
			return r.Stores[at].Append(ctx, audit.Entry{Time: challenge.MillisOf(r.Clock.Now()), Kind: audit.TrustChanged, Org: c.Org})
		},
	})
	must(t, err)
	return opened
}

// Trust adds an account to its organisation's document.
func (d *Documents) Trust(t testing.TB, a *Account) {
	t.Helper()
	d.accounts = append(d.accounts, a)
	d.Publish(t, a.User.Org, func(*trust.Document) {})
}

// Publish has the root sign the organisation's next document, with a change, and all
// signers install it. Revocations, approvals and who may give them stay; other changes
// last until the next document.
func (d *Documents) Publish(t testing.TB, org identity.OrgID, change func(*trust.Document)) trust.Signed {
	t.Helper()
	signed, err := trust.Sign(d.Draft(t, org, change), d.roots[org])
	must(t, err)
	for _, believed := range d.Trusts {
		must(t, believed.Install(context.Background(), signed.File()))
	}
	next := signed.Document()
	if last, ok := d.last[org]; ok {
		next.Schemes, next.MinSigners = last.Schemes, last.MinSigners
	}
	d.last[org] = next
	return signed
}

// Draft returns the organisation's next document, unsigned.
func (d *Documents) Draft(t testing.TB, org identity.OrgID, change func(*trust.Document)) trust.Document {
	t.Helper()
	organisation, err := d.rig.Store.Organisation(context.Background(), org)
	must(t, err)
	known := trust.Snapshot{Deployment: Deployment, Organisation: organisation, RelyingParty: RelyingParty()}
	for _, a := range d.accounts {
		if a.User.Org == org {
			known.Users, known.Credentials = append(known.Users, a.User), append(known.Credentials, a.Credential)
		}
	}
	document, err := trust.Draft(known, d.last[org], d.rig.Clock.Now())
	must(t, err)
	change(&document)
	return document
}

// Restart makes a node anew from what it was made of, with a change.
func (r *Rig) Restart(t testing.TB, at int, change func(c *node.Config)) *node.Node {
	t.Helper()
	config := r.Nodes[at].Config
	change(&config)
	one, err := node.New(context.Background(), config)
	must(t, err)
	must(t, one.Join(r.Manifest))
	r.Nodes[at], r.Signers[at] = one, one
	return one
}
