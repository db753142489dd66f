package api

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
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
	b.mu.Lock()
	defer b.mu.Unlock()
	id := a.ID().String()
	if _, known := b.actions[id]; known {
		return useraction.ErrAnswered
	}
	if counter, counted := a.Counter(); counted {
		if before := b.counters[a.Credential]; counter <= before && counter+before > 0 {
			return useraction.ErrCounter
		}
		b.counters[a.Credential] = counter
	}
	b.actions[id] = a
	return nil
}

func (b *book) ActionByToken(_ context.Context, hash [32]byte) (useraction.Action, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.actions {
		if a.TokenHash == hash {
			return a, nil
		}
	}
	return useraction.Action{}, useraction.ErrNoAction
}

// redeem is called with the lock held.
func (b *book) redeem(action string) error {
	a, known := b.actions[action]
	if !known || a.Used {
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
