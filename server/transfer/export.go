package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	Shares     []*signer.SealedShare // in the order of their indexes
	Record     audit.Place           // of the entry about this export's outcome
}

// Export exports the key that the signed action behind the proof names, which must be
// the one that the caller means: signers go by the action, and the journal by the id.
func (s *Service) Export(ctx context.Context, proof useraction.Proof, id keyring.KeyID) (Exported, error) {
	grant, order, err := s.grantExport(ctx, proof, id)
	if err != nil {
		return Exported{}, err
	}
	key := grant.Key()
	spelling, err := order.Spelling(key.Scheme)
	if err != nil {
		return Exported{}, err
	}
	sealed, place, err := s.release(ctx, grant, order)
	if err != nil {
		return Exported{}, err
	}
	return Exported{
		PublicKey: key.PublicKey, Protocol: spelling, Curve: key.Scheme.Curve().Name(), MinSigners: key.MinSigners,
		Shares: sealed, Record: place,
	}, nil
}

// grantExport reads what the action orders, and decides on it.
func (s *Service) grantExport(ctx context.Context, proof useraction.Proof, id keyring.KeyID) (policy.ExportGrant, signer.ExportOrder, error) {
	signed := proof.Signed()
	if named, err := signer.ExportedKey(signed.Input.Method, signed.Input.Path); err != nil || named != id {
		return policy.ExportGrant{}, signer.ExportOrder{}, useraction.ErrOtherRequest.Because(err)
	}
	order, err := s.Orders.ParseExport([]byte(signed.Payload))
	if err != nil {
		return policy.ExportGrant{}, signer.ExportOrder{}, err
	}
	grant, err := s.decideExport(ctx, proof, id)
	return grant, order, err
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
func (s *Service) release(ctx context.Context, grant policy.ExportGrant, order signer.ExportOrder) ([]*signer.SealedShare, audit.Place, error) {
	key, proof := grant.Key(), grant.Proof()
	holders, err := s.Journal.Holders(ctx, key)
	if err != nil {
		return nil, audit.Place{}, fmt.Errorf("looking up who holds the key: %w", err)
	}
	verdict, err := newVerdict(s.Manifest, key, holders, proof.Signed(), order)
	if err != nil {
		return nil, audit.Place{}, err
	}
	approvals, err := s.approvals(ctx, grant, order)
	if err != nil {
		return nil, audit.Place{}, err
	}
	export := Export{ID: identity.NewID("ex"), Org: key.Org, Key: key.ID, BegunAt: s.Now()}
	entry := s.entry(audit.ExportBegun, proof)
	entry.Key, entry.Export = string(key.ID), export.ID
	entry.Details = describeExport(order, approvals)
	if err := s.Journal.BeginExport(ctx, proof.ActionID(), export, entry); err != nil {
		return nil, audit.Place{}, fmt.Errorf("recording export: %w", err)
	}
	answers := s.askHolders(ctx, signer.Request{Action: proof.Signed(), Approvals: approvals}, verdict)
	entry.Kind = audit.ExportFinished
	return s.finishExport(ctx, export, entry, answers, key.MinSigners)
}

// errGone is for a signer that has a share and is no longer in the cluster.
var errGone = signer.ErrUnavailable.Because(errors.New("the signer is not in this cluster"))

// askHolders asks every signer that has a share of the key, and judges what it says as
// it comes in. Answers are in the order of the holders. A signer in this process does its
// token's work on the goroutine that asks it, since nobody waits for that but askAll.
func (s *Service) askHolders(ctx context.Context, request signer.Request, v verdict) []answer[*signer.SealedShare] {
	present := slices.DeleteFunc(slices.Clone(s.Signers), func(one signer.Signer) bool { return !v.holds(one.Info().ID) })
	answers := make([]answer[*signer.SealedShare], len(v.holders))
	for i, holder := range v.holders {
		answers[i] = answer[*signer.SealedShare]{signer: holder.Signer, err: errGone}
	}
	for _, a := range askAll(ctx, s.Timeout, present, func(ctx context.Context, one signer.Signer) (*signer.SealedShare, error) {
		share, err := one.Export(signer.Expendable(ctx), request)
		if err != nil {
			return nil, err
		}
		return &share, v.check(one.Info().ID, share)
	}) {
		answers[v.place(a.signer)] = a
	}
	return answers
}

// finishExport has a time of its own, since the signers may have used up theirs.
func (s *Service) finishExport(ctx context.Context, export Export, entry audit.Entry, answers []answer[*signer.SealedShare], minSigners int) ([]*signer.SealedShare, audit.Place, error) {
	ctx, cancel := s.detach(ctx)
	defer cancel()
	refused := refusal(answers, minSigners)
	entry.Outcome, entry.Signers = outcomeOf(answers, refused), outcomes(answers)
	if refused != nil {
		entry.Reason = fault.ReasonOf(refused)
	}
	place, err := s.Journal.FinishExport(ctx, export, entry.Outcome, entry)
	if err != nil {
		return nil, audit.Place{}, fmt.Errorf("recording outcome of export %s: %w", export.ID, err)
	}
	if refused != nil {
		return nil, audit.Place{}, audit.Recorded(fmt.Errorf("exporting %s: %w", export.Key, refused))
	}
	s.logMissing(export, answers)
	return good(answers), place, nil
}

// logMissing tells the operator of signers without which an export succeeded.
func (s *Service) logMissing(export Export, answers []answer[*signer.SealedShare]) {
	for _, a := range answers {
		if a.err != nil {
			s.Log.Warn("an export did without a signer", "export", export.ID, "signer", a.signer, "error", a.err)
		}
	}
}
