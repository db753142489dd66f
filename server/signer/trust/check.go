package trust

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"keyferry/server/identity"
	"keyferry/server/useraction"
)

// The bounds of a document.
const (
	maxSerial       = 1<<53 - 1 // what every reader of JSON takes exactly
	maxUsers        = 10_000
	maxCredentials  = 20_000
	maxRevocations  = 20_000
	maxOrigins      = 32
	maxDeployment   = 100
	maxID           = 64
	maxCredentialID = 1364 // letters: base64url of the 1023 bytes that WebAuthn §4 allows
	maxReference    = 200
	minThreshold    = 2
	maxThreshold    = 255
	maxApprovals    = 4
)

// check joins everything that is wrong with a document.
func (d Document) check() error {
	return errors.Join(
		d.checkHead(), d.checkSizes(), d.checkUsers(), d.checkCredentials(), d.checkRevocations(), d.checkSchemes(), checkParty(d.RelyingParty),
	)
}

func (d Document) checkHead() error {
	var errs []error
	if err := checkText(d.Deployment, maxDeployment, blank); err != nil || d.Deployment == "" {
		errs = append(errs, fmt.Errorf("deployment %.120q: expected 1 to %d bytes without blanks", d.Deployment, maxDeployment))
	}
	if err := checkID(string(d.Org)); err != nil {
		errs = append(errs, fmt.Errorf("organisation: %w", err))
	}
	if d.Serial < 1 || d.Serial > maxSerial {
		errs = append(errs, fmt.Errorf("serial %d is not within 1 and %d", d.Serial, uint64(maxSerial)))
	}
	if err := checkTime(d.IssuedAt); err != nil {
		errs = append(errs, fmt.Errorf("issuedAt: %w", err))
	}
	if err := checkText(d.Export.Reference, maxReference, unprintable); err != nil {
		errs = append(errs, fmt.Errorf("export.reference: %w", err))
	}
	if d.Export.Active && strings.TrimSpace(d.Export.Reference) == "" {
		errs = append(errs, errors.New("export is active without a reference to the signed addendum"))
	}
	if d.Export.Approvals < 0 || d.Export.Approvals > maxApprovals {
		errs = append(errs, fmt.Errorf("export.approvals %d is not within 0 and %d", d.Export.Approvals, maxApprovals))
	}
	if d.MinSigners < minThreshold || d.MinSigners > maxThreshold {
		errs = append(errs, fmt.Errorf("minSigners %d is not within %d and %d", d.MinSigners, minThreshold, maxThreshold))
	}
	return errors.Join(errs...)
}

func (d Document) checkSizes() error {
	for _, list := range []struct {
		name        string
		count, most int
	}{
		{"users", len(d.Users), maxUsers},
		{"credentials", len(d.Credentials), maxCredentials},
		{"revocations", len(d.Revocations), maxRevocations},
		{"relyingParty.origins", len(d.RelyingParty.Origins), maxOrigins},
	} {
		if list.count > list.most {
			return fmt.Errorf("%s: %d entries, at most %d are taken", list.name, list.count, list.most)
		}
	}
	return nil
}

func (d Document) checkUsers() error {
	var errs []error
	for i, u := range d.Users {
		if err := checkID(string(u.ID)); err != nil {
			errs = append(errs, fmt.Errorf("user %w", err))
		}
		if i > 0 && d.Users[i-1].ID >= u.ID {
			errs = append(errs, fmt.Errorf("user %q is repeated or out of order", u.ID))
		}
	}
	return errors.Join(errs...)
}

