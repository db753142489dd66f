package recovery_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"

	"keyferry/shares"
	"keyferry/shares/attest"
	"keyferry/shares/attest/attesttest"
	"keyferry/shares/envelope"
	"keyferry/shares/recovery"
	"keyferry/shares/statement"
)

// pinned is an export from a cluster that the client knows.
type pinned struct {
	*attesttest.Cluster
	context *recovery.Context
	pin     recovery.Pin
	answer  attesttest.Answer
}

func newPinned(t *testing.T) pinned {
	t.Helper()
	c, err := recovery.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Destroy)
	cluster := attesttest.New(t)
	return pinned{
		cluster, c, recovery.Pin{Manifest: cluster.Manifest, Organisation: attesttest.Organisation, Key: attesttest.Key},
		cluster.Export(t, c.EncryptionKey()),
	}
}

func (p pinned) recover(t *testing.T, answer attesttest.Answer) (*recovery.Recovered, error) {
	t.Helper()
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	response, err := recovery.ParseResponse(text)
	if err != nil {
		t.Fatal(err)
	}
	recovered, err := p.context.Recover(response, recovery.Options{PublicKey: p.PublicKey, Pin: &p.pin})
	if err == nil {
		t.Cleanup(recovered.Destroy)
	}
	return recovered, err
}

func TestEveryShareOfAnHonestExportIsVouchedFor(t *testing.T) {
	p := newPinned(t)
	if recovered, err := p.recover(t, p.answer); err != nil || len(recovered.Bad)+len(recovered.Doubtful) > 0 {
		t.Errorf("got %+v, %v", recovered, err)
	}
}

// lies is what one signer, or the server in its name, can do to an answer, and how it is
// found out.
func (p pinned) lies(t *testing.T) map[string]struct {
	tell func(a *attesttest.Answer, at int)
	err  error
} {
	other := attesttest.New(t)
	says := func(change func(s *statement.Statement)) func(a *attesttest.Answer, at int) {
		return func(a *attesttest.Answer, at int) { p.Restate(t, a, at, change) }
	}
	return map[string]struct {
		tell func(a *attesttest.Answer, at int)
		err  error
	}{
		"no valid signature":     {func(a *attesttest.Answer, at int) { a.Statements[at].Time++ }, attest.ErrShare},
		"another key":            {says(func(s *statement.Statement) { s.Key = "key-other" }), attest.ErrShare},
		"another public key":     {says(func(s *statement.Statement) { s.PublicKey = other.PublicKey }), attest.ErrShare},
		"another vector":         {says(func(s *statement.Statement) { s.VectorHash[0] += s.Index[31] }), attest.ErrShare},
		"another encryption key": {says(func(s *statement.Statement) { s.EncryptionKeyHash[0]++ }), attest.ErrShare},
		"another index":          {says(func(s *statement.Statement) { s.Index = shares.IndexOf(100 + int(s.Index[31])) }), recovery.ErrCommitment},
		"another commitment":     {says(func(s *statement.Statement) { s.Commitment = other.PublicKey }), recovery.ErrCommitment},
		"garbage, truly stated": {func(a *attesttest.Answer, at int) {
			garbage := make([]byte, 281)
			a.Shares[at].EncryptedKeyShare = base64.StdEncoding.EncodeToString(garbage)
			p.Restate(t, a, at, func(s *statement.Statement) { s.CiphertextHash = statement.HashCiphertext(garbage) })
		}, envelope.ErrOpen},
		"a stranger's share": {func(a *attesttest.Answer, at int) {
			foreign := other.Export(t, p.context.EncryptionKey())
			a.Shares[at], a.Statements[at] = foreign.Shares[at], foreign.Statements[at]
		}, attest.ErrShare},
	}
}

func TestTwoLyingSignersAreNamedAndSurvived(t *testing.T) {
	p := newPinned(t)
	for name, lie := range p.lies(t) {
		answer := p.answer.Copy()
		lie.tell(&answer, 1)
		lie.tell(&answer, 3)
		recovered, err := p.recover(t, answer)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if bad := recovered.Bad; len(bad) != 2 || bad[0].Position != 2 || bad[1].Position != 4 || !errors.Is(bad[0].Err, lie.err) ||
			bad[0].SignerID != answer.Shares[1].SignerID {
			t.Errorf("%s: blamed %+v", name, bad)
		}
	}
}

func TestThreeLyingSignersAreNamedAndNotSurvived(t *testing.T) {
	p := newPinned(t)
	for name, lie := range p.lies(t) {
		answer := p.answer.Copy()
		for _, at := range []int{0, 1, 3} {
			lie.tell(&answer, at)
		}
		recovered, err := p.recover(t, answer)
		failure, ok := errors.AsType[*recovery.Error](err)
		if recovered != nil || !ok {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		// Where most signers lie in the same way, nobody can tell who does.
		if len(failure.Bad) < 2 {
			t.Errorf("%s: blamed %+v", name, failure.Bad)
		}
	}
}

func TestPinnedRecoveryNeedsStatementsOfThisExport(t *testing.T) {
	p := newPinned(t)
	bare := p.answer.Copy()
	bare.Statements = nil
	if _, err := p.recover(t, bare); !errors.Is(err, attest.ErrQuorum) {
		t.Errorf("without statements: %v", err)
	}
	for name, change := range map[string]func(pin *recovery.Pin){
		"another organisation": func(pin *recovery.Pin) { pin.Organisation = "or-other" },
		"another key":          func(pin *recovery.Pin) { pin.Key = "key-other" },
		"another cluster":      func(pin *recovery.Pin) { pin.Manifest = attesttest.New(t).Manifest },
	} {
		other := p
		change(&other.pin)
		if _, err := other.recover(t, p.answer); !errors.Is(err, attest.ErrQuorum) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A commitment that the caller has from elsewhere counts more than a signer's word.
func TestACommitmentBindsTheStatement(t *testing.T) {
	p := newPinned(t)
	text, err := json.Marshal(p.answer)
	if err != nil {
		t.Fatal(err)
	}
	response, err := recovery.ParseResponse(text)
	if err != nil {
		t.Fatal(err)
	}
	recovered, err := p.context.Recover(response, recovery.Options{
		Pin: &p.pin, Commitments: map[string]shares.Point{response.Shares[2].SignerID: attesttest.New(t).PublicKey},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer recovered.Destroy()
	if len(recovered.Bad) != 1 || recovered.Bad[0].Position != 3 || !errors.Is(recovered.Bad[0].Err, recovery.ErrCommitment) {
		t.Errorf("blamed %+v", recovered.Bad)
	}
}
