//go:build cgo

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"keyferry/server"
	"keyferry/server/keyring"
	"keyferry/server/signer/node"
)

// errDamaged is the end of a verification that found damage.
var errDamaged = errors.New("shares are damaged: bring their rows back from a backup of the signer's store, or give them up (keyferry signer discard)")

func newVerifyShares() *cobra.Command {
	var at ownTokens
	var asJSON bool
	cmd := &cobra.Command{
		Use: "verify", Short: "Open every share, check it, and release nothing", Args: cobra.NoArgs,
		Long: `Open every share of the signer in its token and check it against its public share. Nothing
is released. It works whether or not the signer runs. The exit status is not 0 if a share is
damaged; shares that are damaged are listed with the keys that they are of.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			var all verifiedSigners
			err := at.each(cmd, func(ctx context.Context, o *server.TokenOffice) error { return all.add(ctx, o) })
			return errors.Join(all.print(cmd.OutOrStdout(), asJSON), err)
		}),
	}
	at.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

// verifiedSigners is what was found at one signer after another.
type verifiedSigners struct {
	counts  records
	damaged [][]damagedShare
}

// add has nothing of a signer whose verification did not come to its end.
func (all *verifiedSigners) add(ctx context.Context, o *server.TokenOffice) error {
	damaged := []damagedShare{}
	v, err := o.Verify(ctx, node.Survey{Damaged: func(key keyring.KeyID, err error) {
		damaged = append(damaged, damagedShare{o.Label, string(key), err.Error()})
	}})
	if err != nil {
		return err
	}
	all.counts = append(all.counts, record{{"signer", o.Label}, {"intact", v.Intact}, {"damaged", v.Damaged}, {"seconds", v.Took.Seconds()}})
	all.damaged = append(all.damaged, damaged)
	if v.Damaged > 0 {
		return fmt.Errorf("%d of %d %w", v.Damaged, v.Intact+v.Damaged, errDamaged)
	}
	return nil
}

func (all *verifiedSigners) print(out io.Writer, asJSON bool) error {
	if asJSON {
		for i := range all.counts {
			all.counts[i] = append(all.counts[i], field{"damagedShares", all.damaged[i]})
		}
		return all.counts.print(out, true)
	}
	err := all.counts.print(out, false)
	for _, d := range slices.Concat(all.damaged...) {
		fmt.Fprintf(out, "damaged: share of %s at signer %s: %s\n", d.Key, d.signer, d.Reason)
	}
	return err
}

// damagedShare is why a share does not open.
type damagedShare struct {
	signer string
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

func newSignerStatus() *cobra.Command {
	var at ownTokens
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Tell under which key a signer's shares are, and when they were last verified", Args: cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			var results records
			err := at.each(cmd, func(ctx context.Context, o *server.TokenOffice) error {
				s, err := o.Status(ctx)
				if err == nil {
					results = append(results, statusRecord(o.Label, s))
				}
				return err
			})
			return errors.Join(results.print(cmd.OutOrStdout(), asJSON), err)
		}),
	}
	at.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

func statusRecord(label string, s server.SignerStatus) record {
	return record{
		{"signer", label}, {"wrappingKey", int(s.Keys.Current)}, {"otherKey", int(s.Keys.Other)}, {"stage", string(s.Keys.Stage)},
		{"keysOnToken", s.OnToken}, {"verified", dateOrNever(s.Verification.FinishedAt)}, {"intact", s.Verification.Intact},
		{"damaged", s.Verification.Damaged}, {"lastWithoutDamage", dateOrNever(s.Verification.SucceededAt)},
	}
}

func dateOrNever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return date(t)
}
