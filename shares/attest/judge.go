package attest

import (
	"fmt"

	"keyferry/shares"
	"keyferry/shares/manifest"
	"keyferry/shares/statement"
)

// judge sorts an export's shares step by step: what is good moves to bad, and never
// back.
type judge struct {
	pinned     manifest.Manifest
	want       Expectation
	statements map[string][]statement.JSON
	good       []Attested
	bad        []BadShare
}

func bySigner(statements []statement.JSON) map[string][]statement.JSON {
	sorted := make(map[string][]statement.JSON, len(statements))
	for _, s := range statements {
		sorted[s.SignerID] = append(sorted[s.SignerID], s)
	}
	return sorted
}

// verify finds each share's statement. A signer with two shares has none that counts:
// it could only be one of them, and no honest answer leaves the choice.
func (j *judge) verify(list []Share) {
	count := make(map[string]int, len(list))
	for _, share := range list {
		count[share.SignerID]++
	}
	for i, share := range list {
		signed, err := j.statementOf(share)
		if count[share.SignerID] > 1 {
			err = fmt.Errorf("%w: %d shares of one signer", ErrShare, count[share.SignerID])
		}
		if err != nil {
			j.bad = append(j.bad, BadShare{i, share.SignerID, err})
			continue
		}
		j.good = append(j.good, Attested{i, signed})
	}
}

func (j *judge) statementOf(share Share) (statement.Signed, error) {
	written := j.statements[share.SignerID]
	if len(written) != 1 {
		return statement.Signed{}, fmt.Errorf("%w: %d statements", ErrShare, len(written))
	}
	signed, err := written[0].Parse()
	if err != nil {
		return statement.Signed{}, fmt.Errorf("%w: %w", ErrShare, err)
	}
	member, found := j.pinned.Member(signed.Signer)
	if !found {
		return statement.Signed{}, fmt.Errorf("%w: the signer is not in the pinned manifest", ErrShare)
	}
	if err := signed.Verify(member); err != nil {
		return statement.Signed{}, fmt.Errorf("%w: %w", ErrShare, err)
	}
	if err := signed.Check(j.expected(share)); err != nil {
		return statement.Signed{}, fmt.Errorf("%w: %w", ErrShare, err)
	}
	return signed, nil
}

func (j *judge) expected(share Share) statement.Statement {
	return statement.Statement{
		Deployment: j.pinned.Deployment, Organisation: j.want.Organisation, Key: j.want.Key,
		EncryptionKeyHash: j.want.EncryptionKey.Hash(), CiphertextHash: statement.HashCiphertext(share.Ciphertext),
	}
}

// agree keeps the shares whose signers say of the key what most of them say. Where two
// groups are equally large, nobody can tell which one is right.
func (j *judge) agree() (said, error) {
	groups := make(map[said]int, 1)
	for _, a := range j.good {
		groups[saidBy(a.Statement)]++
	}
	var most said
	largest, tied := 0, false
	for what, size := range groups {
		switch {
		case size > largest:
			most, largest, tied = what, size, false
		case size == largest:
			tied = true
		}
	}
	if largest == 0 {
		return said{}, fmt.Errorf("%w: none is", ErrQuorum)
	}
	if tied {
		return said{}, fmt.Errorf("%w: the signers contradict each other, and no group of them is the largest", ErrExport)
	}
	j.keep(func(a Attested) bool { return saidBy(a.Statement) == most }, "its signer contradicts most others about the key")
	return most, nil
}

// separate leaves out shares of one index: clients refuse such a set as a whole, and
// who of the two is wrong shows only when they are opened.
func (j *judge) separate() {
	count := make(map[shares.Index]int, len(j.good))
	for _, a := range j.good {
		count[a.Statement.Index]++
	}
	j.keep(func(a Attested) bool { return count[a.Statement.Index] == 1 }, "another share claims the same index")
}

func (j *judge) keep(isGood func(Attested) bool, otherwise string) {
	var kept []Attested
	for _, a := range j.good {
		if isGood(a) {
			kept = append(kept, a)
			continue
		}
		j.bad = append(j.bad, BadShare{a.Share, a.Statement.Signer.String(), fmt.Errorf("%w: %s", ErrShare, otherwise)})
	}
	j.good = kept
}

func (j *judge) checkQuorum(minSigners int) error {
	if minSigners < shares.MinThreshold || len(j.good) < minSigners {
		return fmt.Errorf("%w: %d, of which %d are needed", ErrQuorum, len(j.good), max(minSigners, shares.MinThreshold))
	}
	return nil
}
