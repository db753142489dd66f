//go:build cgo

package hostile

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"keyferry/server/keyring"
	"keyferry/shares/recovery"
	"keyferry/shares/statement"
	"keyferry/test/rig"
)

// exported is an export's answer.
type exported struct {
	PublicKey  string           `json:"publicKey"`
	Protocol   string           `json:"protocol"`
	Curve      string           `json:"curve"`
	MinSigners int              `json:"minSigners"`
	Shares     []sealed         `json:"encryptedKeyShares"`
	Statements []statement.JSON `json:"statements"`
}

type sealed struct {
	SignerID string `json:"signerId"`
	Share    string `json:"encryptedKeyShare"`
}

// capture keeps the answer of an honest export.
func (s *stage) capture(t *testing.T, key keyring.KeyID, to *recovery.Context) exported {
	t.Helper()
	answer := (&sdk{url: s.server.URL, account: s.victim}).post(t, exportPath(key), exportBody(t, to))
	var body exported
	if err := json.Unmarshal(answer.body, &body); err != nil || answer.status != http.StatusOK || len(body.Shares) != size {
		t.Fatalf("the honest export: %d %s", answer.status, answer.body)
	}
	return body
}

// recoverKey exports with our client and recovers the key, as the victim does.
func (s *stage) recoverKey(t *testing.T) (*recovery.Recovered, error) {
	t.Helper()
	caller := s.caller(t)
	response, err := caller.Export(context.Background(), string(s.key), s.client)
	if err != nil {
		return nil, err
	}
	recovered, err := s.client.Recover(response, recovery.Options{PublicKey: publicKey(t), Pin: caller.Pin(string(s.key))})
	if err != nil {
		return nil, err
	}
	t.Cleanup(recovered.Destroy)
	if string(recovered.Secret.Bytes()) != string(rig.Secret(t).Bytes()) {
		t.Error("another key came back")
	}
	return recovered, nil
}

// throughGuard exports with a blind client that has the guard's address.
func (s *stage) throughGuard(t *testing.T) got {
	t.Helper()
	return (&sdk{url: s.guard(t), account: s.victim}).post(t, exportPath(s.key), exportBody(t, s.client))
}

func TestChangedExportsAreRefusedByClientAndGuard(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	earlier, ofOther, toAttacker := s.capture(t, s.key, s.client), s.capture(t, s.other, s.client), s.capture(t, s.key, s.attacker)
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	for name, change := range map[string]func(e *exported){
		"an export to another encryption key":    func(e *exported) { *e = toAttacker },
		"an export of another key":               func(e *exported) { *e = ofOther },
		"statements of another export":           func(e *exported) { e.Statements = earlier.Statements },
		"statements of an export of another key": func(e *exported) { e.Statements = ofOther.Statements },
		"statements in the names of other signers": func(e *exported) {
			for i := range e.Statements {
				e.Statements[i].SignerID = e.Shares[(i+1)%size].SignerID
			}
		},
		"shares in the names of other signers": func(e *exported) {
			first := e.Shares[0].SignerID
			for i := range size - 1 {
				e.Shares[i].SignerID = e.Shares[i+1].SignerID
			}
			e.Shares[size-1].SignerID = first
		},
		"statements that the server signed": func(e *exported) {
			for i := range e.Statements {
				e.Statements[i] = resigned(t, e.Statements[i], own)
			}
		},
		"no statements":      func(e *exported) { e.Statements = nil },
		"a lower minSigners": func(e *exported) { e.MinSigners-- },
		"a lower minSigners, also in the statements": func(e *exported) {
			e.MinSigners--
			for i := range e.Statements {
				e.Statements[i].MinSigners--
			}
		},
		"a lower minSigners and as many shares": func(e *exported) {
			e.MinSigners--
			e.Shares, e.Statements = e.Shares[:e.MinSigners], e.Statements[:e.MinSigners]
		},
		"too few shares": func(e *exported) { e.Shares, e.Statements = e.Shares[:threshold-1], e.Statements[:threshold-1] },
		"another public key": func(e *exported) {
			e.PublicKey = "02" + strings.Repeat("0", 63) + "1"
		},
		"one signer's share for all": func(e *exported) {
			for i := range e.Shares {
				e.Shares[i], e.Statements[i] = e.Shares[0], e.Statements[0]
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			rewrite(t, s.server, "POST /export", change)
			if _, err := s.recoverKey(t); err == nil {
				t.Error("the client takes it")
			}
			if through := s.throughGuard(t); through.status != http.StatusBadGateway {
				t.Errorf("through the guard: %d %s", through.status, through.body)
			}
		})
	}
	if _, err := s.recoverKey(t); err != nil {
		t.Errorf("the honest answer: %v", err)
	}
	if through := s.throughGuard(t); through.status != http.StatusOK {
		t.Errorf("the honest answer through the guard: %d %s", through.status, through.body)
	}
}

// resigned is a statement under another's signature.
func resigned(t *testing.T, written statement.JSON, by *ecdsa.PrivateKey) statement.JSON {
	t.Helper()
	parsed, err := written.Parse()
	must(t, err)
	signed, err := statement.Sign(parsed.Statement, parsed.Signer, by)
	must(t, err)
	return signed.JSON()
}

// What is wrong with up to n−t shares costs these shares, and both client and guard say
// whose they are. With one more there is no export.
func TestSharesChangedOnTheWayAreLeftOutAndNamedUpToTheQuorum(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	earlier := s.capture(t, s.key, s.client)
	for name, spoil := range map[string]func(e *exported, i int){
		"another ciphertext":              func(e *exported, i int) { e.Shares[i].Share = earlier.Shares[i].Share },
		"a statement of another export":   func(e *exported, i int) { e.Statements[i] = earlier.Statements[i] },
		"an edited statement":             func(e *exported, i int) { e.Statements[i].Time++ },
		"a statement of an earlier index": func(e *exported, i int) { e.Statements[i].Index = e.Statements[size-1].Index },
	} {
		for bad := size - threshold; bad <= size-threshold+1; bad++ {
			t.Run(name, func(t *testing.T) {
				rewrite(t, s.server, "POST /export", func(e *exported) {
					for i := range bad {
						spoil(e, i)
					}
				})
				s.checkLeftOut(t, bad, earlier)
			})
		}
	}
}

// checkLeftOut expects the first shares to be left out, or, if they are too many, the
// export to be refused.
func (s *stage) checkLeftOut(t *testing.T, bad int, honest exported) {
	t.Helper()
	recovered, err := s.recoverKey(t)
	through := s.throughGuard(t)
	if bad > size-threshold {
		if err == nil || through.status != http.StatusBadGateway {
			t.Errorf("client: %v; guard: %d", err, through.status)
		}
		return
	}
	must(t, err)
	var expected, named []string
	for i := range bad {
		expected = append(expected, honest.Shares[i].SignerID)
	}
	for _, b := range recovered.Bad {
		named = append(named, b.SignerID)
	}
	if !slices.Equal(named, expected) {
		t.Errorf("the client names %v", named)
	}
	if left := through.header.Get("X-Keyferry-Left-Out"); through.status != http.StatusOK || left != strings.Join(expected, ", ") {
		t.Errorf("through the guard: %d, without %s", through.status, left)
	}
}
