package signer

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"keyferry/shares"
)

// IngestedJSON is an ingested share's receipt in its written form, a line of what a
// signer's operator hands to the server's. Public shares are compressed points in
// lower-case hex, index 1 first.
type IngestedJSON struct {
	Protocol     string      `json:"protocol"`
	Curve        string      `json:"curve"`
	MinSigners   int         `json:"minSigners"`
	Index        int         `json:"index"`
	PublicShares []string    `json:"publicShares"`
	Receipt      ReceiptJSON `json:"receipt"`
}

// JSON returns the written form.
func (i Ingested) JSON() IngestedJSON {
	return IngestedJSON{
		Protocol: i.Scheme.Protocol(), Curve: i.Scheme.Curve().Name(), MinSigners: i.MinSigners, Index: i.Position,
		PublicShares: i.Public.Hex(), Receipt: i.Receipt.JSON(),
	}
}

// ParseIngested reads a written receipt, each member at most once and no others, in the
// one spelling that [Ingested.JSON] gives values. Nothing in it is verified yet. Errors
// wrap ErrReceipt.
func ParseIngested(line []byte) (Ingested, error) {
	var written IngestedJSON
	if err := json.Unmarshal(line, &written, json.RejectUnknownMembers(true)); err != nil {
		return Ingested{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	scheme, err := shares.ParseScheme(written.Protocol, written.Curve)
	if err == nil && scheme.Protocol() != written.Protocol {
		err = errors.New("an alias for a protocol")
	}
	if err != nil {
		return Ingested{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	public, err := scheme.Curve().ParsePublicShares(written.PublicShares)
	if err != nil {
		return Ingested{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	receipt, err := written.Receipt.Parse()
	if err != nil {
		return Ingested{}, err
	}
	return Ingested{Scheme: scheme, MinSigners: written.MinSigners, Position: written.Index, Public: public, Receipt: receipt}, nil
}
