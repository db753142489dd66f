package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"keyferry/server/client"
	"keyferry/shares"
	"keyferry/shares/keyformat"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
)

// maxResponseFile is more than recovery reads, so that it is recovery that refuses.
const maxResponseFile = 2 << 20

type recoverCommand struct {
	contextFile, responseFile, passwordFile string
	publicKey, format                       string
	trustResponse, strict                   bool
	destination                             destination
	receipts                                receipts
}

func newRecover() *cobra.Command {
	var r recoverCommand
	cmd := &cobra.Command{
		Use: "recover", Short: "Recover a private key from a saved context and a response, offline", Args: cobra.NoArgs,
		Long: "Recover a private key from a saved export context and the response to its request. It\nneeds no network.\n\n" +
			"Formats of the key: " + formatNames() + ".\n\nAn ed25519 key is a scalar, which no wallet takes as a seed: see what the command says\nof it, and the formats expanded and expanded-hex.",
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			return r.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&r.contextFile, "context", "", "the saved context, as \"keyferry context new\" made it")
	flags.StringVar(&r.responseFile, "response", "", "the response of POST /keys/{keyId}/export, JSON; - for standard input")
	flags.StringVar(&r.publicKey, "public-key", "", "the public key that the result must have, hex")
	flags.BoolVar(&r.trustResponse, "trust-response-key", false, "believe the response which key it is of, in place of --public-key")
	flags.StringVar(&r.format, "format", keyformat.Hex.String(), "how the private key is written")
	flags.StringVar(&r.passwordFile, "password-file", "", "file with the password of an encrypted format, one line; else it is asked for")
	flags.BoolVar(&r.strict, "strict", false, "give up at the first bad share in place of doing without it")
	r.destination.register(flags)
	r.receipts.register(flags)
	for _, name := range []string{"context", "response"} {
		cmd.MarkFlagRequired(name)
	}
	return cmd
}

func formatNames() string {
	var list []string
	for _, f := range keyformat.AllFormats() {
		list = append(list, f.String())
	}
	return strings.Join(list, ", ")
}

func (r *recoverCommand) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	format, err := r.checkFlags()
	if err != nil {
		return err
	}
	response, err := readResponse(r.responseFile, stdin)
	if err != nil {
		return err
	}
	if err := format.CheckCurve(response.Scheme.Curve()); err != nil {
		return err
	}
	out, err := r.destination.open(stdout)
	if err != nil {
		return err
	}
	if err := r.recover(ctx, response, format, stdin, out, stderr); err != nil {
		out.discard()
		return err
	}
	return out.finish()
}

func (r *recoverCommand) checkFlags() (keyformat.Format, error) {
	if (r.publicKey == "") == !r.trustResponse {
		return 0, usage("whose key is it? give either --public-key with the one you know, or --trust-response-key if you know none")
	}
	if err := checkPin(r.publicKey); err != nil {
		return 0, err
	}
	format, err := keyformat.ParseFormat(r.format)
	if err != nil {
		return 0, usage("--format: %w", err)
	}
	if r.passwordFile != "" && !format.Encrypts() {
		return 0, usage("--format %s is not encrypted: --password-file would protect nothing", format)
	}
	return format, nil
}

// recover asks for the password last: what is wrong with the response is told first.
func (r *recoverCommand) recover(ctx context.Context, response recovery.Response, format keyformat.Format, stdin io.Reader, out, stderr io.Writer) error {
	recovered, err := r.open(response, stderr)
	if err != nil {
		return err
	}
	defer recovered.Destroy()
	r.tell(stderr, recovered)
	var options keyformat.Options
	if format.Encrypts() {
		if options.Password, err = readPassword(ctx, r.passwordFile, stdin, stderr); err != nil {
			return err
		}
		defer options.Password.Destroy()
	}
	key, err := keyformat.Encode(format, recovered.Scheme.Curve(), recovered.Secret, options)
	if err != nil {
		return err
	}
	defer key.Destroy()
	return writeSecret(out, key)
}

func (r *recoverCommand) open(response recovery.Response, stderr io.Writer) (*recovery.Recovered, error) {
	options := recovery.Options{Strict: r.strict}
	if r.publicKey != "" {
		pin, err := client.ParsePublicKey(response.Scheme.Curve(), r.publicKey)
		if err != nil {
			return nil, fmt.Errorf("%w: the response is for a key on %s", recovery.ErrPinned, response.Scheme.Curve())
		}
		options.PublicKey = pin
	}
	home, err := openContext(r.contextFile)
	if err != nil {
		return nil, err
	}
	defer home.Destroy()
	if err := r.receipts.check(stderr, response, home.Request(), ""); err != nil {
		return nil, err
	}
	return home.Recover(response, options)
}

// tell says what was recovered, without the secret.
func (r *recoverCommand) tell(to io.Writer, recovered *recovery.Recovered) {
	fmt.Fprintf(to, "recovered a key of %s\npublic key %s\n", recovered.Scheme, recovered.PublicKey)
	if r.trustResponse {
		fmt.Fprintln(to, "This is the public key that the response names. Compare it with the one you know.")
	}
	for _, bad := range recovered.Bad {
		fmt.Fprintf(to, "warning: done without a bad share: %v\n", bad)
	}
	for _, signer := range recovered.Doubtful {
		fmt.Fprintf(to, "warning: signer %q or another one gave a bad share; the key is right all the same\n", signer)
	}
	if recovered.Scheme.Curve() == shares.Ed25519 {
		fmt.Fprintln(to, keyformat.Ed25519Explanation)
	}
}

func readResponse(path string, stdin io.Reader) (recovery.Response, error) {
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return recovery.Response{}, fmt.Errorf("reading the response: %w", err)
		}
		defer file.Close()
		stdin = file
	}
	text, err := io.ReadAll(io.LimitReader(stdin, maxResponseFile))
	if err != nil {
		return recovery.Response{}, fmt.Errorf("reading the response: %w", err)
	}
	return recovery.ParseResponse(text)
}

// writeSecret writes straight from locked memory.
func writeSecret(to io.Writer, secret *locked.Buffer) error {
	if _, err := to.Write(secret.Bytes()); err != nil {
		return fmt.Errorf("writing the private key: %w", err)
	}
	return nil
}
