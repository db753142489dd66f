package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"keyferry/server/guard"
	"keyferry/shares/manifest"
)

type guardCommand struct {
	upstream, listen, manifest string
	org                        string
	users                      []string
	caFile                     string
	certificateFile, keyFile   string
}

func newGuard() *cobra.Command {
	var g guardCommand
	cmd := &cobra.Command{
		Use: "guard", Short: "Check what the API answers, for clients that do not", Args: cobra.NoArgs,
		Long: `Check what the API answers, for clients that do not: a proxy on the client's machine that
official SDKs use as their base URL in place of the API's address.

It lets a challenge through only if it is for the very request that the client states,
signers only if they are those of the pinned manifest, and of an export's shares only
those for which a pinned signer answers. Everything else passes unchanged; login and
registration, whose challenges cannot be checked, do not pass.

The manifest, the organisation and the users come from the operator, and not from the
API's own answers. An SDK that has an address of its own for authentication must have
the guard's for both. SDKs that refuse plain http need the guard to serve https.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			return g.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&g.upstream, "upstream", "", "the API's address")
	flags.StringVar(&g.listen, "listen", "127.0.0.1:8481", "host:port; port 0 picks a free one; beyond loopback with TLS only")
	flags.StringVar(&g.manifest, "manifest", "", "file with the cluster's manifest")
	flags.StringVar(&g.org, "org", "", "the organisation that signed requests and shares must be for (DFNS_ORG_ID)")
	flags.StringArrayVar(&g.users, "user", nil, "the user that signed requests must be for; may be repeated; any of the organisation's if not given")
	flags.StringVar(&g.caFile, "ca-file", "", "certificates of the authorities to trust for the API, PEM (NODE_EXTRA_CA_CERTS; else the system's)")
	flags.StringVar(&g.certificateFile, "tls-certificate-file", "", "certificate to serve https with, PEM")
	flags.StringVar(&g.keyFile, "tls-key-file", "", "its private key, PEM")
	cmd.MarkFlagRequired("upstream")
	cmd.MarkFlagRequired("manifest")
	cmd.MarkFlagsRequiredTogether("tls-certificate-file", "tls-key-file")
	return cmd
}

func (g *guardCommand) run(ctx context.Context, out, stderr io.Writer) error {
	log := slog.New(slog.NewTextHandler(stderr, nil))
	guarding, err := g.open(log)
	if err != nil {
		return err
	}
	defer guarding.Close()
	certificate, err := g.readCertificate()
	if err != nil {
		return err
	}
	listener, err := guard.Listen(g.listen, certificate)
	if err != nil {
		return err
	}
	if len(g.users) == 0 {
		log.Warn("no user is pinned: any user of the organisation passes")
	}
	scheme := "http"
	if certificate != nil {
		scheme = "https"
	}
	fmt.Fprintf(out, "guarding %s on %s://%s\nmake this the SDK's base URL\nend with Ctrl-C or SIGTERM\n", g.upstream, scheme, listener.Addr())
	return guarding.Serve(ctx, listener)
}

func (g *guardCommand) open(log *slog.Logger) (*guard.Guard, error) {
	c := connection{org: g.org, caFile: g.caFile}
	if c.org == "" {
		c.org = os.Getenv("DFNS_ORG_ID")
	}
	if c.caFile == "" {
		c.caFile = os.Getenv("NODE_EXTRA_CA_CERTS")
	}
	if c.org == "" {
		return nil, usage("no organisation: give --org or set DFNS_ORG_ID")
	}
	roots, err := c.readAuthorities()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(g.manifest)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	pinned, err := manifest.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.manifest, err)
	}
	return guard.New(guard.Config{
		Upstream: g.upstream, RootCAs: roots, Manifest: pinned, Organisation: c.org, Users: g.users, Log: log,
	})
}

func (g *guardCommand) readCertificate() (*tls.Certificate, error) {
	if g.certificateFile == "" && g.keyFile == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(g.certificateFile, g.keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate to serve https with: %w", err)
	}
	return &pair, nil
}
