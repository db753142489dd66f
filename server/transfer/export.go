package transfer

import (
	"context"
	"encoding/hex"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/policy"
	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/shares"
)

// Exported is what an export gives to the client: all of it is public but the
// ciphertexts' contents, which only the client can open.
type Exported struct {
	PublicKey  shares.Point
	Protocol   string // as the client spelled it
	Curve      string
	MinSigners int
	Shares     []signer.SealedShare // in the order of their indexes
}

// Export exports the key that the signed action behind the proof names, which must be
// the one that the caller means: signers go by the action, and the journal by the id.
func (s *Service) Export(ctx context.Context, proof useraction.Proof, id keyring.KeyID) (Exported, error) {
	signed := proof.Signed()
	if named, err := signer.ExportedKey(signed.Input.Method, signed.Input.Path); err != nil || named != id {
		return Exported{}, useraction.ErrOtherRequest.Because(err)
	}
	order, err := signer.ParseExport([]byte(signed.Payload))
	if err != nil {
		return Exported{}, err
	}
	grant, err := s.decideExport(ctx, proof, id)
	if err != nil {
		return Exported{}, err
	}
	key := grant.Key()
	spelling, err := order.Spelling(key.Scheme)
	if err != nil {
		return Exported{}, err
	}
	sealed, err := s.release(ctx, grant, order)
	if err != nil {
		return Exported{}, err
	}
	return Exported{
		PublicKey: key.PublicKey, Protocol: spelling, Curve: key.Scheme.Curve().Name(), MinSigners: key.MinSigners, Shares: sealed,
	}, nil
}

// decideExport asks policy with what the journal says. The permission comes first,
// so that who lacks it learns nothing of which keys exist.
func (s *Service) decideExport(ctx context.Context, proof useraction.Proof, id keyring.KeyID) (policy.ExportGrant, error) {
	p := proof.Principal()
	if err := policy.May(p, identity.KeysExport); err != nil {
		return policy.ExportGrant{}, err
	}
	org, err := s.Journal.Organisation(ctx, p.Org())
	if err != nil {
		return policy.ExportGrant{}, fmt.Errorf("looking up organisation: %w", err)
	}
	key, err := s.Journal.Key(ctx, p.Org(), id)
	if err != nil {
		return policy.ExportGrant{}, fmt.Errorf("looking up key: %w", err)
	}
	return policy.DecideExport(proof, org, key)
}

// release is the act: journal, signers, journal. From the first journal entry on it
// runs to its end even if the caller has gone.
func (s *Service) release(ctx context.Context, grant policy.ExportGrant, order signer.ExportOrder) ([]signer.SealedShare, error) {
	key, proof := grant.Key(), grant.Proof()
	export := Export{ID: identity.NewID("ex"), Org: key.Org, Key: key.ID, BegunAt: s.Now()}
	entry := s.entry(audit.ExportBegun, proof)
	entry.Key, entry.Export = string(key.ID), export.ID
	encryptionKey := order.EncryptionKey.Hash()
	entry.Details = map[string]string{"encryptionKeyHash": hex.EncodeToString(encryptionKey[:])}
	if err := s.Journal.BeginExport(ctx, proof.ActionID(), export, entry); err != nil {
		return nil, fmt.Errorf("recording export: %w", err)
	}
	ctx, cancel := s.detach(ctx)
	defer cancel()
	request := signer.Request{Action: proof.Signed()}
	answers := askAll(ctx, s.Signers, func(ctx context.Context, one signer.Signer) (signer.SealedShare, error) {
		return one.Export(ctx, request)
	})
	entry.Kind = audit.ExportFinished
	return s.finishExport(ctx, export, entry, answers)
}

// finishExport has a time of its own, since the signers may have used up theirs.
func (s *Service) finishExport(ctx context.Context, export Export, entry audit.Entry, answers []answer[signer.SealedShare]) ([]signer.SealedShare, error) {
	ctx, cancel := s.detach(ctx)
	defer cancel()
	refusal := firstError(answers)
	entry.Outcome, entry.Signers = outcomeOf(answers), outcomes(answers)
	if refusal != nil {
		entry.Reason = fault.ReasonOf(refusal)
	}
	if err := s.Journal.FinishExport(ctx, export, entry.Outcome, entry); err != nil {
		return nil, fmt.Errorf("recording outcome of export %s: %w", export.ID, err)
	}
	if refusal != nil {
		return nil, audit.Recorded(fmt.Errorf("exporting %s: %w", export.Key, refusal))
	}
	sealed := make([]signer.SealedShare, len(answers))
	for i, a := range answers {
		sealed[i] = a.value
	}
	return sealed, nil
}

// outcomeOf is Released only if every signer released its share, and Void only if
// none did: what a signer has let go counts, whoever got it.
func outcomeOf(answers []answer[signer.SealedShare]) audit.Outcome {
	released := 0
	for _, a := range answers {
		if a.err == nil {
			released++
		}
	}
	switch released {
	case len(answers):
		return audit.Released
	case 0:
		return audit.Void
	}
	return audit.Failed
}
