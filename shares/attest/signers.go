package attest

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"keyferry/shares/manifest"
)

type signersBody struct {
	Clusters []struct {
		Signers []manifest.MemberJSON `json:"signers"`
	} `json:"clusters"`
}

// ParseSigners reads the answer of GET /signers, which must have exactly one cluster:
// clients take the first and pass over the rest. Errors wrap [ErrAnswer].
func ParseSigners(text []byte) ([]manifest.MemberJSON, error) {
	var body signersBody
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if len(body.Clusters) != 1 {
		return nil, fmt.Errorf("%w: %d clusters in place of one", ErrAnswer, len(body.Clusters))
	}
	return body.Clusters[0].Signers, nil
}

// Signers checks that the listed signers are exactly those of the pinned manifest, in
// any order: each with the pinned identity keys, or further ones that these link, and
// with the pinned import key and a signature over it. While an identity key is replaced,
// the listing may also lack the last ones of the pinned keys. Not one may be missing,
// added or repeated: the client deals as many shares as there are signers. Errors wrap
// [ErrSigners].
func Signers(pinned manifest.Manifest, listed []manifest.MemberJSON) error {
	seen := make(map[manifest.ID]bool, len(listed))
	for i, entry := range listed {
		id, err := checkEntry(pinned, entry)
		if err == nil && seen[id] {
			err = errors.New("is listed twice")
		}
		if err != nil {
			return fmt.Errorf("%w: signer %d of the answer (%.64q): %w", ErrSigners, i+1, entry.SignerID, err)
		}
		seen[id] = true
	}
	for _, id := range pinned.IDs() {
		if !seen[id] {
			return fmt.Errorf("%w: signer %v is missing", ErrSigners, id)
		}
	}
	if len(seen) == 0 {
		return fmt.Errorf("%w: there are none", ErrSigners)
	}
	return nil
}

// Linked returns the pinned manifest with the identity keys that listed signers have
// behind their pinned ones. Each is linked by a pinned key, so that whoever could add one
// could sign in the signer's place anyway. Errors wrap [ErrSigners], where [Signers] refuses
// the list.
func Linked(pinned manifest.Manifest, listed []manifest.MemberJSON) (manifest.Manifest, error) {
	if err := Signers(pinned, listed); err != nil {
		return manifest.Manifest{}, err
	}
	linked := pinned
	for _, entry := range listed {
		member, err := entry.Parse()
		if err != nil {
			return manifest.Manifest{}, fmt.Errorf("%w: %w", ErrSigners, err)
		}
		if known, _ := pinned.Member(member.ID); len(member.Identities) <= len(known.Identities) {
			continue
		}
		if linked, err = linked.With(member); err != nil {
			return manifest.Manifest{}, fmt.Errorf("%w: %w", ErrSigners, err)
		}
	}
	return linked, nil
}

func checkEntry(pinned manifest.Manifest, entry manifest.MemberJSON) (manifest.ID, error) {
	member, err := entry.Parse()
	if err != nil {
		return manifest.ID{}, err
	}
	known, found := pinned.Member(member.ID)
	switch {
	case !found:
		return manifest.ID{}, errors.New("is unknown")
	case member.EncryptionKey != known.EncryptionKey:
		return manifest.ID{}, errors.New("has another encryption key")
	case !member.Follows(known):
		return manifest.ID{}, errors.New("has other identity keys")
	}
	// The keys are the pinned ones by now, or follow them if they are linked. The
	// signatures need not be the pinned ones: ECDSA can make many of the same text.
	return member.ID, member.Verify(pinned.Deployment)
}
