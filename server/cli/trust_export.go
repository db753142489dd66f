//go:build cgo

package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"keyferry/config"
	"keyferry/server"
	"keyferry/server/identity"
	"keyferry/server/signer/trust"
	"keyferry/server/useraction"
)

type trustExport struct {
	office
	org, previous, out string
}

func newTrustExport() *cobra.Command {
	var e trustExport
	cmd := &cobra.Command{
		Use: "export", Short: "Write what a server's database says as a document, to be reviewed and signed", Args: cobra.NoArgs,
		Long: `Write what a server's database says of an organisation as a document, to be reviewed and
signed. Nothing is true because the database says so: read the document, or the result of
"trust diff", before you sign it.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error { return e.run(cmd) }),
	}
	cmd.Flags().StringVar(&e.config, "config", "", "the server's configuration file")
	cmd.Flags().StringVar(&e.dir, "dir", "", "or the directory of a keyferry dev")
	cmd.Flags().StringVar(&e.org, "org", "", flagTexts()["org"])
	cmd.Flags().StringVar(&e.previous, "previous", "", "the document before: its serial is counted on, and its schemes, minSigners and revocations are kept")
	cmd.Flags().StringVar(&e.out, "out", "-", "file for the document, which must not exist; - for standard output")
	cmd.MarkFlagRequired("org")
	return cmd
}

func (e *trustExport) run(cmd *cobra.Command) error {
	var previous trust.Document
	if e.previous != "" {
		var err error
		if previous, err = peekTrustFile(e.previous); err != nil {
			return err
		}
	}
	c, err := e.load()
	if err != nil {
		return err
	}
	opened, err := server.OpenOffice(cmd.Context(), server.Config{Config: c, Log: newLog(cmd.ErrOrStderr(), slog.LevelWarn)})
	if err != nil {
		return err
	}
	snapshot, err := snapshotOf(cmd.Context(), opened, c, identity.OrgID(e.org))
	if err := errors.Join(err, opened.Close()); err != nil {
		return err
	}
	d, err := trust.Draft(snapshot, previous, time.Now())
	if err != nil {
		return fmt.Errorf("drafting the trust document of %s: %w", e.org, err)
	}
	return publish(d, e.out, cmd.OutOrStdout())
}

func snapshotOf(ctx context.Context, o *server.Office, c config.Config, org identity.OrgID) (trust.Snapshot, error) {
	s := trust.Snapshot{Deployment: c.Deployment, RelyingParty: useraction.RelyingParty{ID: c.RelyingParty.ID, Origins: c.RelyingParty.Origins}}
	var err error
	if s.Organisation, err = organisationOf(ctx, o, org); err != nil {
		return trust.Snapshot{}, err
	}
	if s.Users, err = o.Accounts(ctx, org); err != nil {
		return trust.Snapshot{}, err
	}
	for _, user := range s.Users {
		credentials, err := o.Credentials(ctx, user.ID)
		if err != nil {
			return trust.Snapshot{}, err
		}
		s.Credentials = append(s.Credentials, credentials...)
	}
	return s, nil
}

func organisationOf(ctx context.Context, o *server.Office, id identity.OrgID) (identity.Organisation, error) {
	all, err := o.Organisations(ctx)
	if err != nil {
		return identity.Organisation{}, err
	}
	for _, org := range all {
		if org.ID == id {
			return org, nil
		}
	}
	return identity.Organisation{}, fmt.Errorf("there is no organisation %q in this database", id)
}
