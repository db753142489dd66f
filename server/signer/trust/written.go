package trust

import (
	"cmp"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"keyferry/shares"
)

// version is the format of the documents that this program knows.
const version = 1

// written is a document as it stands in its text. Times are RFC 3339 in UTC, without
// fractions.
type written struct {
	Version      int                 `json:"version" required:"true"`
	Deployment   string              `json:"deployment" required:"true"`
	Organisation string              `json:"organisation" required:"true"`
	Serial       uint64              `json:"serial" required:"true"`
	IssuedAt     string              `json:"issuedAt" required:"true"`
	Export       writtenExport       `json:"export" required:"true"`
	Users        []writtenUser       `json:"users" required:"true"`
	Credentials  []writtenCredential `json:"credentials" required:"true"`
	Schemes      []string            `json:"schemes" required:"true"`
	MinSigners   int                 `json:"minSigners" required:"true"`
	RelyingParty *writtenParty       `json:"relyingParty,omitzero"`
	Revocations  []writtenRevocation `json:"revocations" required:"true"`
}

type writtenExport struct {
	Active    bool   `json:"active" required:"true"`
	Reference string `json:"reference" required:"true"`
	Approvals int    `json:"approvals,omitzero"` // since it came later than version 1
}

type writtenUser struct {
	ID     string `json:"id" required:"true"`
	Active bool   `json:"active" required:"true"`
}

type writtenCredential struct {
	ID        string `json:"id" required:"true"`
	User      string `json:"user" required:"true"`
	Kind      string `json:"kind" required:"true"`
	PublicKey string `json:"publicKey" required:"true"`
	Active    bool   `json:"active" required:"true"`
	Approves  bool   `json:"approves,omitzero"`
}

type writtenParty struct {
	ID      string   `json:"id" required:"true"`
	Origins []string `json:"origins" required:"true"`
}

type writtenRevocation struct {
	Credential string `json:"credential" required:"true"`
	At         string `json:"at" required:"true"`
	Reason     string `json:"reason" required:"true"`
}

// Marshal returns the document's one spelling: JSON with the members in a fixed order,
// indented by two spaces, with a line end. A document that breaks a rule has none.
func (d Document) Marshal() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(d.written(), json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("encoding trust document: %w", err)
	}
	return append(text, '\n'), nil
}

func (d Document) written() written {
	w := written{
		Version: version, Deployment: d.Deployment, Organisation: string(d.Org), Serial: d.Serial, IssuedAt: writeTime(d.IssuedAt),
		Export: writtenExport(d.Export), Schemes: schemeNames(d.Schemes), MinSigners: d.MinSigners,
	}
	for _, u := range d.Users {
		w.Users = append(w.Users, writtenUser{string(u.ID), u.Active})
	}
	for _, c := range d.Credentials {
		w.Credentials = append(w.Credentials, writtenCredential{string(c.ID), string(c.User), string(c.Kind), c.PublicKey, c.Active, c.Approves})
	}
	for _, r := range d.Revocations {
		w.Revocations = append(w.Revocations, writtenRevocation{string(r.Credential), writeTime(r.At), r.Reason})
	}
	if !d.RelyingParty.IsZero() {
		w.RelyingParty = &writtenParty{d.RelyingParty.ID, d.RelyingParty.Origins}
	}
	return w
}

func (d *Document) sort() {
	slices.SortFunc(d.Users, func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(d.Credentials, func(a, b Credential) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(d.Revocations, func(a, b Revocation) int { return cmp.Compare(a.Credential, b.Credential) })
	slices.SortFunc(d.Schemes, func(a, b shares.Scheme) int { return cmp.Compare(a.String(), b.String()) })
	slices.Sort(d.RelyingParty.Origins)
}

func writeTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func schemeNames(schemes []shares.Scheme) []string {
	names := make([]string, len(schemes))
	for i, s := range schemes {
		names[i] = s.String()
	}
	return names
}

// canonicalPEM writes a PEM block as encoding/pem does, whatever blanks and ends of
// lines it came with. What has more to say than one block, such as headers, or text in
// front of it, stays as it is, for check to refuse.
func canonicalPEM(text string) string {
	block, _ := pem.Decode([]byte(strings.TrimSpace(text) + "\n"))
	if block == nil {
		return text
	}
	written := string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
	if withoutBlanks(written) != withoutBlanks(text) {
		return text
	}
	return written
}

func withoutBlanks(text string) string { return strings.Join(strings.Fields(text), "") }

// isCanonicalPEM tells whether text is one block without headers, in its one spelling.
func isCanonicalPEM(text string) bool {
	block, _ := pem.Decode([]byte(text))
	return block != nil && string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})) == text
}
