//go:build cgo

package rig

import (
	"context"
	"encoding/json"
	"testing"

	"keyferry/server/keyring"
	"keyferry/server/transfer"
	"keyferry/shares"
	"keyferry/shares/recovery"
)

// Recover exports a key as its owner does and puts it together. The caller must Destroy it.
func (a *Account) Recover(t testing.TB, service *transfer.Service, id keyring.KeyID, scheme shares.Scheme, options recovery.Options) *recovery.Recovered {
	t.Helper()
	client, err := recovery.New()
	must(t, err)
	defer client.Destroy()
	body, err := json.Marshal(client.Request())
	must(t, err)
	exported, err := service.Export(context.Background(), a.Prove(t, "/keys/"+string(id)+"/export", string(body)), id)
	must(t, err)
	response := recovery.Response{Scheme: scheme, PublicKey: exported.PublicKey, MinSigners: exported.MinSigners}
	for _, s := range exported.Shares {
		response.Shares = append(response.Shares, recovery.SealedShare{SignerID: s.Signer.String(), Envelope: s.Ciphertext})
	}
	recovered, err := client.Recover(response, options)
	must(t, err)
	return recovered
}
