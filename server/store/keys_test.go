package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"keyferry/server/keyring"
	"keyferry/server/transfer"
)

func TestPagesOfKeysAreInTheOrderOfCreation(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		other := officeIn(t, o.Server)
		_, eddsa := schemes(t)
		public := point(t, eddsa.Curve(), 1)
		var want []keyring.KeyID
		for i := range 10 {
			key := o.importKey(eddsa, public)
			if i%2 == 1 { // of one moment with the one before it
				execute(t, o.database, `UPDATE keys SET created_at = (SELECT created_at FROM keys WHERE id = $1) WHERE id = $2`, want[i-1], key.ID)
			}
			want = append(want, key.ID)
			other.importKey(eddsa, public)
		}
		for i := 0; i < len(want); i += 2 {
			slices.Sort(want[i : i+2])
		}
		for _, size := range []int{1, 3, 10, 11} {
			if got := o.listed(size); !slices.Equal(got, want) {
				t.Errorf("in pages of %d: %v in place of %v", size, got, want)
			}
		}
	})
}

// listed returns all keys of the organisation, by pages.
func (o *office) listed(size int) []keyring.KeyID {
	o.t.Helper()
	var all []keyring.KeyID
	var behind transfer.Cursor
	for range 100 {
		page, err := o.Keys(context.Background(), o.org, behind, size)
		o.must(err)
		for _, key := range page {
			all = append(all, key.ID)
			behind = transfer.Cursor{CreatedAt: key.CreatedAt, Key: key.ID}
		}
		if len(page) < size {
			return all
		}
	}
	o.t.Fatal("the pages do not end")
	return nil
}

func TestForeignKeyIsNotFound(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		other := officeIn(t, o.Server)
		key := o.sampleKey(1)
		if _, err := o.Key(context.Background(), other.org, key.ID); !errors.Is(err, keyring.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestEditedKeyIsAnErrorThatNamesIt(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		stark := strings.Repeat("0", 62) + "01"
		for _, edit := range []string{
			`protocol = 'CGGMP24'`, `protocol = 'FROST'`, `protocol = ''`, `curve = 'ed25519'`, `curve = 'secp256k1 '`,
			`public_key = ''`, `public_key = 'zz'`, `public_key = upper(public_key)`, `public_key = substr(public_key, 3)`,
			fmt.Sprintf(`public_key = '02%s0'`, stark), `public_key = public_key || '00'`,
			`status = 'active'`, `status = ''`, `created_at = 'yesterday'`, `exported_at = 'never'`, `min_signers = 'two'`,
		} {
			key := o.sampleKey(1)
			if !executeIfTyped(t, o.database, `UPDATE keys SET `+edit+` WHERE id = $1`, key.ID) {
				continue
			}
			found, err := o.Key(context.Background(), o.org, key.ID)
			if err == nil || errors.Is(err, keyring.ErrNotFound) || !strings.Contains(err.Error(), string(key.ID)) {
				t.Errorf("%s: got %+v, %v", edit, found, err)
			}
			for _, table := range []string{`commits WHERE key_id`, `holders WHERE key_id`, `keys WHERE id`} {
				execute(t, o.database, `DELETE FROM `+table+` = $1`, key.ID)
			}
		}
	})
}
