//go:build cgo

package hostile

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/client"
	"keyferry/server/fault"
	"keyferry/server/signer"
	"keyferry/shares/recovery"
	"keyferry/shares/statement"
)

// misbehaviour is what signers do, and who finds it out.
type misbehaviour struct {
	name   string
	of     func(*testing.T, *stage, *actor) exporter
	reason fault.Reason // in the API's record; empty: the API cannot know, and recovery names them
	status int          // of the API's answer if too many do it
}

func misbehaviours() []misbehaviour {
	return []misbehaviour{
		{"garbage under a true statement", func(_ *testing.T, _ *stage, a *actor) exporter {
			return a.lie(func(share *signer.SealedShare) {
				rand.Read(share.Ciphertext)
				share.Statement.CiphertextHash = statement.HashCiphertext(share.Ciphertext)
			})
		}, "", http.StatusOK},
		{"another key's share under a true statement", func(t *testing.T, s *stage, a *actor) exporter {
			other := s.signExport(t, s.victim, s.other)
			return a.lie(func(share *signer.SealedShare) {
				foreign, err := a.Node.Export(context.Background(), signer.Request{Action: other})
				if err != nil {
					t.Error(err)
				}
				share.Ciphertext = foreign.Ciphertext
				share.Statement.CiphertextHash = statement.HashCiphertext(foreign.Ciphertext)
			})
		}, "", http.StatusOK},
		{"a good share under a false statement", func(_ *testing.T, _ *stage, a *actor) exporter {
			return a.lie(func(share *signer.SealedShare) { share.Statement.MinSigners-- })
		}, signer.ErrStatement.Reason, http.StatusInternalServerError},
		{"a good share under another ciphertext's statement", func(_ *testing.T, _ *stage, a *actor) exporter {
			return a.lie(func(share *signer.SealedShare) { share.Statement.CiphertextHash[0] ^= 1 })
		}, signer.ErrStatement.Reason, http.StatusInternalServerError},
		{"no answer", func(*testing.T, *stage, *actor) exporter {
			return func(ctx context.Context, _ signer.Request) (signer.SealedShare, error) {
				<-ctx.Done()
				return signer.SealedShare{}, ctx.Err()
			}
		}, signer.ErrNoAnswer.Reason, http.StatusServiceUnavailable},
		{"an answer that comes late", func(_ *testing.T, _ *stage, a *actor) exporter {
			return func(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
				<-ctx.Done()
				return a.Node.Export(context.WithoutCancel(ctx), r)
			}
		}, signer.ErrNoAnswer.Reason, http.StatusServiceUnavailable},
	}
}

// newHastyStage has an API that does not wait long.
func newHastyStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.server = s.serve(t, haste)
	return s
}

// misbehave has the first signers do it, and returns their ids.
func (s *stage) misbehave(t *testing.T, m misbehaviour, bad int) []string {
	t.Helper()
	var ids []string
	for _, a := range s.actors[:bad] {
		a.play(t, m.of(t, s, a))
		ids = append(ids, a.Info().ID.String())
	}
	slices.Sort(ids)
	return ids
}

func TestTwoOfFiveSignersThatMisbehaveAreSurvivedAndNamed(t *testing.T) {
	s := newHastyStage(t)
	for _, m := range misbehaviours() {
		t.Run(m.name, func(t *testing.T) {
			ids := s.misbehave(t, m, size-threshold)
			recovered, err := s.recoverKey(t)
			must(t, err)
			if last := s.lastExport(t); last.Outcome != audit.Released || !slices.Equal(blamed(last, m.reason), idsIf(m.reason != "", ids)) {
				t.Errorf("the API's record is %+v", last)
			}
			if named := namesOf(recovered.Bad); !slices.Equal(named, idsIf(m.reason == "", ids)) {
				t.Errorf("recovery names %v", named)
			}
		})
	}
}

func TestThreeOfFiveSignersThatMisbehaveAreNotSurvived(t *testing.T) {
	s := newHastyStage(t)
	for _, m := range misbehaviours() {
		t.Run(m.name, func(t *testing.T) {
			ids := s.misbehave(t, m, size-threshold+1)
			_, err := s.recoverKey(t)
			refused, byAPI := errors.AsType[*client.APIError](err)
			failed, byRecovery := errors.AsType[*recovery.Error](err)
			switch {
			case m.reason != "" && (!byAPI || refused.Status != m.status):
				t.Errorf("the API answers %v", err)
			case m.reason == "" && (!byRecovery || !slices.Equal(namesOf(failed.Bad), ids)):
				t.Errorf("recovery says %v", err)
			}
			if last := s.lastExport(t); m.reason != "" && (last.Outcome != audit.Failed || !slices.Equal(blamed(last, m.reason), ids)) {
				t.Errorf("the API's record is %+v", last)
			}
		})
	}
	if key, err := s.Store.Key(context.Background(), s.victim.User.Org, s.key); err != nil || !key.Exported() {
		t.Errorf("shares were released, and the key does not count as exported: %v", err)
	}
	if _, err := s.recoverKey(t); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// lastExport is how the last export ended, by the API's record.
func (s *stage) lastExport(t *testing.T) audit.Entry {
	t.Helper()
	all := entries(t, s.Store, audit.ExportFinished)
	if len(all) == 0 {
		t.Fatal("no export is recorded")
	}
	return all[len(all)-1]
}

// blamed is the signers with this reason, sorted.
func blamed(e audit.Entry, reason fault.Reason) (ids []string) {
	for _, one := range e.Signers {
		if one.Reason != "" && one.Reason == reason {
			ids = append(ids, one.Signer)
		}
	}
	slices.Sort(ids)
	return ids
}

func namesOf(bad []recovery.BadShare) (ids []string) {
	for _, b := range bad {
		ids = append(ids, b.SignerID)
	}
	slices.Sort(ids)
	return ids
}

func idsIf(expected bool, ids []string) []string {
	if expected {
		return ids
	}
	return nil
}
