package api

import (
	"keyferry/server/audit"
	"keyferry/server/audit/merkle"
	"keyferry/server/audit/receipt"
)

// Prover proves the places of entries that were just appended to the audit record. It is
// safe for concurrent use.
type Prover interface {
	ProveAppended(log *merkle.Growth, index int64) (merkle.Inclusion, error)
}

// receipt proves an export's record to whoever exported. By then the shares are out, and
// the answer is worth more than its receipt: trouble with that is logged.
func (a *API) receipt(record audit.Place) *receipt.JSON {
	if a.Prover == nil {
		return nil
	}
	proof, err := a.Prover.ProveAppended(record.Log, record.Index)
	if err != nil {
		a.Log.Warn("an export is answered without a receipt", "entry", record.Index, "error", err)
		return nil
	}
	text := receipt.Receipt{Entry: record.Entry, Proof: proof}.JSON()
	return &text
}
