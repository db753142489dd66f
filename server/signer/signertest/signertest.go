//go:build cgo

// Package signertest is the contract of [signer.Signer] as tests, for each way in which
// one can ask a signer. The signers behind are real: nodes with tokens and stores.
package signertest

import (
	"context"
	"encoding/json"
	"testing"

	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/shares/recovery"
	"keyferry/test/rig"
)

const (
	size      = 3
	threshold = 2
)

// Connect returns how the rig's nodes are asked, in their order.
type Connect func(t *testing.T, r *rig.Rig) []signer.Signer

// Test runs the contract.
func Test(t *testing.T, connect Connect) {
	for name, test := range map[string]func(*testing.T, *cluster){
		"Info is what the manifest says":                    infoIsTheMember,
		"Prepare answers with receipts that agree":          prepareAnswersWithReceipts,
		"Prepare can be repeated":                           prepareCanBeRepeated,
		"Commit needs every signer's receipt":               commitNeedsEveryReceipt,
		"Commit can be repeated, and nobody discards after": commitIsForEver,
		"Discard forgets what was prepared":                 discardForgets,
		"Export gives what its user recovers":               exportGivesTheKey,
		"Export states what it gave":                        exportStates,
		"Export takes a security key's consent":             exportTakesASecurityKey,
		"Export takes the approvals that are demanded":      exportTakesApprovals,
		"Refusals come as the signer gave them":             refusalsComeAsGiven,
		"Trouble that is no refusal stays open":             troubleStaysOpen,
		"An ended context ends the question":                contextEnds,
		"Questions at the same time do not mix":             questionsDoNotMix,
	} {
		t.Run(name, func(t *testing.T) { test(t, newCluster(t, connect)) })
	}
}

// cluster is a rig with an account that may do everything, asked through signers.
type cluster struct {
	*rig.Rig
	*rig.Account
	connect Connect
	signers []signer.Signer
	client  *recovery.Context
}

func newCluster(t *testing.T, connect Connect) *cluster {
	t.Helper()
	r := rig.New(t, size)
	c := &cluster{Rig: r, Account: r.Account(t, r.Organisation(t), identity.KeysExport, identity.KeysImport), connect: connect, signers: connect(t, r)}
	if len(c.signers) != size {
		t.Fatalf("%d signers came", len(c.signers))
	}
	var err error
	if c.client, err = recovery.New(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.client.Destroy)
	return c
}

// signImport signs the import of a fresh dealing of the rig's secret.
func (c *cluster) signImport(t *testing.T) useraction.Signed {
	t.Helper()
	return c.Sign(t, signer.ImportPath, c.Deal(t, rig.Scheme(t, "CGGMP21", "secp256k1"), threshold, rig.Secret(t)))
}

// prepare has all signers prepare, and returns what they commit on.
func (c *cluster) prepare(t *testing.T, action useraction.Signed) (signer.Commit, []signer.Prepared) {
	t.Helper()
	commit := signer.Commit{Org: identity.OrgID(action.Input.Organisation), Key: keyring.KeyIDFor(action.ID())}
	var all []signer.Prepared
	for _, one := range c.signers {
		prepared, err := one.Prepare(context.Background(), signer.Request{Action: action})
		if err != nil {
			t.Fatal(err)
		}
		commit.Receipts, all = append(commit.Receipts, prepared.Receipt), append(all, prepared)
	}
	return commit, all
}

func (c *cluster) commit(t *testing.T, commit signer.Commit) {
	t.Helper()
	for _, one := range c.signers {
		if err := one.Commit(context.Background(), commit); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *cluster) importKey(t *testing.T) keyring.KeyID {
	t.Helper()
	commit, _ := c.prepare(t, c.signImport(t))
	c.commit(t, commit)
	return commit.Key
}

func (c *cluster) signExport(t *testing.T, key keyring.KeyID) useraction.Signed {
	t.Helper()
	body, err := json.Marshal(c.client.Request())
	if err != nil {
		t.Fatal(err)
	}
	return c.Sign(t, "/keys/"+string(key)+"/export", string(body))
}

func (c *cluster) export(action useraction.Signed) (signer.SealedShare, error) {
	return c.signers[0].Export(context.Background(), signer.Request{Action: action})
}
