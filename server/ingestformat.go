//go:build cgo

package server

import (
	"errors"
	"fmt"

	"keyferry/shares"
	"keyferry/shares/locked"
)

// IngestFormat is the form of the lines with shares.
type IngestFormat string

// The forms: [shares.ParseClusterShare]'s, and [shares.ParseNativeShare]'s.
const (
	PlainShares   IngestFormat = "plain"
	CGGMP21Shares IngestFormat = "cggmp21"
	GivreShares   IngestFormat = "givre"
)

// check refuses what is no form.
func (f IngestFormat) check() error {
	switch f {
	case PlainShares, CGGMP21Shares, GivreShares:
		return nil
	}
	return fmt.Errorf("format %.32q: there are %s, %s and %s", string(f), PlainShares, CGGMP21Shares, GivreShares)
}

// errChainCode refuses what would lose an owner the keys that he derives. The files with
// shares are destroyed when the keys are in.
var errChainCode = errors.New("the key has a chain code, and it would be lost: keys that are derived from this one cannot be derived " +
	"without it. Keep chain codes elsewhere (they are no secret shares), then say --without-chain-codes")

// parse reads one line. Native forms do not say whose key it is: the operator does.
func (i Ingest) parse(line *locked.Buffer) (shares.ClusterShare, error) {
	if i.Format == PlainShares {
		return shares.ParseClusterShare(line)
	}
	native, err := shares.ParseNativeShare(line, shares.Library(i.Format))
	if err != nil {
		return shares.ClusterShare{}, err
	}
	if native.HasChainCode && !i.WithoutChainCodes {
		native.Destroy()
		return shares.ClusterShare{}, errChainCode
	}
	native.Organisation = string(i.Organisation)
	return native.ClusterShare, nil
}
