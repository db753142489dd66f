//go:build cgo

package hostile

import (
	"errors"
	"strings"
	"testing"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/shares/recovery"
)

var malformed = fault.New(fault.Invalid, "request.malformed", "")

// forgery is what the attacker makes of an honest action of the victim's, or in its
// place.
type forgery struct {
	name  string
	forge func(*testing.T, *stage, useraction.Signed) useraction.Signed
	want  error
}

// editing changes an action behind its signature.
func editing(change func(*testing.T, *stage, *useraction.Signed)) func(*testing.T, *stage, useraction.Signed) useraction.Signed {
	return func(t *testing.T, s *stage, honest useraction.Signed) useraction.Signed {
		change(t, s, &honest)
		return honest
	}
}

// signing has the victim's client sign any input, with a payload.
func signing(change func(*testing.T, *stage, *challenge.Input) (payload string)) func(*testing.T, *stage, useraction.Signed) useraction.Signed {
	return func(t *testing.T, s *stage, honest useraction.Signed) useraction.Signed {
		input := honest.Input
		input.Nonce[0] ^= 1
		payload := change(t, s, &input)
		input.PayloadHash = challenge.HashPayload(payload)
		return s.victim.SignInput(t, input, payload)
	}
}

// Whatever the attacker does to an action, all signers refuse it and record why, and
// release nothing. The action itself is good before and after.
func TestSignersRefuseWhatNoUserOfTheKeySigned(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, group := range [][]forgery{editedActions(), otherRequests(), otherUsers(), otherTimes()} {
		for _, f := range group {
			t.Run(f.name, func(t *testing.T) {
				honest := s.signExport(t, s.victim, s.key)
				recovers(t, s.gives(t, honest), s.client)
				s.refuse(t, f.forge(t, s, honest), f.want)
				s.gives(t, honest)
			})
		}
	}
}

// refuse checks that no signer gives anything for an action.
func (s *stage) refuse(t *testing.T, action useraction.Signed, want error) {
	t.Helper()
	before := s.releases(t)
	given, errs := s.ask(action)
	for i, err := range errs {
		if !errors.Is(err, want) || !signer.Refused(err) {
			t.Errorf("signer %d: %v", i, err)
		}
	}
	if after := s.releases(t); len(given) > 0 || after != before {
		t.Errorf("%d shares were given, and %d released", len(given), after-before)
	}
	if reasons := s.lastRefusals(t); len(reasons) != 1 || reasons[0] != string(fault.ReasonOf(want)) {
		t.Errorf("recorded %v", reasons)
	}
}

// sealedTo is the honest payload with another encryption key in it.
func sealedTo(t *testing.T, s *stage, payload string, to *recovery.Context) string {
	t.Helper()
	changed := strings.Replace(payload, s.client.EncryptionKey().String(), to.EncryptionKey().String(), 1)
	if changed == payload {
		t.Fatal("the payload has no encryption key")
	}
	return changed
}

func editedActions() []forgery {
	return []forgery{
		{"another encryption key under a genuine signature", editing(func(t *testing.T, s *stage, a *useraction.Signed) {
			a.Payload = sealedTo(t, s, a.Payload, s.attacker)
		}), signer.ErrConsent},
		{"another encryption key, and its hash in the challenge's input", editing(func(t *testing.T, s *stage, a *useraction.Signed) {
			a.Payload = sealedTo(t, s, a.Payload, s.attacker)
			a.Input.PayloadHash = challenge.HashPayload(a.Payload)
		}), signer.ErrConsent},
		{"another encryption key, and client data for it", editing(func(t *testing.T, s *stage, a *useraction.Signed) {
			a.Payload = sealedTo(t, s, a.Payload, s.attacker)
			a.Input.PayloadHash = challenge.HashPayload(a.Payload)
			a.ClientData = []byte(`{"challenge":"` + a.Input.Challenge() + `","type":"key.get"}`)
		}), signer.ErrConsent},
		{"a payload of other bytes and the same meaning", editing(func(_ *testing.T, _ *stage, a *useraction.Signed) { a.Payload += " " }), signer.ErrConsent},
		{"a second encryption key put into the payload", editing(func(_ *testing.T, s *stage, a *useraction.Signed) {
			a.Payload = strings.Replace(a.Payload, "{", `{"encryptionKey":"`+s.attacker.EncryptionKey().String()+`",`, 1)
		}), signer.ErrConsent},
		{"no signature", editing(func(_ *testing.T, _ *stage, a *useraction.Signed) { a.Signature = nil }), signer.ErrConsent},
		{"one challenge answered twice", editing(func(_ *testing.T, s *stage, a *useraction.Signed) {
			a.ClientData = []byte(`{"type":"key.get","challenge":"` + a.Input.Challenge() + `"}`)
			a.Signature = s.victim.SignBytes(a.ClientData)
		}), signer.ErrReplayed},
	}
}

