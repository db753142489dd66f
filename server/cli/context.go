package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"keyferry/shares/keyformat"
	"keyferry/shares/recovery"
)

type contextCommand struct {
	out, request string
}

func newContext() *cobra.Command {
	var c contextCommand
	cmd := &cobra.Command{
		Use: "new", Short: "Make an export context and print the request to send", Args: cobra.NoArgs,
		Long: `Make an export context, for an export whose shares are opened on another machine than
the one that asks for them. It needs no network.

The context is the one-time key to which the signers seal the shares: whoever has its file
and the response has the private key. Keep it on this machine. Send the request as the
body of POST /keys/{keyId}/export from any other, bring the response here, and give both
to "keyferry recover".

Where exports need the approval of another user, give him the request too, for "keyferry
approve", and tell him the encryption key's hash, which is printed here, by another way;
then use the context with "keyferry export --context".`,
		RunE: action(func(cmd *cobra.Command, _ []string) error { return c.run(cmd.OutOrStdout(), cmd.ErrOrStderr()) }),
	}
	cmd.Flags().StringVar(&c.out, "out", "", "file for the context; it must not exist, and only you can read it")
	cmd.Flags().StringVar(&c.request, "request", "-", "file for the request, which must not exist; - for standard output")
	cmd.MarkFlagRequired("out")
	return group("context", "Prepare an export on a machine without a network", cmd)
}

// run leaves both or nothing.
func (c *contextCommand) run(stdout, stderr io.Writer) error {
	home, err := recovery.New()
	if err != nil {
		return err
	}
	defer home.Destroy()
	if err := saveContext(c.out, home); err != nil {
		return err
	}
	if err := c.writeRequest(stdout, home.Request()); err != nil {
		return errors.Join(fmt.Errorf("writing the request: %w", err), os.Remove(c.out))
	}
	// This is what the one who exports and an approver compare.
	fmt.Fprintf(stderr, "encryption key, sha256 %x\n", home.EncryptionKey().Hash())
	return nil
}

func saveContext(path string, home *recovery.Context) error {
	saved, err := home.Save()
	if err != nil {
		return err
	}
	defer saved.Destroy()
	return keyformat.WriteFile(path, saved)
}

func (c *contextCommand) writeRequest(stdout io.Writer, request recovery.Request) error {
	if c.request == "-" {
		return json.NewEncoder(stdout).Encode(request)
	}
	file, err := os.OpenFile(c.request, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if err := errors.Join(json.NewEncoder(file).Encode(request), file.Close()); err != nil {
		return errors.Join(err, os.Remove(c.request))
	}
	return nil
}

// openContext reads a saved context into locked memory. The caller must Destroy it.
func openContext(path string) (*recovery.Context, error) {
	saved, err := readSecretFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the export context: %w", err)
	}
	defer saved.Destroy()
	home, err := recovery.Parse(saved)
	if err != nil {
		return nil, fmt.Errorf("reading the export context %s: %w", path, err)
	}
	return home, nil
}
