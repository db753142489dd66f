package api

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"slices"
	"sync"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
	"keyferry/shares"
	"keyferry/shares/locked/lockedtest"
	"keyferry/shares/manifest/manifesttest"
	"keyferry/shares/statement"
)

// book is the store of these tests: what server/store keeps on disk, in memory.
type book struct {
	mu          sync.Mutex
	orgs        map[identity.OrgID]identity.Organisation
	users       map[identity.UserID]identity.User
	tokens      map[identity.TokenID]identity.Token
	credentials []identity.Credential
	counters    map[identity.CredentialID]uint32
	actions     map[string]useraction.Action
	keys        map[keyring.KeyID]keyring.Key
	holders     map[keyring.KeyID][]keyring.Holder
	running     map[keyring.KeyID]bool
	approvals   map[place]leftApproval
	entries     []audit.Entry

	keyTrouble    func(context.Context) error // if set, asked before a key is looked up
	appendTrouble error                       // if set, entries cannot be appended
}

func newBook() *book {
	return &book{
		orgs:     map[identity.OrgID]identity.Organisation{},
		users:    map[identity.UserID]identity.User{},
		tokens:   map[identity.TokenID]identity.Token{},
		counters: map[identity.CredentialID]uint32{},
		actions:  map[string]useraction.Action{},
		keys:     map[keyring.KeyID]keyring.Key{},
		holders:  map[keyring.KeyID][]keyring.Holder{},
		running:  map[keyring.KeyID]bool{},

		approvals: map[place]leftApproval{},
	}
}

// change calls f while nobody else reads or writes.
func (b *book) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// forget drops what piles up.
func (b *book) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = nil
	clear(b.actions)
}

func (b *book) recorded(kind audit.Kind) []audit.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.entries), func(e audit.Entry) bool { return e.Kind != kind })
}

func (b *book) Append(_ context.Context, e audit.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.appendTrouble != nil {
		return b.appendTrouble
	}
	_, err := e.Canonical()
	b.entries = append(b.entries, e)
	return err
}

func (b *book) TokenOwner(_ context.Context, id identity.TokenID) (identity.Token, identity.User, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	token, ok := b.tokens[id]
	if !ok {
		return identity.Token{}, identity.User{}, identity.ErrUnknownToken
	}
	return token, b.users[token.User], nil
}

func (b *book) CredentialsOf(_ context.Context, org identity.OrgID, user identity.UserID) ([]identity.Credential, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.credentials), func(c identity.Credential) bool {
		return c.Org != org || c.User != user
	}), nil
}

func (b *book) AddAction(_ context.Context, a useraction.Action) error {
	b.change(func() { b.actions[a.ID] = a })
	return nil
}

func (b *book) ActionByID(_ context.Context, id string) (useraction.Action, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a, ok := b.actions[id]; ok {
		return a, nil
	}
	return useraction.Action{}, useraction.ErrNoAction
}

func (b *book) ActionByToken(_ context.Context, hash [32]byte) (useraction.Action, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.actions {
		if a.Signed != nil && a.Signed.TokenHash == hash {
			return a, nil
		}
	}
	return useraction.Action{}, useraction.ErrNoAction
}

func (b *book) CompleteAction(_ context.Context, id string, by useraction.Assertion) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.actions[id]
	if !ok || a.Signed != nil {
		return useraction.ErrNoAction
	}
	if counter, counted := by.Counter(); counted {
		if before := b.counters[by.Credential]; counter <= before && counter+before > 0 {
			return useraction.ErrCounter
		}
		b.counters[by.Credential] = counter
	}
	a.Signed = &by
	b.actions[id] = a
	return nil
}

// redeem is called with the lock held.
func (b *book) redeem(action string) error {
	a := b.actions[action]
	if a.Signed == nil || a.Used {
		return useraction.ErrReplayed
	}
	a.Used = true
	b.actions[action] = a
	return nil
}

func (b *book) Organisation(_ context.Context, id identity.OrgID) (identity.Organisation, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.orgs[id], nil
}

func (b *book) Key(ctx context.Context, org identity.OrgID, id keyring.KeyID) (keyring.Key, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keyTrouble != nil {
		if err := b.keyTrouble(ctx); err != nil {
			return keyring.Key{}, err
		}
	}
	if key, ok := b.keys[id]; ok && key.Org == org {
		return key, nil
	}
	return keyring.Key{}, keyring.ErrNotFound
}

func (b *book) Keys(_ context.Context, org identity.OrgID, behind transfer.Cursor, limit int) ([]keyring.Key, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []keyring.Key
	for _, key := range b.keys {
		if key.Org == org && byAge(key, keyring.Key{CreatedAt: behind.CreatedAt, ID: behind.Key}) > 0 {
			found = append(found, key)
		}
	}
	slices.SortFunc(found, byAge)
	return found[:min(limit, len(found))], nil
}

// byAge compares times as they are kept, in milliseconds.
func byAge(a, b keyring.Key) int {
	return cmp.Or(cmp.Compare(a.CreatedAt.UnixMilli(), b.CreatedAt.UnixMilli()), cmp.Compare(a.ID, b.ID))
}

func (b *book) BeginExport(_ context.Context, action string, e transfer.Export, entry audit.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.redeem(action); err != nil {
		return err
	}
	key := b.keys[e.Key]
	if !key.Exported() {
		key.ExportedAt = e.BegunAt
	}
	b.keys[e.Key] = key
	b.entries = append(b.entries, entry)
	return nil
}

