//go:build cgo

package hostile

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"testing"

	"keyferry/shares/attest"
	"keyferry/shares/manifest"
	"keyferry/test/rig"
)

// listing is the answer of GET /signers.
type listing struct {
	Clusters []cluster `json:"clusters"`
}

type cluster struct {
	ID         string                `json:"clusterId"`
	Deployment string                `json:"deployment"`
	Signers    []manifest.MemberJSON `json:"signers"`
}

// accomplice is a signer that the attacker runs, with everything that a signer has.
func (s *stage) accomplice(t *testing.T) manifest.MemberJSON {
	t.Helper()
	identity, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	member, err := manifest.NewMember(rig.Deployment, identity, s.attacker.EncryptionKey())
	must(t, err)
	return member.JSON()
}

// An import's shares are sealed to whoever is listed. So a client that knows the cluster,
// and the guard, take no other list.
func TestFalseSignersAreRefusedByClientAndGuard(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	accomplice := s.accomplice(t)
	for name, falsify := range map[string]func(l *listing){
		"the attacker's encryption key": func(l *listing) { l.Clusters[0].Signers[0].EncryptionKey = accomplice.EncryptionKey },
		"the attacker's encryption key, signed by him": func(l *listing) {
			l.Clusters[0].Signers[0].EncryptionKey, l.Clusters[0].Signers[0].Signature = accomplice.EncryptionKey, accomplice.Signature
		},
		"the attacker's keys under a signer's id": func(l *listing) {
			id := l.Clusters[0].Signers[0].SignerID
			l.Clusters[0].Signers[0] = accomplice
			l.Clusters[0].Signers[0].SignerID = id
		},
		"a signer of the attacker's in place of one": func(l *listing) { l.Clusters[0].Signers[0] = accomplice },
		"a signer of the attacker's added":           func(l *listing) { l.Clusters[0].Signers = append(l.Clusters[0].Signers, accomplice) },
		"signers of the attacker's only":             func(l *listing) { l.Clusters[0].Signers = []manifest.MemberJSON{accomplice, s.accomplice(t)} },
		"one signer missing":                         func(l *listing) { l.Clusters[0].Signers = l.Clusters[0].Signers[1:] },
		"one signer twice":                           func(l *listing) { l.Clusters[0].Signers[1] = l.Clusters[0].Signers[0] },
		"encryption keys exchanged": func(l *listing) {
			one, two := &l.Clusters[0].Signers[0], &l.Clusters[0].Signers[1]
			one.EncryptionKey, two.EncryptionKey = two.EncryptionKey, one.EncryptionKey
		},
		"no signatures": func(l *listing) {
			for i := range l.Clusters[0].Signers {
				l.Clusters[0].Signers[i].Signature = nil
			}
		},
		"a cluster of the attacker's before": func(l *listing) {
			l.Clusters = slices.Insert(l.Clusters, 0, cluster{ID: "cl-own", Deployment: rig.Deployment, Signers: []manifest.MemberJSON{accomplice}})
		},
		"nobody": func(l *listing) { l.Clusters[0].Signers = nil },
	} {
		t.Run(name, func(t *testing.T) {
			rewrite(t, s.server, "GET /signers", falsify)
			if listed, err := s.caller(t).Signers(context.Background()); !errors.Is(err, attest.ErrSigners) && !errors.Is(err, attest.ErrAnswer) {
				t.Errorf("the client takes %d signers, %v", len(listed), err)
			}
			if through := (&sdk{url: s.guard(t), account: s.victim}).send(t, "GET", "/signers", "", ""); through.status != http.StatusBadGateway {
				t.Errorf("through the guard: %d %s", through.status, through.body)
			}
		})
	}
}

// The same attack on a client that was not told whom to trust, and the honest list.
func TestFalseSignersAreTakenByAClientThatPinsNone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if listed, err := s.caller(t).Signers(context.Background()); err != nil || len(listed) != size {
		t.Errorf("the honest list: %d signers, %v", len(listed), err)
	}
	if through := (&sdk{url: s.guard(t), account: s.victim}).send(t, "GET", "/signers", "", ""); through.status != http.StatusOK {
		t.Errorf("the honest list through the guard: %d %s", through.status, through.body)
	}
	accomplice := s.accomplice(t)
	rewrite(t, s.server, "GET /signers", func(l *listing) { l.Clusters[0].Signers = []manifest.MemberJSON{accomplice, s.accomplice(t)} })
	listed, err := s.caller(t, unpinned).Signers(context.Background())
	if err != nil || len(listed) != 2 || listed[0].EncryptionKey != s.attacker.EncryptionKey().String() {
		t.Errorf("%d signers, %v", len(listed), err)
	}
}
