//go:build cgo

package demo

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"

	"keyferry/server/sandbox"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
)

const minSigners = 3

// shown is how much of a hash is enough to tell one from another.
const shown = 8

// journey takes one key there and back, and tells each step or only the end.
func (s *story) journey(ctx context.Context, scheme shares.Scheme, inFull bool) error {
	secret, err := sandbox.RandomKey(scheme.Curve())
	if err != nil {
		return err
	}
	defer secret.Destroy()
	public, err := scheme.Curve().MulBase(secret)
	if err != nil {
		return err
	}
	s.short = !inFull
	recovered, err := s.thereAndBack(ctx, scheme, secret, public)
	s.short = false
	if err != nil || inFull {
		return err
	}
	s.heading(fmt.Sprintf("The same for %s", scheme))
	s.line("at first", "%s", public)
	s.line("recovered", "%s", recovered)
	return nil
}

// thereAndBack returns the public key of the private key that came back.
func (s *story) thereAndBack(ctx context.Context, scheme shares.Scheme, secret *locked.Buffer, public shares.Point) (shares.Point, error) {
	request, err := s.split(ctx, scheme, secret, public)
	if err != nil {
		return shares.Point{}, fmt.Errorf("splitting the key: %w", err)
	}
	id, err := s.send(ctx, request, public)
	if err != nil {
		return shares.Point{}, err
	}
	if err := s.refusal(ctx, id); err != nil {
		return shares.Point{}, err
	}
	return s.export(ctx, id, secret, public)
}

func (s *story) split(ctx context.Context, scheme shares.Scheme, secret *locked.Buffer, public shares.Point) (dealer.Request, error) {
	s.heading(fmt.Sprintf("A private key for %s is split on the client", scheme))
	s.line("private key", "%d bytes, fresh, in locked memory", secret.Len())
	s.line("public key", "%s", public)
	signers, err := s.client.Signers(ctx)
	if err != nil {
		return dealer.Request{}, err
	}
	request, err := dealer.Deal(dealer.Plan{Scheme: scheme, MinSigners: minSigners, Signers: signers, Name: "demo " + scheme.String()}, secret)
	if err != nil {
		return dealer.Request{}, err
	}
	s.line("shares", "%d, any %d of which give the key; fewer tell nothing", len(request.EncryptedKeyShares), minSigners)
	s.line("", "Each is sealed for the one token that can open it.")
	return request, nil
}

func (s *story) send(ctx context.Context, request dealer.Request, public shares.Point) (string, error) {
	s.heading("The shares are imported")
	key, err := s.client.SendShares(ctx, request, public)
	if err != nil {
		return "", err
	}
	if key.Exported {
		return "", errors.New("the new key counts as exported")
	}
	s.line("key", "%s", key.ID)
	s.line("", "Every signer checked its share against the others' public shares, and")
	s.line("", "keeps it sealed by its token. The public key is the right one.")
	return key.ID, nil
}

// refusal shows that a valid token is not enough.
func (s *story) refusal(ctx context.Context, id string) error {
	s.heading("An export without a user action is refused")
	if err := s.exportUnsigned(ctx, id); err != nil {
		return err
	}
	key, err := s.client.Key(ctx, id)
	if err != nil {
		return err
	}
	if key.Exported {
		return errors.New("the key counts as exported after a refusal")
	}
	s.line("", "An access token alone takes nothing out.")
	return nil
}

// export is the way home: envelopes, private key, comparison.
func (s *story) export(ctx context.Context, id string, secret *locked.Buffer, public shares.Point) (shares.Point, error) {
	home, err := recovery.New()
	if err != nil {
		return shares.Point{}, err
	}
	defer home.Destroy()
	response, err := s.envelopes(ctx, id, home)
	if err != nil {
		return shares.Point{}, err
	}
	s.heading("The five envelopes are opened, and the key is recovered")
	recovered, err := home.Recover(response, recovery.Options{PublicKey: public, Strict: true})
	if err != nil {
		return shares.Point{}, err
	}
	defer recovered.Destroy()
	s.line("opened", "%d envelopes, all good", len(response.Shares))
	s.line("private key", "%d bytes, recovered, in locked memory", recovered.Secret.Len())
	return s.compare(secret, recovered.Secret, public)
}

func (s *story) envelopes(ctx context.Context, id string, home *recovery.Context) (recovery.Response, error) {
	s.heading("The export, signed by the account's credential")
	response, err := s.client.Export(ctx, id, home)
	if err != nil {
		return recovery.Response{}, err
	}
	if len(response.Shares) != 5 {
		return recovery.Response{}, fmt.Errorf("%d envelopes came in place of 5", len(response.Shares))
	}
	s.line("user action", "The client computed what it signed by itself: this export, to a")
	s.line("", "one-time key of its own. Every signer verified the signature again.")
	for _, share := range response.Shares {
		digest := sha256.Sum256(share.Envelope)
		s.line("envelope", "%d bytes from signer %.*s…, SHA-256 %s…", len(share.Envelope), shown, share.SignerID, hex.EncodeToString(digest[:shown]))
	}
	key, err := s.client.Key(ctx, id)
	if err != nil {
		return recovery.Response{}, err
	}
	if !key.Exported {
		return recovery.Response{}, errors.New("the key does not count as exported")
	}
	s.line("recorded", "The key is marked as exported.")
	return response, nil
}

// compare computes the public key from the recovered private key, and compares the
// private keys too.
func (s *story) compare(secret, recovered *locked.Buffer, public shares.Point) (shares.Point, error) {
	s.heading("The public keys are compared")
	again, err := public.Curve().MulBase(recovered)
	if err != nil {
		return shares.Point{}, err
	}
	s.line("at first", "%s", public)
	s.line("recovered", "%s", again)
	if !again.Equal(public) || subtle.ConstantTimeCompare(secret.Bytes(), recovered.Bytes()) != 1 {
		return shares.Point{}, errors.New("the recovered key is another one")
	}
	s.line("", "They are the same, and so are the private keys.")
	return again, nil
}
