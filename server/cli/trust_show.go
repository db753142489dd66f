package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"keyferry/server/identity"
	"keyferry/server/signer/trust"
)

func newTrustTemplate() *cobra.Command {
	var deployment, org, out string
	cmd := &cobra.Command{
		Use: "template", Short: "Print a document that trusts nobody, to be filled in", Args: cobra.NoArgs,
		Long: `Print a document that trusts nobody, to be filled in. Two members are left out where
they say nothing:

  "approvals" in "export"       how many other users must approve each export, 1 to 4
  "approves" in a credential    true: it may approve exports`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			d, err := trust.Template(deployment, identity.OrgID(org), time.Now())
			if err != nil {
				return err
			}
			return publish(d, out, cmd.OutOrStdout())
		}),
	}
	cmd.Flags().StringVar(&deployment, "deployment", "", "the deployment that the document is for")
	cmd.Flags().StringVar(&org, "org", "", "the organisation's id")
	cmd.Flags().StringVar(&out, "out", "-", "file for the document, which must not exist; - for standard output")
	cmd.MarkFlagRequired("deployment")
	cmd.MarkFlagRequired("org")
	return cmd
}

func newTrustShow() *cobra.Command {
	var root, dir string
	cmd := &cobra.Command{
		Use: "show [FILE]", Short: "Show a document, or what is installed", Args: cobra.MaximumNArgs(1),
		RunE: action(func(cmd *cobra.Command, args []string) error {
			switch {
			case (len(args) == 1) == (dir != ""):
				return usage("show what? give a FILE, or --trust-dir")
			case dir != "" && root != "":
				return usage("--root is for one FILE")
			case dir != "":
				return showInstalled(cmd.Context(), cmd.OutOrStdout(), dir)
			}
			return showDocument(cmd.OutOrStdout(), args[0], root)
		}),
	}
	cmd.Flags().StringVar(&root, "root", "", "file with the root's public key, PEM, to check the signature")
	cmd.Flags().StringVar(&dir, "trust-dir", "", "a signer's trust directory")
	return cmd
}

func showDocument(out io.Writer, path, rootFile string) error {
	d, signature := trust.Document{}, "not checked: give --root"
	var err error
	if rootFile == "" {
		d, err = peekTrustFile(path)
	} else {
		d, signature, err = verifyTrustFile(path, rootFile)
	}
	if err != nil {
		return err
	}
	if err := describeDocument(d, signature).print(out, false); err != nil {
		return err
	}
	for _, list := range []records{describeUsers(d), describeTrusted(d), describeRevocations(d)} {
		if len(list) == 0 {
			continue
		}
		fmt.Fprintln(out)
		if err := list.print(out, false); err != nil {
			return err
		}
	}
	return nil
}

func verifyTrustFile(path, rootFile string) (d trust.Document, signature string, err error) {
	root, err := openRoot(rootFile)
	if err != nil {
		return trust.Document{}, "", err
	}
	file, err := readTrustFile(path)
	if err != nil {
		return trust.Document{}, "", err
	}
	signed, err := trust.Verify(file, root)
	if err != nil {
		return trust.Document{}, "", fmt.Errorf("%s: %w", path, err)
	}
	return signed.Document(), "valid, of root " + root.Fingerprint(), nil
}

func describeDocument(d trust.Document, signature string) record {
	var schemes []string
	for _, s := range d.Schemes {
		schemes = append(schemes, s.String())
	}
	r := record{
		{"signature", signature}, {"deployment", d.Deployment}, {"organisation", d.Org}, {"serial", d.Serial}, {"issued", second(d.IssuedAt)},
		{"export active", d.Export.Active}, {"addendum", d.Export.Reference}, {"approvals", d.Export.Approvals}, {"schemes", strings.Join(schemes, " ")}, {"min signers", d.MinSigners},
	}
	if !d.RelyingParty.IsZero() {
		r = append(r, field{"relying party", d.RelyingParty.ID + " at " + strings.Join(d.RelyingParty.Origins, " ")})
	}
	return r
}

func describeUsers(d trust.Document) (list records) {
	for _, u := range d.Users {
		list = append(list, record{{"user", u.ID}, {"active", u.Active}})
	}
	return list
}

func describeTrusted(d trust.Document) (list records) {
	for _, c := range d.Credentials {
		list = append(list, record{{"credential", c.ID}, {"user", c.User}, {"kind", c.Kind}, {"active", c.Active}, {"approves", c.Approves}, {"public key (sha256 of PEM)", c.Fingerprint()}})
	}
	return list
}

func describeRevocations(d trust.Document) (list records) {
	for _, r := range d.Revocations {
		list = append(list, record{{"revoked for ever", r.Credential}, {"at", second(r.At)}, {"reason", r.Reason}})
	}
	return list
}

// showInstalled goes on behind a document that cannot be read, and says so at the end.
func showInstalled(ctx context.Context, out io.Writer, dir string) error {
	directory, err := trust.OpenDirectory(dir)
	if err != nil {
		return err
	}
	orgs, err := directory.Organisations(ctx)
	if err != nil {
		return err
	}
	var list records
	var bad []error
	for _, org := range orgs {
		d, err := installed(ctx, directory, org)
		if err != nil {
			bad = append(bad, fmt.Errorf("organisation %s: %w", org, err))
			continue
		}
		list = append(list, record{{"organisation", org}, {"serial", d.Serial}, {"issued", second(d.IssuedAt)}, {"export active", d.Export.Active}, {"credentials", len(d.Credentials)}})
	}
	return errors.Join(append(bad, list.print(out, false))...)
}

func installed(ctx context.Context, directory *trust.Directory, org identity.OrgID) (trust.Document, error) {
	file, err := directory.Installed(ctx, org)
	if err != nil {
		return trust.Document{}, err
	}
	return trust.Peek(file)
}

func newTrustDiff() *cobra.Command {
	return &cobra.Command{
		Use: "diff OLD NEW", Short: "Say in words what changes from one document to another", Args: cobra.ExactArgs(2),
		Long: `Say in words what changes from one document to another, signed or not. Signatures are
not checked. Nothing is printed if nothing changes. It fails, behind the differences, if
signers would refuse the new one in the place of the old.`,
		RunE: action(func(cmd *cobra.Command, args []string) error {
			old, err := peekTrustFile(args[0])
			if err != nil {
				return err
			}
			d, err := peekTrustFile(args[1])
			if err != nil {
				return err
			}
			return errors.Join(printLines(cmd.OutOrStdout(), d.Diff(old)), d.Supersedes(old))
		}),
	}
}

// second writes a time as trust documents do.
func second(t time.Time) string { return t.UTC().Format(time.RFC3339) }
