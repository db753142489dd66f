package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"keyferry/server/client"
	"keyferry/shares/recovery"
)

// maxRequestFile is more than recovery reads, so that it is recovery that refuses.
const maxRequestFile = 64 << 10

type approveCommand struct {
	connection         connection
	request            string
	publicKey, keyHash string
	yes                bool
}

func newApprove() *cobra.Command {
	var a approveCommand
	cmd := &cobra.Command{
		Use: "approve KEYID", Short: "Approve another user's export of a key", Args: cobra.ExactArgs(1),
		Long: `Approve another user's export of a key.

Where an organisation's trust document demands approvals, signers open a share only if
another user has signed the same export: of the same key, to the same encryption key. This
command shows what would be approved, checks that the server has exactly that signed, and
leaves the approval with the server. It is good for one export within five minutes.

Take the request from the one who exports, not by way of the server, and compare the
encryption key's hash with him: whoever has its other half gets the private key.`,
		RunE: action(func(cmd *cobra.Command, args []string) error {
			return a.run(cmd.Context(), args[0], cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	flags := cmd.Flags()
	a.connection.register(flags)
	flags.StringVar(&a.request, "request", "", "file with the request, as \"keyferry context new\" printed it")
	flags.StringVar(&a.keyHash, "encryption-key-hash", "", "the encryption key's SHA-256 that the request must have, hex")
	flags.StringVar(&a.publicKey, "public-key", "", "the public key that the key must have by the server's word, hex")
	flags.BoolVar(&a.yes, "yes", false, "approve without being asked")
	cmd.MarkFlagRequired("request")
	return cmd
}

func (a *approveCommand) run(ctx context.Context, id string, stdin io.Reader, stdout, stderr io.Writer) error {
	c, err := a.connection.open()
	if err != nil {
		return err
	}
	defer c.Close()
	if a.connection.org == "" {
		return usage("no organisation: give --org or set DFNS_ORG_ID")
	}
	request, err := readRequest(a.request)
	if err != nil {
		return err
	}
	key, err := c.Key(ctx, id)
	if err != nil {
		return err
	}
	if err := a.show(stderr, key, id, request); err != nil {
		return err
	}
	if err := a.confirm(stdin, stderr); err != nil {
		return err
	}
	approval, err := c.Approve(ctx, id, request)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "approved until %s\n", approval.ExpiresAt.UTC().Format(time.RFC3339))
	return err
}

func readRequest(path string) (recovery.Request, error) {
	file, err := os.Open(path)
	if err != nil {
		return recovery.Request{}, fmt.Errorf("reading the request: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxRequestFile))
	if err != nil {
		return recovery.Request{}, fmt.Errorf("reading the request: %w", err)
	}
	request, err := recovery.ParseRequest(text)
	if err != nil {
		return recovery.Request{}, fmt.Errorf("reading the request %s: %w", path, err)
	}
	return request, nil
}

// show says what would be approved, and refuses what is not what was expected.
func (a *approveCommand) show(to io.Writer, key client.Key, id string, request recovery.Request) error {
	encryptionKey, err := request.Key()
	if err != nil {
		return err
	}
	hash := fmt.Sprintf("%x", encryptionKey.Hash())
	var schemes []string
	for _, s := range request.SupportedSchemes {
		schemes = append(schemes, fmt.Sprintf("%.40q", s.Protocol+"/"+s.Curve))
	}
	lines := record{
		{"organisation", a.connection.org}, {"key", id}, {"public key, says the server", fmt.Sprintf("%.200q", key.PublicKey)},
		{"encryption key", request.EncryptionKey}, {"its sha256", hash}, {"schemes", strings.Join(schemes, " ")},
	}
	switch err := lines.print(to, false); {
	case err != nil:
		return err
	case a.keyHash != "" && !strings.EqualFold(a.keyHash, hash):
		return errors.New("the request is for another encryption key than --encryption-key-hash says: nothing was signed")
	case a.publicKey != "" && !strings.EqualFold(a.publicKey, key.PublicKey):
		return errors.New("the server names another public key than --public-key: nothing was signed")
	}
	return nil
}

// errDeclined is for whoever does not say yes.
var errDeclined = errors.New("not approved: nothing was signed")

func (a *approveCommand) confirm(stdin io.Reader, stderr io.Writer) error {
	if a.yes {
		return nil
	}
	fmt.Fprint(stderr, "Whoever has the other half of the encryption key gets this key's private key.\nType yes to approve: ")
	answer, err := bufio.NewReader(io.LimitReader(stdin, 16)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errDeclined
	}
	return nil
}
