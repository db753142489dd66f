package signer

import (
	"encoding/hex"
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
	written := IngestedJSON{
		Protocol: i.Scheme.Protocol(), Curve: i.Scheme.Curve().Name(), MinSigners: i.MinSigners, Index: i.Position, Receipt: i.Receipt.JSON(),
	}
	for _, point := range i.Public {
		written.PublicShares = append(written.PublicShares, point.Hex())
	}
	return written
}

// ParseIngested reads a written receipt, each member at most once and no others. Nothing
// in it is verified yet. Errors wrap ErrReceipt.
func ParseIngested(line []byte) (Ingested, error) {
	var written IngestedJSON
	if err := json.Unmarshal(line, &written, json.RejectUnknownMembers(true)); err != nil {
		return Ingested{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	scheme, err := shares.ParseScheme(written.Protocol, written.Curve)
	if err != nil {
		return Ingested{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if len(written.PublicShares) > shares.MaxShares {
		return Ingested{}, fmt.Errorf("%w: %d public shares", ErrReceipt, len(written.PublicShares))
	}
	i := Ingested{Scheme: scheme, MinSigners: written.MinSigners, Position: written.Index}
	for at, text := range written.PublicShares {
		encoded, err := hex.DecodeString(text)
		if err != nil {
			return Ingested{}, fmt.Errorf("%w: public share %d: %w", ErrReceipt, at+1, err)
		}
		point, err := scheme.Curve().ParsePoint(encoded)
		if err != nil {
			return Ingested{}, fmt.Errorf("%w: public share %d: %w", ErrReceipt, at+1, err)
		}
		i.Public = append(i.Public, point)
	}
	i.Receipt, err = written.Receipt.Parse()
	return i, err
}
