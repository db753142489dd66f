package transfer

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/policy"
	"keyferry/shares/manifest"
)

// The sizes of a page of keys.
const (
	DefaultPage = 20
	MaxPage     = 1000
)

// Cursor is a place in the list of keys, which is in the order of creation. The zero
// Cursor is its beginning.
type Cursor struct {
	CreatedAt time.Time
	Key       keyring.KeyID
}

// ErrCursor refuses a page token that this service did not make.
var ErrCursor = fault.New(fault.Invalid, "request.malformed", "paginationToken is not valid")

// ParseCursor reads a page token. It says only where to go on; what may be seen
// follows from the caller.
func ParseCursor(token string) (Cursor, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= 8 {
		return Cursor{}, ErrCursor
	}
	key, err := keyring.ParseKeyID(string(raw[8:]))
	if err != nil {
		return Cursor{}, ErrCursor
	}
	return Cursor{CreatedAt: time.UnixMilli(int64(binary.BigEndian.Uint64(raw))).UTC(), Key: key}, nil
}

// String returns the page token.
func (c Cursor) String() string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(c.CreatedAt.UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(raw, c.Key...))
}

// Page is some of an organisation's keys.
type Page struct {
	Keys []keyring.Key
	Next Cursor // where the next page begins; meaningful if More
	More bool
}

// Keys returns a page of the principal's organisation's keys.
func (s *Service) Keys(ctx context.Context, p identity.Principal, behind Cursor, limit int) (Page, error) {
	if err := policy.May(p, identity.KeysRead); err != nil {
		return Page{}, err
	}
	if limit < 1 || limit > MaxPage {
		return Page{}, errors.New("transfer: impossible page size")
	}
	keys, err := s.Journal.Keys(ctx, p.Org(), behind, limit+1)
	if err != nil {
		return Page{}, err
	}
	page := Page{Keys: keys}
	if len(keys) > limit {
		page.Keys, page.More = keys[:limit], true
		last := keys[limit-1]
		page.Next = Cursor{CreatedAt: last.CreatedAt, Key: last.ID}
	}
	return page, nil
}

// Key returns one key of the principal's organisation.
func (s *Service) Key(ctx context.Context, p identity.Principal, id keyring.KeyID) (keyring.Key, error) {
	if err := policy.May(p, identity.KeysRead); err != nil {
		return keyring.Key{}, err
	}
	return s.Journal.Key(ctx, p.Org(), id)
}

// Cluster returns who the signers are.
func (s *Service) Cluster(p identity.Principal) (manifest.Manifest, error) {
	if err := policy.May(p, identity.ListSigners); err != nil {
		return manifest.Manifest{}, err
	}
	return s.Manifest, nil
}
