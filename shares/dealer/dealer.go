// Package dealer is the client's side of a key import: it splits a private key and
// seals one share to each signer, so that the key never leaves the client's machine
// in one piece.
//
//	Deal                       private key + the cluster's signers → Request
//	ScalarFromEd25519Seed      for wallets that hold a seed instead of a scalar
//
// The request then goes to POST /keys/import with a user action. Which signers are
// the right ones is for the caller to know, from the cluster's manifest: Deal seals
// to whomever it is given.
package dealer

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/locked"
)

// ErrSigners is wrapped by errors about the list of signers.
var ErrSigners = errors.New("unusable list of signers")

// Signer is an entry of a cluster in GET /signers.
type Signer struct {
	SignerID      string `json:"signerId"`      // padded standard base64, not empty
	EncryptionKey string `json:"encryptionKey"` // as envelope.ParseEncryptionKey reads it
}

// Plan says how a key is to be shared.
type Plan struct {
	Scheme     shares.Scheme
	MinSigners int
	Signers    []Signer // in any order
	Name       string   // of the key; optional
}

// Request is the body of POST /keys/import.
type Request struct {
	MinSigners         int                 `json:"minSigners"`
	Protocol           string              `json:"protocol"`
	Curve              string              `json:"curve"`
	EncryptedKeyShares []EncryptedKeyShare `json:"encryptedKeyShares"`
	Name               string              `json:"name,omitempty"`
}

// EncryptedKeyShare is one signer's envelope in padded standard base64.
type EncryptedKeyShare struct {
	EncryptedKeyShare string `json:"encryptedKeyShare"`
	SignerID          string `json:"signerId"`
}

// Deal splits a secret of 32 bytes, big-endian, in [1, order) and seals the shares.
// The shares' indexes follow from the order of the signers' ids by raw bytes, which
// is the order in which the request lists them. The secret stays the caller's.
//
// Errors wrap [ErrSigners], [envelope.ErrKey], or those of [shares.Split].
func Deal(plan Plan, secret *locked.Buffer) (Request, error) {
	if plan.Scheme.IsZero() {
		return Request{}, fmt.Errorf("dealing: %w", shares.ErrScheme)
	}
	recipients, err := parseSigners(plan.Signers)
	if err != nil {
		return Request{}, fmt.Errorf("dealing: %w", err)
	}
	dealing, err := shares.Split(plan.Scheme.Curve(), secret, plan.MinSigners, len(recipients))
	if err != nil {
		return Request{}, fmt.Errorf("dealing: %w", err)
	}
	defer dealing.Destroy()
	request := Request{
		MinSigners: plan.MinSigners,
		Protocol:   plan.Scheme.Protocol(),
		Curve:      plan.Scheme.Curve().Name(),
		Name:       plan.Name,
	}
	for i, r := range recipients {
		sealed, err := seal(dealing.Shares[i], dealing.Public, r.key)
		if err != nil {
			return Request{}, fmt.Errorf("dealing to signer %s: %w", r.signerID(), err)
		}
		request.EncryptedKeyShares = append(request.EncryptedKeyShares, EncryptedKeyShare{sealed, r.signerID()})
	}
	return request, nil
}

func seal(share shares.Share, public shares.PublicShares, key envelope.EncryptionKey) (string, error) {
	plaintext, err := shares.EncodeImport(share.Curve, share.Secret, public)
	if err != nil {
		return "", err
	}
	defer plaintext.Destroy()
	sealed, err := key.Seal(plaintext)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

type recipient struct {
	id  []byte
	key envelope.EncryptionKey
}

func (r recipient) signerID() string { return base64.StdEncoding.EncodeToString(r.id) }

// parseSigners sorts by raw id. Two signers with one id would get one index; two
// with one key would be one signer that holds two shares.
func parseSigners(signers []Signer) ([]recipient, error) {
	recipients := make([]recipient, len(signers))
	keys := make(map[envelope.EncryptionKey]bool, len(signers))
	for i, s := range signers {
		r, err := parseSigner(s)
		if err != nil {
			return nil, fmt.Errorf("%w: entry %d: %w", ErrSigners, i+1, err)
		}
		if keys[r.key] {
			return nil, fmt.Errorf("%w: entry %d: another signer has the same encryption key", ErrSigners, i+1)
		}
		keys[r.key] = true
		recipients[i] = r
	}
	slices.SortFunc(recipients, func(a, b recipient) int { return bytes.Compare(a.id, b.id) })
	for i := 1; i < len(recipients); i++ {
		if bytes.Equal(recipients[i-1].id, recipients[i].id) {
			return nil, fmt.Errorf("%w: signer %s occurs twice", ErrSigners, recipients[i].signerID())
		}
	}
	return recipients, nil
}

func parseSigner(s Signer) (recipient, error) {
	id, err := base64.StdEncoding.DecodeString(s.SignerID)
	if err != nil || len(id) == 0 || base64.StdEncoding.EncodeToString(id) != s.SignerID {
		return recipient{}, errors.New("the signer's id is not padded standard base64")
	}
	if s.EncryptionKey == "" {
		return recipient{}, errors.New("the signer takes in no imports, so no key can be imported to this cluster: its operators can bring in the shares of a key")
	}
	key, err := envelope.ParseEncryptionKey(s.EncryptionKey)
	if err != nil {
		return recipient{}, err
	}
	return recipient{id, key}, nil
}
