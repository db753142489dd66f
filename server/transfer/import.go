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
	if err := order.IsFor(s.Manifest.IDs()); err != nil {
		return keyring.Key{}, err
	}
	if !s.Manifest.Imports() {
		return keyring.Key{}, signer.ErrNoImport
	}
	return s.takeIn(ctx, grant, order)
}

// takeIn is the act: journal, signers prepare, journal, signers commit. What fails
// before the journal has the key is abandoned; from then on the key is there, and the
// signers' commit is repeated until it is done.
func (s *Service) takeIn(ctx context.Context, grant policy.ImportGrant, order signer.ImportOrder) (keyring.Key, error) {
	proof := grant.Proof()
	key := keyring.Key{
		ID: keyring.KeyIDFor(proof.Signed().ID()), Org: proof.Principal().Org(), Scheme: order.Scheme,
		MinSigners: order.MinSigners, Signers: len(s.Signers), Name: order.Name, Status: keyring.Active, CreatedAt: s.Now(),
	}
	entry := s.entry(audit.ImportBegun, proof)
	entry.Key = string(key.ID)
	running := Import{Key: key.ID, Org: key.Org, BegunAt: key.CreatedAt}
	if err := s.Journal.BeginImport(ctx, proof.ActionID(), running, entry); err != nil {
		return keyring.Key{}, fmt.Errorf("recording import: %w", err)
	}
	prepared := askAll(ctx, s.Timeout, s.Signers, func(ctx context.Context, one signer.Signer) (signer.Prepared, error) {
		return one.Prepare(ctx, signer.Request{Action: proof.Signed()})
	})
	entry.Signers = outcomes(prepared)
	imported, err := s.agree(prepared, key, proof.Signed())
	if err != nil {
		return keyring.Key{}, s.abandon(ctx, key.ID, entry, err)
	}
	return s.finishImport(ctx, imported, entry)
}

// agree checks that all signers have their share of one and the same key.
func (s *Service) agree(prepared []answer[signer.Prepared], key keyring.Key, signed useraction.Signed) (Imported, error) {
	if err := firstError(prepared); err != nil {
		return Imported{}, err
	}
	public := prepared[0].value.Public
	imported := Imported{Key: key}
	for i, p := range prepared {
		want := signer.Receipt{
			Deployment: s.Manifest.Deployment, Organisation: key.Org, Key: key.ID, Action: signed.ID(), VectorHash: p.value.Public.Hash(),
		}
		if err := p.value.Receipt.Verify(s.Manifest.Members[i], want); err != nil {
			return Imported{}, signer.ErrStatement.Because(err)
		}
		if want.VectorHash != public.Hash() {
			return Imported{}, ErrSharesDiffer
		}
		imported.Receipts = append(imported.Receipts, p.value.Receipt)
	}
	return imported.of(public)
}

// of fills in what the public shares say of the key. The signers' ids are in the order
// of their shares' indexes.
func (i Imported) of(public shares.PublicShares) (Imported, error) {
	if len(public) != len(i.Receipts) {
		return Imported{}, ErrSharesDiffer
	}
	if err := public.Check(i.Key.MinSigners); err != nil {
		return Imported{}, ErrSharesDiffer.Because(err)
	}
	var err error
	if i.Key.PublicKey, err = public.PublicKey(); err != nil {
		return Imported{}, ErrSharesDiffer.Because(err)
	}
	for at, commitment := range public {
		i.Holders = append(i.Holders, keyring.Holder{Signer: i.Receipts[at].Signer, Index: shares.IndexOf(at + 1), Commitment: commitment})
	}
	return i, nil
}

// finishImport has a time of its own, since the signers may have used up theirs.
func (s *Service) finishImport(ctx context.Context, i Imported, entry audit.Entry) (keyring.Key, error) {
	finishing, cancel := s.detach(ctx)
	defer cancel()
	entry.Kind, entry.Outcome = audit.ImportFinished, audit.Stored
	if err := s.Journal.FinishImport(finishing, i, entry); err != nil {
		return keyring.Key{}, s.abandon(ctx, i.Key.ID, entry, err)
	}
	if err := s.commit(ctx, signer.Commit{Org: i.Key.Org, Key: i.Key.ID, Receipts: i.Receipts}); err != nil {
		s.Log.Warn("not all signers have committed a key yet; they are asked again", "key", i.Key.ID, "error", err)
	}
	// As the journal has it: a key that was exported under another id stays marked.
	reading, done := s.detach(ctx)
	defer done()
	return s.Journal.Key(reading, i.Key.Org, i.Key.ID)
}

// commit has all signers commit a key that the journal has, then tells the journal.
func (s *Service) commit(ctx context.Context, c signer.Commit) error {
	committed := askAll(ctx, s.Timeout, s.Signers, func(ctx context.Context, one signer.Signer) (struct{}, error) {
		return struct{}{}, one.Commit(ctx, c)
	})
	if err := firstError(committed); err != nil {
		return err
	}
	ctx, cancel := s.detach(ctx)
	defer cancel()
	return s.Journal.ForgetCommit(ctx, c.Key)
}

// abandon closes an import that failed. The journal comes first: if it says that the
// import was finished after all, the shares must stay. What is left open here is
// closed by Settle.
func (s *Service) abandon(ctx context.Context, key keyring.KeyID, entry audit.Entry, cause error) error {
	entry.Kind, entry.Outcome, entry.Reason = audit.ImportAbandoned, audit.Void, fault.ReasonOf(cause)
	abandoning, cancel := s.detach(ctx)
	defer cancel()
	if err := s.Journal.AbandonImport(abandoning, key, entry); err != nil {
		return fmt.Errorf("importing %s: %w", key, errors.Join(cause, err))
	}
	if err := s.discard(ctx, key); err != nil {
		s.Log.Warn("signers could not discard an abandoned import yet; they are asked again", "key", key, "error", err)
	}
	return audit.Recorded(fmt.Errorf("importing %s: %w", key, cause))
}

// discard has all signers forget a key that did not come to be, then the journal.
func (s *Service) discard(ctx context.Context, key keyring.KeyID) error {
	discarded := askAll(ctx, s.Timeout, s.Signers, func(ctx context.Context, one signer.Signer) (struct{}, error) {
		return struct{}{}, one.Discard(ctx, key)
	})
	if err := firstError(discarded); err != nil {
		return err
	}
	ctx, cancel := s.detach(ctx)
	defer cancel()
	return s.Journal.ForgetImport(ctx, key)
}
