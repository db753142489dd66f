package recovery

import (
	"slices"

	"keyferry/shares"
	"keyferry/shares/attest"
	"keyferry/shares/envelope"
	"keyferry/shares/manifest"
)

// Pin is what the caller knows of the cluster, and which key it asked for.
type Pin struct {
	Manifest     manifest.Manifest
	Organisation string
	Key          string // the key's id
}

// promise is what a signer said of its share before it was opened. Zero members promise
// nothing.
type promise struct {
	index      shares.Index
	commitment shares.Point
}

// check compares an opened share with what was said of it.
func (p promise) check(share shares.Share) error {
	if p.index != (shares.Index{}) && p.index != share.Index {
		return ErrCommitment
	}
	if p.commitment.IsZero() {
		return nil
	}
	public, err := share.Public()
	if err == nil && public != p.commitment {
		err = ErrCommitment
	}
	return err
}

// vouched is a response's shares with what their signers said of them, by their places.
type vouched struct {
	promises []promise
	bad      []BadShare
}

func (v vouched) isBad(place int) bool {
	return slices.ContainsFunc(v.bad, func(b BadShare) bool { return b.Position == place+1 })
}

// vouch collects what is promised of each share: by its commitment, where the caller
// has one, and by its signer's statement, where the cluster is pinned.
func (c *Context) vouch(r Response, options Options) (vouched, error) {
	v := vouched{promises: make([]promise, len(r.Shares))}
	for i, sealed := range r.Shares {
		v.promises[i].commitment = options.Commitments[sealed.SignerID]
	}
	if options.Pin == nil {
		return v, nil
	}
	verdict, err := r.Attest(*options.Pin, c.EncryptionKey(), options.PublicKey)
	for _, bad := range verdict.Bad {
		v.bad = append(v.bad, BadShare{bad.SignerID, bad.Share + 1, bad.Err})
	}
	if err != nil {
		return v, err
	}
	for _, good := range verdict.Good {
		said, known := promise{good.Statement.Index, good.Statement.Commitment}, v.promises[good.Share].commitment
		if !known.IsZero() && known != said.commitment {
			v.bad = append(v.bad, BadShare{good.Statement.Signer.String(), good.Share + 1, ErrCommitment})
		}
		v.promises[good.Share] = said
	}
	return v, nil
}

// Attest compares the response with what the pinned cluster's signers said of their
// shares; see [attest.Shares]. It opens nothing: a share that is good here may still be
// found bad by Recover. publicKey may be zero.
func (r Response) Attest(pin Pin, to envelope.EncryptionKey, publicKey shares.Point) (attest.Verdict, error) {
	export := attest.Export{Scheme: r.Scheme, PublicKey: r.PublicKey, MinSigners: r.MinSigners, Statements: r.Statements}
	for _, sealed := range r.Shares {
		export.Shares = append(export.Shares, attest.Share{SignerID: sealed.SignerID, Ciphertext: sealed.Envelope})
	}
	return attest.Shares(pin.Manifest, attest.Expectation{
		Organisation: pin.Organisation, Key: pin.Key, EncryptionKey: to, PublicKey: publicKey,
	}, export)
}
