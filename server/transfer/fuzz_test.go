package transfer_test

import (
	"errors"
	"testing"
	"time"

	"keyferry/server/keyring"
	"keyferry/server/transfer"
)

// FuzzParseCursor holds that a page token has one spelling.
func FuzzParseCursor(f *testing.F) {
	cursor := transfer.Cursor{CreatedAt: time.UnixMilli(1_700_000_000_000).UTC(), Key: keyring.KeyID("key-01snl-t56gb-j8tsok0vn802p80i")}
	f.Add(cursor.String())
	f.Add(cursor.String() + "=")
	f.Add("AAAAAAAAAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		cursor, err := transfer.ParseCursor(token)
		if err != nil {
			if !errors.Is(err, transfer.ErrCursor) || cursor != (transfer.Cursor{}) {
				t.Fatalf("%q: %+v, %v", token, cursor, err)
			}
			return
		}
		if cursor.Key == "" || len(cursor.Key) > 64 {
			t.Fatalf("%q goes on behind %q", token, cursor.Key)
		}
		if again, err := transfer.ParseCursor(cursor.String()); err != nil || again != cursor {
			t.Fatalf("%q: %+v became %+v, %v", token, cursor, again, err)
		}
	})
}
