//go:build cgo

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"keyferry/hsm"
	"keyferry/hsm/fitness"
	"keyferry/shares/locked"
)

// doctor is what the command line says of a token.
type doctor struct {
	module, parameters, label, pinFile string
	json, verbose                      bool
}

func newDoctor() *cobra.Command {
	var d doctor
	cmd := &cobra.Command{
		Use: "doctor", Short: "Find out what a PKCS#11 token can do for a signer", Args: cobra.NoArgs,
		Long: `Find out what a PKCS#11 token can do for a signer, by doing it: every mechanism that
Keyferry needs against a known answer, every restriction of a key by trying to break it,
sessions by opening them, speed by a clock. It makes keys labelled "keyferry doctor" and
removes them again; it touches nothing else on the token, and tries the PIN once. Several may
examine one token at the same time. What one that was killed has left is removed by one that
begins more than a day later.

A token holds shares, imports them, and signs; a signer needs the first and the last.

The exit status is 0 for a token that is fit for all three, 3 for one that holds and signs
but does not import, 4 for one that is unfit for a signer, and 1 if it could not be
examined.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			r, err := d.examine(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := d.print(cmd.OutOrStdout(), r); err != nil {
				return err
			}
			return judged(r)
		}),
	}
	cmd.Flags().StringVar(&d.module, "module", "", "path of the PKCS#11 library")
	cmd.Flags().StringVar(&d.parameters, "init-parameters", "", "parameters for libraries that take some when they are initialised, as NSS does")
	cmd.Flags().StringVar(&d.label, "token", "", "label of the token")
	cmd.Flags().StringVar(&d.pinFile, "pin-file", "", "file with the user PIN and nothing else")
	cmd.Flags().BoolVar(&d.json, "json", false, "print the report as JSON")
	cmd.Flags().BoolVar(&d.verbose, "verbose", false, "name each check on standard error before it is made")
	for _, name := range []string{"module", "token", "pin-file"} {
		cmd.MarkFlagRequired(name)
	}
	return cmd
}

func (d *doctor) examine(ctx context.Context, progress io.Writer) (r *fitness.Report, err error) {
	if err := locked.HideProcess(); err != nil {
		return nil, err
	}
	pin, err := hsm.ReadPIN(d.pinFile)
	if err != nil {
		return nil, err
	}
	defer pin.Destroy()
	module, err := hsm.OpenWithParameters(d.module, d.parameters)
	if err != nil {
		return nil, err
	}
	var tell func(string)
	if d.verbose {
		tell = func(check string) { fmt.Fprintln(progress, "trying", check) }
	}
	r, err = module.Examine(ctx, d.label, pin, tell)
	if errors.Is(err, hsm.ErrHung) {
		return nil, err // the library cannot be unloaded under a call
	}
	return r, errors.Join(err, module.Close())
}

// judged makes an exit status of a verdict.
func judged(r *fitness.Report) error {
	switch r.Verdict {
	case fitness.Unfit:
		return exitError{r.Require(fitness.Hold, fitness.Sign), unfit}
	case fitness.Partly:
		return exitError{r.Require(fitness.Import), partlyFit}
	}
	return nil
}

func (d *doctor) print(to io.Writer, r *fitness.Report) error {
	if d.json {
		encoder := json.NewEncoder(to)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	return errors.Join(
		aboutToken(r).print(to, false),
		section(to, checkTable(r)), section(to, paceTable(r)), section(to, useTable(r)),
		advice(to, r),
	)
}

func aboutToken(r *fitness.Report) record {
	sessions := "no limit told"
	if r.Sessions.Limit != nil {
		sessions = fmt.Sprintf("at most %d, it says", *r.Sessions.Limit)
	}
	return record{
		{"module", r.Module.Path}, {"library", fmt.Sprintf("%s, %s, version %s", r.Module.Manufacturer, r.Module.Description, r.Module.Version)},
		{"token", r.Token.Label}, {"made by", fmt.Sprintf("%s, %s", r.Token.Manufacturer, r.Token.Model)},
		{"sessions", fmt.Sprintf("%d opened of %d tried; %s", r.Sessions.Opened, r.Sessions.Bound, sessions)},
	}
}

func section(to io.Writer, table records) error {
	if len(table) == 0 {
		return nil
	}
	fmt.Fprintln(to)
	return table.print(to, false)
}

func checkTable(r *fitness.Report) (table records) {
	for _, c := range r.Checks {
		table = append(table, record{{"check", c.Name}, {"outcome", c.Outcome}, {"what was seen", c.Detail}})
	}
	return table
}

func paceTable(r *fitness.Report) (table records) {
	for _, p := range r.Operations {
		table = append(table, record{{"operation", p.Operation}, {"takes", p.Median}, {"runs", p.Runs}})
	}
	return table
}

func useTable(r *fitness.Report) (table records) {
	for _, s := range r.Uses {
		answer := "yes"
		if !s.Fit {
			answer = "no"
		}
		table = append(table, record{{"can it", s.Use.Purpose()}, {"", answer}})
	}
	return table
}

// advice is what to do about what did not pass, each remedy once.
func advice(to io.Writer, r *fitness.Report) error {
	var remedies []string
	checks := make(map[string][]string)
	for _, c := range r.Checks {
		if c.Remedy == "" {
			continue
		}
		if checks[c.Remedy] == nil {
			remedies = append(remedies, c.Remedy)
		}
		checks[c.Remedy] = append(checks[c.Remedy], fmt.Sprintf("%s (%s)", c.Name, c.Outcome))
	}
	var b []byte
	for _, remedy := range remedies {
		b = fmt.Appendf(b, "\n%s:\n  %s\n", strings.Join(checks[remedy], ", "), remedy)
	}
	b = fmt.Appendf(b, "\nverdict: %s\n", r.Verdict)
	_, err := to.Write(b)
	return err
}