// otherRequests are signed by the victim's client, and mean something else.
func otherRequests() []forgery {
	respelled := func(change func(s *stage, payload string) string) func(*testing.T, *stage, useraction.Signed) useraction.Signed {
		return func(t *testing.T, s *stage, honest useraction.Signed) useraction.Signed {
			return s.victim.Sign(t, honest.Input.Path, change(s, honest.Payload))
		}
	}
	return []forgery{
		{"a signed payload with a member twice", respelled(func(s *stage, p string) string {
			return strings.Replace(p, "{", `{"encryptionKey":"`+s.attacker.EncryptionKey().String()+`",`, 1)
		}), malformed},
		{"a signed payload with a member in two cases", respelled(func(s *stage, p string) string {
			return strings.Replace(p, "{", `{"EncryptionKey":"`+s.attacker.EncryptionKey().String()+`",`, 1)
		}), malformed},
		{"a signed payload with something behind it", respelled(func(_ *stage, p string) string { return p + "{}" }), malformed},
		{"the path of another key", editing(func(_ *testing.T, s *stage, a *useraction.Signed) { a.Input.Path = exportPath(s.other) }), signer.ErrConsent},
		{"the wallet path of another key", editing(func(_ *testing.T, s *stage, a *useraction.Signed) { a.Input.Path = walletPath(s.other) }), signer.ErrConsent},
		{"the wallet path of the same key", editing(func(_ *testing.T, s *stage, a *useraction.Signed) { a.Input.Path = walletPath(s.key) }), signer.ErrConsent},
		{"a signed key id in the place of a wallet's", signing(func(t *testing.T, s *stage, in *challenge.Input) string {
			in.Path = "/wallets/" + string(s.key) + "/export"
			return exportBody(t, s.client)
		}), signer.ErrConsent},
		{"a signed wallet id in the place of a key's", signing(func(t *testing.T, s *stage, in *challenge.Input) string {
			in.Path = "/keys/" + strings.TrimPrefix(walletPath(s.key), "/wallets/")
			return exportBody(t, s.client)
		}), signer.ErrNoShare},
		{"a signed request that only looks at the key", signing(func(_ *testing.T, s *stage, in *challenge.Input) string {
			in.Method, in.Path = "GET", "/keys/"+string(s.key)
			return ""
		}), signer.ErrConsent},
		{"a signed import in the place of an export", signing(func(t *testing.T, s *stage, in *challenge.Input) string {
			in.Path = signer.ImportPath
			return s.deal(t)
		}), signer.ErrConsent},
	}
}

func walletPath(key keyring.KeyID) string {
	return "/wallets/wa-" + strings.TrimPrefix(string(key), "key-") + "/export"
}

func otherUsers() []forgery {
	return []forgery{
		{"another organisation's own action about the key", func(t *testing.T, s *stage, _ useraction.Signed) useraction.Signed {
			return s.thief.Sign(t, exportPath(s.key), exportBody(t, s.attacker))
		}, signer.ErrNoShare},
		{"another organisation's signature in the victim's name", func(t *testing.T, s *stage, honest useraction.Signed) useraction.Signed {
			return s.thief.SignInput(t, honest.Input, honest.Payload)
		}, signer.ErrConsent},
		{"another organisation's signature under the victim's credential", func(t *testing.T, s *stage, honest useraction.Signed) useraction.Signed {
			forged := s.thief.SignInput(t, honest.Input, honest.Payload)
			forged.Credential = s.victim.Credential.ID
			return forged
		}, signer.ErrConsent},
		{"the victim's action moved to another organisation", editing(func(_ *testing.T, s *stage, a *useraction.Signed) {
			a.Input.Organisation = string(s.thief.User.Org)
		}), signer.ErrConsent},
		{"an action for another deployment", signing(func(t *testing.T, s *stage, in *challenge.Input) string {
			in.Deployment = "another"
			return exportBody(t, s.client)
		}), signer.ErrConsent},
		{"a user and credential that the attacker put into the database", func(t *testing.T, s *stage, _ useraction.Signed) useraction.Signed {
			invented := s.Account(t, s.victim.User.Org, identity.Permissions()...)
			invented.Prove(t, exportPath(s.key), exportBody(t, s.attacker)) // the server takes him for a user
			return invented.Sign(t, exportPath(s.key), exportBody(t, s.attacker))
		}, signer.ErrConsent},
	}
}

// otherTimes are signed by the victim's client, which does not look at the time.
func otherTimes() []forgery {
	shifted := func(issued, expires time.Duration) func(*testing.T, *stage, useraction.Signed) useraction.Signed {
		return signing(func(t *testing.T, s *stage, in *challenge.Input) string {
			now := s.Clock.Now()
			in.IssuedAt, in.ExpiresAt = challenge.MillisOf(now.Add(issued)), challenge.MillisOf(now.Add(expires))
			return exportBody(t, s.client)
		})
	}
	return []forgery{
		{"an expiry far in the future", shifted(0, 365*24*time.Hour), signer.ErrConsent},
		{"an expiry just beyond the longest", shifted(0, challenge.MaxWindow+time.Second), signer.ErrConsent},
		{"an issue in the future", shifted(time.Hour, time.Hour+time.Minute), signer.ErrConsent},
		{"an action that has expired", shifted(-time.Minute, -time.Second), signer.ErrConsent},
		{"an expiry before the issue", shifted(time.Second, -time.Second), signer.ErrConsent},
	}
}

// A used action is worth nothing any more once it has expired, and until then no more
// than its user wanted: shares that are sealed to him.
func TestReplayGivesTheUserHisShareAndLaterNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	action := s.signExport(t, s.victim, s.key)
	s.gives(t, action)
	recovers(t, s.gives(t, action), s.client)
	s.Clock.Advance(2 * time.Minute)
	s.refuse(t, action, signer.ErrConsent)
	recovers(t, s.gives(t, s.signExport(t, s.victim, s.key)), s.client)
}
