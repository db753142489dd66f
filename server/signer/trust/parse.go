package trust

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"keyferry/server/identity"
	"keyferry/server/strictjson"
	"keyferry/server/useraction"
	"keyferry/shares"
)

// maxFile is how large a signed document may be, in bytes.
const maxFile = 16 << 20

var (
	// ErrVersion says that a document is of a format that this program does not know.
	ErrVersion = errors.New("this program does not know this version of trust documents")
	// ErrSpelling says that a text is not the one spelling of its document.
	ErrSpelling = errors.New("the trust document is not in its canonical spelling")
)

// Parse reads an unsigned document that a person may have edited: blanks, the order of
// members and lists, and the form of PEM texts are free. Everything else is as strict
// as for a signed one; unknown members are refused, since a restriction with a typo in
// its name would silently not hold.
func Parse(text []byte) (Document, error) {
	if len(text) > maxFile {
		return Document{}, fmt.Errorf("reading trust document: it has more than %d bytes", maxFile)
	}
	var format struct {
		Version int `json:"version" required:"true"`
	}
	if err := strictjson.Decode(text, &format); err != nil {
		return Document{}, fmt.Errorf("reading trust document: %w", err)
	}
	if format.Version != version {
		return Document{}, fmt.Errorf("%w: %d; it knows %d", ErrVersion, format.Version, version)
	}
	var w written
	if err := strictjson.Decode(text, &w); err != nil {
		return Document{}, fmt.Errorf("reading trust document: %w", err)
	}
	if err := json.Unmarshal(text, new(written), json.RejectUnknownMembers(true)); err != nil {
		return Document{}, fmt.Errorf("reading trust document: a member is unknown: %w", err)
	}
	d, err := w.document()
	if err != nil {
		return Document{}, fmt.Errorf("reading trust document: %w", err)
	}
	if err := d.check(); err != nil {
		return Document{}, err
	}
	return d, nil
}

// parseCanonical reads a document and refuses every spelling but its one.
func parseCanonical(text []byte) (Document, error) {
	d, err := Parse(text)
	if err != nil {
		return Document{}, err
	}
	canonical, err := d.Marshal()
	if err != nil {
		return Document{}, err
	}
	if !bytes.Equal(canonical, text) {
		return Document{}, ErrSpelling
	}
	return d, nil
}

func (w written) document() (Document, error) {
	d := Document{
		Deployment: w.Deployment, Org: identity.OrgID(w.Organisation), Serial: w.Serial, Export: Export(w.Export), MinSigners: w.MinSigners,
	}
	if w.RelyingParty != nil {
		d.RelyingParty = useraction.RelyingParty{ID: w.RelyingParty.ID, Origins: w.RelyingParty.Origins}
		if d.RelyingParty.IsZero() {
			return Document{}, errors.New("the relying party lacks its id or origins: leave it out if there is none")
		}
	}
	var err error
	if d.IssuedAt, err = readTime(w.IssuedAt); err != nil {
		return Document{}, fmt.Errorf("issuedAt: %w", err)
	}
	if d.Schemes, err = readSchemes(w.Schemes); err != nil {
		return Document{}, err
	}
	for _, u := range w.Users {
		d.Users = append(d.Users, User{identity.UserID(u.ID), u.Active})
	}
	for _, c := range w.Credentials {
		d.Credentials = append(d.Credentials, Credential{
			identity.CredentialID(c.ID), identity.UserID(c.User), identity.CredentialKind(c.Kind), canonicalPEM(c.PublicKey), c.Active, c.Approves,
		})
	}
	for _, r := range w.Revocations {
		at, err := readTime(r.At)
		if err != nil {
			return Document{}, fmt.Errorf("revocation of credential %.100q: %w", r.Credential, err)
		}
		d.Revocations = append(d.Revocations, Revocation{identity.CredentialID(r.Credential), at, r.Reason})
	}
	d.sort()
	return d, nil
}

func readTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || writeTime(t) != text {
		return time.Time{}, fmt.Errorf("%.40q is not a time such as 2026-11-01T12:00:00Z", text)
	}
	return t, nil
}

// readSchemes takes each scheme by its canonical name only.
func readSchemes(names []string) ([]shares.Scheme, error) {
	var schemes []shares.Scheme
	for _, name := range names {
		protocol, curve, _ := strings.Cut(name, "/")
		s, err := shares.ParseScheme(protocol, curve)
		if err != nil || s.String() != name {
			return nil, fmt.Errorf("%.64q is no scheme; there are %s", name, strings.Join(schemeNames(shares.Schemes()), ", "))
		}
		schemes = append(schemes, s)
	}
	return schemes, nil
}
