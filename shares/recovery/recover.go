package recovery

import (
	"errors"
	"fmt"
	"slices"

	"keyferry/shares"
	"keyferry/shares/locked"
)

// Options say what the caller knows besides the response.
type Options struct {
	// PublicKey, if given, is the key that the caller expects. Without it, Recover
	// only shows that the response is consistent in itself.
	PublicKey shares.Point
	// Commitments, if given, are public shares by signer id. A share that differs from
	// its commitment is bad; one whose signer has no commitment is judged with the
	// rest.
	Commitments map[string]shares.Point
	// Pin, if given, is the cluster that the caller knows. A share for which none of its
	// signers vouches, or which is not what its signer said, is bad.
	Pin *Pin
	// Strict gives up at the first bad share, as other clients do, instead of doing
	// without it.
	Strict bool
}

// candidate is a share that opened and parsed.
type candidate struct {
	shares.Share
	signerID string
	position int
}

// Recover opens the shares and returns the private key, which the caller must
// Destroy. In order:
//
//  1. The public key must be the pinned one.
//  2. Where the cluster is pinned, shares without a valid statement are set aside.
//  3. Every envelope is opened, every share parsed and compared with its commitment.
//     Those that fail are set aside.
//  4. All remaining shares are interpolated, and must give the public key.
//  5. If they do not, subsets of minSigners shares are tried, up to [MaxSearch]
//     shares in all.
//
// Errors are of type [*Error]; nothing secret is left behind.
func (c *Context) Recover(response Response, options Options) (*Recovered, error) {
	if response.Scheme.IsZero() || response.PublicKey.IsZero() {
		return nil, &Error{Cause: fmt.Errorf("%w: not parsed", ErrResponse)}
	}
	if err := response.checkThreshold(); err != nil {
		return nil, &Error{Cause: err}
	}
	if !options.PublicKey.IsZero() && options.PublicKey != response.PublicKey {
		return nil, &Error{Cause: ErrPinned}
	}
	checked, err := c.vouch(response, options)
	if err != nil {
		return nil, &Error{Cause: err, Bad: checked.bad}
	}
	candidates, bad, err := c.openAll(response, checked)
	defer destroyAll(candidates)
	if err != nil {
		return nil, &Error{Cause: err}
	}
	if options.Strict && len(bad) > 0 {
		return nil, &Error{Cause: bad[0].Err, Bad: bad[:1]}
	}
	if len(candidates) < response.MinSigners {
		return nil, &Error{Cause: fmt.Errorf("%w: %d usable shares, %d needed", shares.ErrThreshold, len(candidates), response.MinSigners), Bad: bad}
	}
	found, err := solve(candidates, response, options.Strict)
	if err != nil {
		return nil, &Error{Cause: err, Bad: bad}
	}
	return &Recovered{
		Secret:    found.secret,
		Scheme:    response.Scheme,
		PublicKey: response.PublicKey,
		Bad:       append(bad, found.bad...),
		Doubtful:  found.doubtful,
	}, nil
}

// openAll opens the shares that were not set aside, and adds to those that were.
func (c *Context) openAll(response Response, checked vouched) (good []candidate, bad []BadShare, err error) {
	bad = checked.bad
	for i, sealed := range response.Shares {
		if checked.isBad(i) {
			continue
		}
		share, err := c.open(sealed, response.Scheme.Curve(), checked.promises[i])
		if errors.Is(err, locked.ErrMemory) {
			return good, nil, err // not the signer's fault
		}
		if err != nil {
			bad = append(bad, BadShare{sealed.SignerID, i + 1, err})
			continue
		}
		good = append(good, candidate{share, sealed.SignerID, i + 1})
	}
	slices.SortFunc(bad, func(a, b BadShare) int { return a.Position - b.Position })
	return good, bad, nil
}

func (c *Context) open(sealed SealedShare, curve shares.Curve, promised promise) (shares.Share, error) {
	plaintext, err := c.key.Open(sealed.Envelope)
	if err != nil {
		return shares.Share{}, err
	}
	defer plaintext.Destroy()
	share, err := shares.ParseExport(plaintext, curve)
	if err != nil {
		return shares.Share{}, err
	}
	if err := promised.check(share); err != nil {
		share.Destroy()
		return shares.Share{}, err
	}
	return share, nil
}

func destroyAll(candidates []candidate) {
	for _, c := range candidates {
		c.Destroy()
	}
}

// interpolate returns the secret of the given shares if it is the public key's,
// else an error that wraps ErrMismatch.
func interpolate(candidates []candidate, publicKey shares.Point) (*locked.Buffer, error) {
	secret, err := shares.Interpolate(sharesOf(candidates))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	got, err := publicKey.Curve().MulBase(secret)
	if err != nil || got != publicKey {
		secret.Destroy()
		return nil, ErrMismatch
	}
	return secret, nil
}

func sharesOf(candidates []candidate) []shares.Share {
	list := make([]shares.Share, len(candidates))
	for i, c := range candidates {
		list[i] = c.Share
	}
	return list
}