// checkCredentials refuses what could never sign, and one key under two active
// credentials, however it is spelled: its owner could consent in the place of two.
func (d Document) checkCredentials() error {
	users := make(map[identity.UserID]bool, len(d.Users))
	for _, u := range d.Users {
		users[u.ID] = true
	}
	var errs []error
	revoked, owners := d.revoked(), make(map[string]identity.CredentialID)
	for i, c := range d.Credentials {
		key, err := c.check(d.RelyingParty)
		if err != nil {
			errs = append(errs, fmt.Errorf("credential %.100q: %w", c.ID, err))
		}
		other, taken := owners[key]
		switch {
		case i > 0 && d.Credentials[i-1].ID >= c.ID:
			errs = append(errs, fmt.Errorf("credential %.100q is repeated or out of order", c.ID))
		case !users[c.User]:
			errs = append(errs, fmt.Errorf("credential %.100q: its user %.100q is not listed", c.ID, c.User))
		case c.Active && revoked[c.ID]:
			errs = append(errs, fmt.Errorf("credential %.100q is active and revoked", c.ID))
		case c.Active && taken:
			errs = append(errs, fmt.Errorf("credentials %.100q and %.100q have the same public key", other, c.ID))
		}
		if c.Active && err == nil {
			owners[key] = c.ID
		}
	}
	return errors.Join(errs...)
}

// check returns the credential's key, which is the same for all of its spellings.
func (c Credential) check(party useraction.RelyingParty) (key string, err error) {
	if err := checkCredentialID(c.ID); err != nil {
		return "", err
	}
	public, err := useraction.ParsePublicKey(c.PublicKey)
	if err != nil {
		return "", err
	}
	if !isCanonicalPEM(c.PublicKey) {
		return "", errors.New("its public key is not one plain PEM block")
	}
	if err := public.CheckKind(c.Kind); err != nil {
		return "", err
	}
	if c.Kind == identity.Fido2Credential && c.Active && party.IsZero() {
		return "", errors.New("a Fido2 credential needs the document's relyingParty")
	}
	return public.Canonical()
}

func (d Document) checkRevocations() error {
	var errs []error
	for i, r := range d.Revocations {
		err := errors.Join(checkCredentialID(r.Credential), checkTime(r.At), checkText(r.Reason, maxReference, unprintable))
		if err != nil {
			errs = append(errs, fmt.Errorf("revocation of credential %.100q: %w", r.Credential, err))
		}
		if i > 0 && d.Revocations[i-1].Credential >= r.Credential {
			errs = append(errs, fmt.Errorf("revocation of credential %.100q is repeated or out of order", r.Credential))
		}
	}
	return errors.Join(errs...)
}

func (d Document) checkSchemes() error {
	names := schemeNames(d.Schemes)
	for i, s := range d.Schemes {
		if s.IsZero() || i > 0 && names[i-1] >= names[i] {
			return fmt.Errorf("scheme %q is repeated, out of order or none", names[i])
		}
	}
	return nil
}

// checkID takes ids of the form that the API server makes. An organisation's id is
// also a file's name, so it holds nothing that a file system treats as more than a
// letter, and no capitals, which some do not tell apart.
func checkID(id string) error {
	for part := range strings.SplitSeq(id, "-") {
		if len(id) > maxID || part == "" || strings.ContainsFunc(part, notInID) {
			return fmt.Errorf("%.80q is not an id: 1 to %d small letters and digits, with single dashes between them", id, maxID)
		}
	}
	return nil
}

func notInID(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }

func checkCredentialID(id identity.CredentialID) error {
	if err := checkText(string(id), maxCredentialID, blank); err != nil || id == "" {
		return fmt.Errorf("a credential id has 1 to %d bytes and no blanks", maxCredentialID)
	}
	return nil
}

// checkTime takes whole seconds of the years that RFC 3339 can write.
func checkTime(t time.Time) error {
	if t.Nanosecond() != 0 || t.Year() < 2000 || t.Year() > 9999 {
		return fmt.Errorf("%v is not a whole second of the years 2000 to 9999", t)
	}
	return nil
}

func checkText(text string, most int, refused func(rune) bool) error {
	if len(text) > most || !utf8.ValidString(text) || strings.ContainsFunc(text, refused) {
		return fmt.Errorf("expected printable text of at most %d bytes", most)
	}
	return nil
}

func blank(r rune) bool { return unicode.IsSpace(r) || unprintable(r) }

// unprintable includes what turns the direction of text around, so that a document
// shows to people what it says to programs.
func unprintable(r rune) bool { return !unicode.IsPrint(r) }
