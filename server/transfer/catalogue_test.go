//go:build cgo

package transfer_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/transfer"
)

func TestKeysArePagedInOrderAndPerOrganisation(t *testing.T) {
	o := newOffice(t)
	var want []keyring.KeyID
	for range 5 {
		want = append(want, o.mustImport(t).ID)
	}
	stranger := o.Rig.Account(t, o.Organisation(t), identity.KeysRead)
	var got []keyring.KeyID
	cursor := transfer.Cursor{}
	for pages := 0; ; pages++ {
		page, err := o.service.Keys(context.Background(), o.Principal(t), cursor, 2)
		if err != nil || pages > 3 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, k := range page.Keys {
			got = append(got, k.ID)
		}
		if !page.More {
			break
		}
		if cursor, err = transfer.ParseCursor(page.Next.String()); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Sort(want); len(got) != 5 {
		t.Errorf("listed %v", got)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	if page, err := o.service.Keys(context.Background(), stranger.Principal(t), transfer.Cursor{}, 10); err != nil || len(page.Keys) > 0 {
		t.Errorf("another organisation sees %d keys, %v", len(page.Keys), err)
	}
}

func TestParseCursorRefusesWhatItDidNotMake(t *testing.T) {
	for _, token := range []string{"", "x", "AAAA", "AAAAAAAAAAA", "AAAAAAAAAAAA=", "!!!!"} {
		if c, err := transfer.ParseCursor(token); !errors.Is(err, transfer.ErrCursor) {
			t.Errorf("%q is %+v, %v", token, c, err)
		}
	}
}
