package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"keyferry/server/audit/receipt"
	"keyferry/shares/envelope"
	"keyferry/shares/recovery"
)

// receipts is what a command does with the receipt that came with an export: shown
// always, verified if the caller knows the log's key.
type receipts struct{ keys auditKeys }

func (r *receipts) register(flags *pflag.FlagSet) { r.keys.register(flags) }

// errNoReceipt refuses an answer without the receipt that the caller wants to verify.
var errNoReceipt = errors.New("the answer has no receipt of the audit log")

// check shows the receipt of an export to this request. With a key it must hold, and be
// of this export; id is the key's, empty if it is not known. It comes before the key is
// recovered, so that who insists on a receipt gets the key only with one.
func (r *receipts) check(to io.Writer, response recovery.Response, request recovery.Request, id string) error {
	key, err := r.keys.server()
	if err != nil {
		return err
	}
	if response.AuditReceipt == nil {
		if key != nil {
			return errNoReceipt
		}
		return nil
	}
	found, err := receipt.Parse(response.AuditReceipt)
	if key == nil {
		tellUnverified(to, found, err)
		return nil
	}
	if err != nil {
		return err
	}
	sealedTo, err := envelope.ParseEncryptionKey(request.EncryptionKey)
	if err != nil {
		return fmt.Errorf("reading the export context's key: %w", err)
	}
	c, err := found.Verify(key, receipt.Export{Key: id, EncryptionKey: sealedTo.Hash()})
	if err != nil {
		return err
	}
	fmt.Fprintf(to, "audit receipt: this export is entry %d of %d of the log %s, verified\n", found.Proof.Index, c.Size, c.Origin)
	return nil
}

func tellUnverified(to io.Writer, found receipt.Receipt, err error) {
	if err != nil {
		fmt.Fprintf(to, "warning: %v\n", err)
		return
	}
	fmt.Fprintf(to, "audit receipt: entry %d, not verified: give --audit-key with the log's public key\n", found.Proof.Index)
}
