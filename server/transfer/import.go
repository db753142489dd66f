package transfer

import (
	"context"
	"errors"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/fault"
	"keyferry/server/keyring"
	"keyferry/server/policy"
	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/shares"
)

// ErrSharesDiffer refuses an import that tells different signers different public
// shares.
var ErrSharesDiffer = fault.New(fault.Invalid, "import.public-shares", "encryptedKeyShares: the signers' public shares are not the same")

// Import takes in the key whose shares are sealed to the signers in the signed
// action behind the proof. The key is there with all its shares, or not at all.
func (s *Service) Import(ctx context.Context, proof useraction.Proof) (keyring.Key, error) {
	order, err := signer.ParseImport([]byte(proof.Signed().Payload))
	if err != nil {
		return keyring.Key{}, err
	}
	grant, err := policy.DecideImport(proof)
	if err != nil {
		return keyring.Key{}, err
	}
	if err := order.IsFor(s.cluster); err != nil {
		return keyring.Key{}, err
	}
	return s.takeIn(ctx, grant, order)
}

// takeIn is the act: journal, signers prepare, signers commit, journal. What fails on
// the way is abandoned.
func (s *Service) takeIn(ctx context.Context, grant policy.ImportGrant, order signer.ImportOrder) (keyring.Key, error) {
	proof := grant.Proof()
	key := keyring.Key{
		ID: keyring.KeyIDFor(proof.Signed().ID()), Org: proof.Principal().Org(), Scheme: order.Scheme,
		MinSigners: order.MinSigners, Signers: len(s.cluster), Name: order.Name, Status: keyring.Active, CreatedAt: s.Now(),
	}
	entry := s.entry(audit.ImportBegun, proof)
	entry.Key = string(key.ID)
	running := Import{Key: key.ID, Org: key.Org, BegunAt: key.CreatedAt}
	if err := s.Journal.BeginImport(ctx, proof.ActionID(), running, entry); err != nil {
		return keyring.Key{}, fmt.Errorf("recording import: %w", err)
	}
	prepared, err := s.prepareAll(ctx, &key, signer.Request{Action: proof.Signed()})
	entry.Signers = prepared
	if err != nil {
		return keyring.Key{}, s.abandon(ctx, key.ID, entry, err)
	}
	return s.finishImport(ctx, key, entry)
}

// finishImport has a time of its own, since the signers may have used up theirs.
func (s *Service) finishImport(ctx context.Context, key keyring.Key, entry audit.Entry) (keyring.Key, error) {
	ctx, cancel := s.detach(ctx)
	defer cancel()
	entry.Kind, entry.Outcome = audit.ImportFinished, audit.Stored
	if err := s.Journal.FinishImport(ctx, key, entry); err != nil {
		return keyring.Key{}, s.abandon(ctx, key.ID, entry, err)
	}
	// As the journal has it: a key that was exported under another id stays marked.
	return s.Journal.Key(ctx, key.Org, key.ID)
}

// prepareAll has every signer take its share, compares what they say of the key, and
// has every signer commit, whether or not the caller is still there. It fills in the
// key's public key.
func (s *Service) prepareAll(ctx context.Context, key *keyring.Key, request signer.Request) ([]audit.SignerOutcome, error) {
	ctx, cancel := s.detach(ctx)
	defer cancel()
	prepared := askAll(ctx, s.Signers, func(ctx context.Context, one signer.Signer) (signer.Prepared, error) {
		return one.Prepare(ctx, request)
	})
	said := outcomes(prepared)
	if err := firstError(prepared); err != nil {
		return said, err
	}
	var err error
	if key.PublicKey, err = agree(prepared, key.ID, key.MinSigners); err != nil {
		return said, err
	}
	committed := askAll(ctx, s.Signers, func(ctx context.Context, one signer.Signer) (struct{}, error) {
		return struct{}{}, one.Commit(ctx, key.ID)
	})
	return outcomes(committed), firstError(committed)
}

// agree checks that all signers prepared the same key, and returns its public key.
func agree(prepared []answer[signer.Prepared], key keyring.KeyID, minSigners int) (shares.Point, error) {
	public := prepared[0].value.Public
	for _, p := range prepared {
		if p.value.Key != key {
			return shares.Point{}, fmt.Errorf("signer %v prepared %s in place of %s", p.signer, p.value.Key, key)
		}
		if p.value.Public.Hash() != public.Hash() {
			return shares.Point{}, ErrSharesDiffer
		}
	}
	if err := public.Check(minSigners); err != nil {
		return shares.Point{}, ErrSharesDiffer.Because(err)
	}
	return public.PublicKey()
}

// abandon closes an import that failed. The journal comes first: if it says that the
// import was finished after all, the shares must stay. What is left open here is
// closed by Reconcile at the next start.
func (s *Service) abandon(ctx context.Context, key keyring.KeyID, entry audit.Entry, cause error) error {
	entry.Kind, entry.Outcome, entry.Reason = audit.ImportAbandoned, audit.Void, fault.ReasonOf(cause)
	ctx, cancel := s.detach(ctx)
	defer cancel()
	if err := s.Journal.AbandonImport(ctx, key, entry); err != nil {
		return fmt.Errorf("importing %s: %w", key, errors.Join(cause, err))
	}
	if err := s.discard(ctx, key); err != nil {
		s.Log.Error("an abandoned import is discarded at the next start", "key", key, "error", err)
	}
	return audit.Recorded(fmt.Errorf("importing %s: %w", key, cause))
}

// discard has all signers forget a key that did not come to be, then the journal.
func (s *Service) discard(ctx context.Context, key keyring.KeyID) error {
	discarded := askAll(ctx, s.Signers, func(ctx context.Context, one signer.Signer) (struct{}, error) {
		return struct{}{}, one.Discard(ctx, key)
	})
	if err := firstError(discarded); err != nil {
		return err
	}
	return s.Journal.ForgetImport(ctx, key)
}
