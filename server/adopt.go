//go:build cgo

package server

import (
	"context"
	"errors"

	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/transfer"
)

// AdoptKeys makes keys of the organisation of what all signers have given receipts for.
// Whether or not the server runs, it has the signers commit them, within a minute or
// when it starts. How many keys were there already is told too.
func (o *Office) AdoptKeys(ctx context.Context, org identity.OrgID, receipts []signer.Ingested) (adopted, known int, err error) {
	if !o.config.Remote() {
		return 0, 0, errors.New("the signers are in the server's process: shares are brought only to signers of their own")
	}
	cluster, err := readManifest(o.config.Manifest, o.config.Deployment)
	if err != nil {
		return 0, 0, err
	}
	return transfer.Adoption{Register: o.store, Manifest: cluster, Now: o.config.Now}.Adopt(ctx, org, receipts)
}
