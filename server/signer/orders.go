package signer

import (
	"crypto/sha256"

	"keyferry/server/recent"
)

// Orders remembers what was read from the bodies of exports. A server and its embedded
// signers read each of them seven times, and the point in it takes a square root each time.
// What bytes say never changes; what they are good for is decided each time, by each.
//
// Nil remembers nothing. It is safe for concurrent use.
type Orders struct {
	exports *recent.Map[[sha256.Size]byte, ExportOrder]
}

// rememberedOrders is of one generation. With the longest body that is remembered, an entry
// takes some two KiB, else about 400 bytes.
const (
	rememberedOrders = 512
	longestOrder     = 1 << 10
)

// NewOrders returns an empty memory for those who read orders in one process.
func NewOrders() *Orders {
	return &Orders{recent.NewMap[[sha256.Size]byte, ExportOrder](rememberedOrders)}
}

// ParseExport is [ParseExport]. Only bodies that are orders get in.
func (o *Orders) ParseExport(payload []byte) (ExportOrder, error) {
	if o == nil || len(payload) > longestOrder {
		return ParseExport(payload)
	}
	name := sha256.Sum256(payload)
	if order, known := o.exports.Get(name); known {
		return order, nil
	}
	order, err := ParseExport(payload)
	if err == nil {
		o.exports.Add(name, order)
	}
	return order, err
}