func (b *book) FinishExport(_ context.Context, _ transfer.Export, _ audit.Outcome, entry audit.Entry) (audit.Place, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(b.entries, entry)
	canonical, err := entry.Canonical()
	return audit.Place{Index: int64(len(b.entries) - 1), Entry: canonical}, err
}

func (b *book) BeginImport(_ context.Context, action string, i transfer.Import, entry audit.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.redeem(action); err != nil {
		return err
	}
	b.running[i.Key] = true
	b.entries = append(b.entries, entry)
	return nil
}

func (b *book) FinishImport(_ context.Context, i transfer.Imported, entry audit.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.running[i.Key.ID] {
		return transfer.ErrNotRunning
	}
	delete(b.running, i.Key.ID)
	b.keys[i.Key.ID], b.holders[i.Key.ID] = i.Key, i.Holders
	b.entries = append(b.entries, entry)
	return nil
}

func (b *book) Holders(_ context.Context, key keyring.Key) ([]keyring.Holder, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.holders[key.ID], nil
}

func (b *book) ForgetCommit(context.Context, keyring.KeyID) error { return nil }

func (b *book) Uncommitted(context.Context) ([]signer.Commit, error) { return nil, nil }

func (b *book) AbandonImport(_ context.Context, key keyring.KeyID, entry audit.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.running[key] {
		return transfer.ErrNotRunning
	}
	delete(b.running, key)
	b.entries = append(b.entries, entry)
	return nil
}

func (b *book) ForgetImport(context.Context, keyring.KeyID) error { return nil }

func (b *book) Unfinished(context.Context) ([]transfer.Export, []transfer.Import, error) {
	return nil, nil, nil
}

// holder is a signer that has one envelope to give, which it states to be whatever is
// wanted, and takes every share.
type holder struct {
	info     signer.Info
	identity *ecdsa.PrivateKey
	index    int // of its share, from 1
	envelope []byte
	public   shares.PublicShares
	mu       sync.Mutex
	refusal  error          // if set, its answer to everything
	asked    signer.Request // the last export
}

func (h *holder) refuse(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusal = err
}

func (h *holder) answer() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refusal
}

func (h *holder) Info() signer.Info { return h.info }

func (h *holder) Export(_ context.Context, r signer.Request) (signer.SealedShare, error) {
	if err := h.answer(); err != nil {
		return signer.SealedShare{}, err
	}
	h.mu.Lock()
	h.asked = r
	h.mu.Unlock()
	order, err := signer.ParseExport([]byte(r.Action.Payload))
	if err != nil {
		return signer.SealedShare{}, err
	}
	stated, err := h.state(r, order)
	return signer.SealedShare{Signer: h.info.ID, Ciphertext: h.envelope, Statement: stated}, err
}

func (h *holder) state(r signer.Request, order signer.ExportOrder) (statement.Signed, error) {
	id, err := signer.ExportedKey(r.Action.Input.Method, r.Action.Input.Path)
	if err != nil {
		return statement.Signed{}, err
	}
	scheme, err := shares.ParseScheme("CGGMP21", "secp256k1")
	if err != nil {
		return statement.Signed{}, err
	}
	public, err := h.public.PublicKey()
	if err != nil {
		return statement.Signed{}, err
	}
	return statement.Sign(statement.Statement{
		Deployment: deployment, Organisation: r.Action.Input.Organisation, Key: string(id), Scheme: scheme, PublicKey: public, MinSigners: 2,
		Index: shares.IndexOf(h.index), Commitment: h.public[h.index-1], VectorHash: h.public.Hash(),
		EncryptionKeyHash: order.EncryptionKey.Hash(), CiphertextHash: statement.HashCiphertext(h.envelope), ActionHash: r.Action.ID(),
	}, h.info.ID, h.identity)
}

func (h *holder) Prepare(_ context.Context, r signer.Request) (signer.Prepared, error) {
	if err := h.answer(); err != nil {
		return signer.Prepared{}, err
	}
	receipt, err := signer.Receipt{
		Deployment: deployment, Organisation: identity.OrgID(r.Action.Input.Organisation), Key: keyring.KeyIDFor(r.Action.ID()),
		Action: r.Action.ID(), VectorHash: h.public.Hash(),
	}.Sign(h.info.ID, h.identity)
	return signer.Prepared{Public: h.public, Receipt: receipt}, err
}

func (h *holder) Commit(context.Context, signer.Commit) error { return h.answer() }

func (h *holder) Discard(context.Context, keyring.KeyID) error { return nil }

// newHolders returns n signers, sorted by id, and the public key that their public
// shares give, 2 of n.
func newHolders(t testing.TB, n int) ([]*holder, shares.Point) {
	t.Helper()
	dealing, err := shares.Split(shares.Secp256k1, lockedtest.Bytes(t, []byte{31: 7}), 2, n)
	if err != nil {
		t.Fatal(err)
	}
	defer dealing.Destroy()
	key, err := dealing.Public.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	var holders []*holder
	for range n {
		holders = append(holders, newHolder(t, dealing.Public))
	}
	slices.SortFunc(holders, func(a, b *holder) int { return a.info.ID.Compare(b.info.ID) })
	for i, h := range holders {
		h.index = i + 1
	}
	return holders, key
}

func newHolder(t testing.TB, public shares.PublicShares) *holder {
	t.Helper()
	member, key := manifesttest.NewMember(t, deployment)
	return &holder{info: signer.Info{Member: member}, identity: key, envelope: member.ID[:20], public: public}
}
