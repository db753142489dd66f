package api

import (
	"net/url"
	"strconv"

	"keyferry/server/keyring"
	"keyferry/server/transfer"
)

// The path parameters that name a key.
const (
	keyParam    = "keyId"
	walletParam = "walletId"
)

// keyBody is a key as the API shows it. Optional members are left out, never null.
type keyBody struct {
	ID           keyring.KeyID  `json:"id"`
	Name         string         `json:"name,omitempty"`
	Scheme       string         `json:"scheme"`
	Curve        string         `json:"curve"`
	PublicKey    string         `json:"publicKey"` // lower-case hex
	Status       keyring.Status `json:"status"`
	Custodial    bool           `json:"custodial"`
	DateCreated  string         `json:"dateCreated"`
	Imported     bool           `json:"imported"`
	Exported     bool           `json:"exported,omitempty"`
	DateExported string         `json:"dateExported,omitempty"`
}

// bodyOf shows a key. Keys belong to the organisation and not to one of its users,
// which the API calls custodial; and there is no other way for them to come into
// being than an import.
func bodyOf(k keyring.Key) keyBody {
	body := keyBody{
		ID: k.ID, Name: k.Name, Scheme: k.Scheme.KeyScheme(), Curve: k.Scheme.Curve().Name(), PublicKey: k.PublicKey.Hex(),
		Status: k.Status, Custodial: true, DateCreated: date(k.CreatedAt), Imported: true,
	}
	if k.Exported() {
		body.Exported, body.DateExported = true, date(k.ExportedAt)
	}
	return body
}

// keyDetailBody is a key with where it is used and kept.
type keyDetailBody struct {
	keyBody
	Wallets []walletBody `json:"wallets"`
	Store   storeBody    `json:"store"`
}

// walletBody is the name under which older clients export a key.
type walletBody struct {
	ID      keyring.WalletID `json:"id"`
	Network string           `json:"network"`
}

// storeBody says that a key is kept in shares by the signers of a cluster.
type storeBody struct {
	ID    string        `json:"id"`
	Kind  string        `json:"kind"`
	KeyID keyring.KeyID `json:"keyId"`
}

const storeKind = "Mpc"

// keyID returns the key that the path names, by itself or by its wallet. An id that no
// key can have is one that none has.
func (c *call) keyID() (keyring.KeyID, error) {
	parse, text := keyring.ParseKeyID, c.Param(keyParam)
	if wallet := c.Param(walletParam); wallet != "" {
		parse, text = keyring.ParseWalletID, wallet
	}
	id, err := parse(text)
	if err != nil {
		return "", keyring.ErrNotFound.Because(err)
	}
	c.key = id
	return id, nil
}

// getKey is GET /keys/{keyId}.
func (a *API) getKey(c *call) (any, error) {
	id, err := c.keyID()
	if err != nil {
		return nil, err
	}
	key, err := a.Transfer.Key(c.context(), c.principal, id)
	if err != nil {
		return nil, err
	}
	return keyDetailBody{
		keyBody: bodyOf(key),
		Wallets: []walletBody{{ID: key.ID.Wallet(), Network: keyring.Network(key.Scheme)}},
		Store:   storeBody{ID: a.Cluster, Kind: storeKind, KeyID: key.ID},
	}, nil
}

// pageBody is a page of keys. The last page has no token: clients go on as long as
// there is one.
type pageBody struct {
	Items         []keyBody `json:"items"`
	NextPageToken string    `json:"nextPageToken,omitempty"`
}

// listKeys is GET /keys: the organisation's keys, oldest first.
func (a *API) listKeys(c *call) (any, error) {
	behind, limit, err := pageOf(c.Request().URL.RawQuery)
	if err != nil {
		return nil, err
	}
	page, err := a.Transfer.Keys(c.context(), c.principal, behind, limit)
	if err != nil {
		return nil, err
	}
	body := pageBody{Items: []keyBody{}}
	for _, key := range page.Keys {
		body.Items = append(body.Items, bodyOf(key))
	}
	if page.More {
		body.NextPageToken = page.Next.String()
	}
	return body, nil
}

// pageOf reads the query of a list: limit, from 1 to [transfer.MaxPage], and
// paginationToken. An empty parameter is one that is not there; unknown ones are
// passed over. A filter by owner is refused and not passed over, as its user would
// take all keys for those of one owner.
func pageOf(query string) (behind transfer.Cursor, limit int, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return transfer.Cursor{}, 0, malformed("the query is malformed")
	}
	for _, name := range []string{"limit", "paginationToken", "owner"} {
		if len(values[name]) > 1 {
			return transfer.Cursor{}, 0, malformed(name + " appears twice")
		}
	}
	if values.Get("owner") != "" {
		return transfer.Cursor{}, 0, malformed("owner is not supported: all keys belong to the organisation itself")
	}
	if limit, err = pageSize(values.Get("limit")); err != nil {
		return transfer.Cursor{}, 0, err
	}
	if token := values.Get("paginationToken"); token != "" {
		behind, err = transfer.ParseCursor(token)
	}
	return behind, limit, err
}

func pageSize(text string) (int, error) {
	if text == "" {
		return transfer.DefaultPage, nil
	}
	limit, err := strconv.ParseUint(text, 10, 32)
	if err != nil || limit < 1 || limit > transfer.MaxPage {
		return 0, malformed("limit must be between 1 and " + strconv.Itoa(transfer.MaxPage))
	}
	return int(limit), nil
}
