package manifest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"keyferry/shares/envelope"
)

// Manifest is a cluster, its members sorted by their ids.
type Manifest struct {
	Deployment string
	Members    []Member
}

// New sorts and verifies the members.
func New(deployment string, members []Member) (Manifest, error) {
	m := Manifest{Deployment: deployment, Members: slices.Clone(members)}
	slices.SortFunc(m.Members, func(a, b Member) int { return a.ID.Compare(b.ID) })
	return m, m.verify()
}

func (m Manifest) verify() error {
	if m.Deployment == "" || len(m.Members) == 0 {
		return errors.New("a manifest has a deployment and signers")
	}
	for i, member := range m.Members {
		if i > 0 && m.Members[i-1].ID.Compare(member.ID) >= 0 {
			return fmt.Errorf("signer %v is out of order or repeated", member.ID)
		}
		if err := member.Verify(m.Deployment); err != nil {
			return err
		}
	}
	return nil
}

// Imports reports whether shares can be sealed to every member, as an import needs it.
func (m Manifest) Imports() bool {
	return !slices.ContainsFunc(m.Members, func(member Member) bool { return !member.Imports() })
}

// IDs lists the members' ids in order.
func (m Manifest) IDs() []ID {
	ids := make([]ID, len(m.Members))
	for i, member := range m.Members {
		ids[i] = member.ID
	}
	return ids
}

// Member returns the member with this id.
func (m Manifest) Member(id ID) (Member, bool) {
	i, found := slices.BinarySearchFunc(m.Members, id, func(member Member, id ID) int { return member.ID.Compare(id) })
	if !found {
		return Member{}, false
	}
	return m.Members[i], true
}

// With returns the manifest with another description of one of its signers, which must
// follow the one that it has.
func (m Manifest) With(successor Member) (Manifest, error) {
	known, found := m.Member(successor.ID)
	if !found || !successor.Follows(known) {
		return Manifest{}, fmt.Errorf("signer %v: %w: it is not the manifest's", successor.ID, ErrSignature)
	}
	members := slices.Clone(m.Members)
	for i := range members {
		if members[i].ID == successor.ID {
			members[i] = successor
		}
	}
	return New(m.Deployment, members)
}

// Succeeds checks that m is the cluster that an earlier manifest describes: the same
// deployment and signers, each with the identity keys that it had, or further ones behind
// them. Both are verified already.
func (m Manifest) Succeeds(earlier Manifest) error {
	if m.Deployment != earlier.Deployment || len(m.Members) != len(earlier.Members) {
		return fmt.Errorf("%w: it is another cluster, or has other signers", ErrSignature)
	}
	for _, member := range m.Members {
		known, found := earlier.Member(member.ID)
		if !found || !member.Follows(known) || len(member.Identities) < len(known.Identities) {
			return fmt.Errorf("signer %v: %w: its keys do not follow those that it had", member.ID, ErrSignature)
		}
	}
	return nil
}

// manifestVersion is the file's format.
const manifestVersion = 1

type manifestFile struct {
	Version    int          `json:"version"`
	Deployment string       `json:"deployment"`
	Signers    []MemberJSON `json:"signers"`
}

// MemberJSON is a member as it stands in a manifest file, and in GET /signers.
type MemberJSON struct {
	SignerID      string   `json:"signerId"`
	EncryptionKey string   `json:"encryptionKey"` // empty: the signer takes in no imports
	IdentityKeys  [][]byte `json:"identityKeys"`
	IdentityLinks [][]byte `json:"identityLinks"`
	Signature     []byte   `json:"signature"`
}

// JSON returns the member in its written form.
func (m Member) JSON() MemberJSON {
	written := MemberJSON{
		SignerID: m.ID.String(), IdentityKeys: m.Identities,
		IdentityLinks: append([][]byte{}, m.Links...), Signature: m.Signature,
	}
	if m.Imports() {
		written.EncryptionKey = m.EncryptionKey.String()
	}
	return written
}

// Parse reads a written member. It is not verified yet.
func (j MemberJSON) Parse() (Member, error) {
	id, err := ParseID(j.SignerID)
	if err != nil {
		return Member{}, err
	}
	m := Member{ID: id, Identities: j.IdentityKeys, Links: j.IdentityLinks, Signature: j.Signature}
	if j.EncryptionKey == "" {
		return m, nil
	}
	if m.EncryptionKey, err = envelope.ParseEncryptionKey(j.EncryptionKey); err != nil {
		return Member{}, fmt.Errorf("signer %v: %w", id, err)
	}
	return m, nil
}

// Marshal returns the manifest as a file: indented JSON with a line end.
func (m Manifest) Marshal() ([]byte, error) {
	file := manifestFile{Version: manifestVersion, Deployment: m.Deployment}
	for _, member := range m.Members {
		file.Signers = append(file.Signers, member.JSON())
	}
	text, err := json.Marshal(file, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("encoding manifest: %w", err)
	}
	return append(text, '\n'), nil
}

// Parse reads and verifies a manifest file.
func Parse(text []byte) (Manifest, error) {
	var file manifestFile
	if err := json.Unmarshal(text, &file, json.RejectUnknownMembers(true)); err != nil {
		return Manifest{}, fmt.Errorf("reading manifest: %w", err)
	}
	if file.Version != manifestVersion {
		return Manifest{}, fmt.Errorf("a manifest of version %d; this program knows %d", file.Version, manifestVersion)
	}
	m := Manifest{Deployment: file.Deployment}
	for _, written := range file.Signers {
		member, err := written.Parse()
		if err != nil {
			return Manifest{}, fmt.Errorf("reading manifest: %w", err)
		}
		m.Members = append(m.Members, member)
	}
	return m, m.verify()
}
