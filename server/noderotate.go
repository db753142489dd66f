//go:build cgo

package server

import (
	"context"
	"errors"
	"fmt"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/signer/node"
	"keyferry/shares/manifest"
)

// RotatedIdentity is what came of [RotateIdentity].
type RotatedIdentity struct {
	Key      hsm.KeyState
	Number   int               // of the new identity key: 2 for the first that takes another's place
	Manifest manifest.Manifest // the cluster's, with the new key
}

// RotateIdentity makes a further identity key on the token of the configured signer,
// whether or not it runs, and has the one in use sign it. It returns the cluster's
// manifest as it is to be: the signer goes on with the old key until it is started with
// that. Repeated before then, it takes the key that it has made.
func RotateIdentity(ctx context.Context, c NodeConfig) (rotated RotatedIdentity, err error) {
	c, err = c.withDefaults()
	if err := errors.Join(err, c.Validate()); err != nil {
		return rotated, err
	}
	cluster, err := readManifest(c.Manifest, c.Deployment)
	if err != nil {
		return rotated, err
	}
	token, closeToken, err := openNodeToken(c.Node, 1, nil)
	if err != nil {
		return rotated, err
	}
	defer func() { err = errors.Join(err, closeToken()) }()
	member, err := ownMember(cluster, token)
	if err != nil {
		return rotated, err
	}
	rotated.Number = len(member.Identities) + 1
	if rotated.Key, err = token.MakeIdentity(ctx, rotated.Number); err != nil {
		return rotated, err
	}
	if err := recordRotation(ctx, c, member.ID, rotated.Key); err != nil {
		return rotated, err
	}
	successor, err := member.Successor(c.Deployment, token.IdentityAt(rotated.Number-1), token.IdentityAt(rotated.Number))
	if err != nil {
		return rotated, err
	}
	rotated.Manifest, err = cluster.With(successor)
	return rotated, err
}

// ownMember finds the signer in the manifest by the first identity key of its token.
func ownMember(cluster manifest.Manifest, token *hsm.Token) (manifest.Member, error) {
	first, err := node.Describe(cluster.Deployment, token)
	if err != nil {
		return manifest.Member{}, err
	}
	known, found := cluster.Member(first.ID)
	if !found || !known.Follows(first) {
		return manifest.Member{}, fmt.Errorf("signer %v is not in the cluster's manifest, or with other keys", first.ID)
	}
	return known, nil
}

// recordRotation comes before the old key signs the new one.
func recordRotation(ctx context.Context, c NodeConfig, id manifest.ID, key hsm.KeyState) (err error) {
	own, err := openNodeStore(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	if enrolled, err := own.Enrolled(ctx); err != nil {
		return err
	} else if enrolled != id {
		return fmt.Errorf("the store belongs to signer %v, the token to signer %v: the two were mixed up", enrolled, id)
	}
	return own.Append(ctx, audit.Entry{
		Time: challenge.MillisOf(c.Now()), Kind: audit.IdentityLinked, Details: map[string]string{"key": key.Label},
	})
}
