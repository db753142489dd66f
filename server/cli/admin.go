//go:build cgo

package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"keyferry/config"
	"keyferry/server"
	"keyferry/server/sandbox"
)

// office is how the admin commands reach a server's database, and how they print.
type office struct {
	config, dir string
	json        bool
}

func newAdmin() *cobra.Command {
	o := new(office)
	cmd := group("admin", "Manage organisations, accounts, credentials, permissions, tokens and keys",
		newOrganisation(o), newAccount(o), newCredential(o), newPermission(o), newToken(o), newKey(o), newBackup(o))
	cmd.Long = cmd.Short + ".\n\nThe commands work on the server's database, whether or not the server runs. Every\nchange is recorded, and holds from the next request on."
	o.register(cmd.PersistentFlags())
	return cmd
}

func (o *office) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.config, "config", "", "the server's configuration file")
	flags.StringVar(&o.dir, "dir", "", "or the directory of a keyferry dev")
	flags.BoolVar(&o.json, "json", false, "print the result as JSON")
}

// result is what a command prints.
type result interface {
	print(out io.Writer, asJSON bool) error
}

// do makes one use case the action of a command.
func (o *office) do(use func(context.Context, *server.Office) (result, error)) func(*cobra.Command, []string) error {
	return action(func(cmd *cobra.Command, _ []string) (err error) {
		c, err := o.load()
		if err != nil {
			return err
		}
		opened, err := server.OpenOffice(cmd.Context(), server.Config{Config: c, Log: newLog(cmd.ErrOrStderr(), slog.LevelWarn)})
		if err != nil {
			return err
		}
		r, err := use(cmd.Context(), opened)
		if err := errors.Join(err, opened.Close()); err != nil {
			return err
		}
		return r.print(cmd.OutOrStdout(), o.json)
	})
}

func (o *office) load() (config.Config, error) {
	switch {
	case (o.config == "") == (o.dir == ""):
		return config.Config{}, usage("which server? give --config FILE, or --dir for a keyferry dev")
	case o.config != "":
		return config.Load(o.config, os.Environ())
	}
	path, err := sandbox.ConfigFile(o.dir)
	if err != nil {
		return config.Config{}, err
	}
	return config.Load(path, nil)
}

// command is a command of the office. Its flags are all needed.
func (o *office) command(name, short string, flags map[string]*string, use func(context.Context, *server.Office) (result, error)) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs, RunE: o.do(use)}
	for name, value := range flags {
		cmd.Flags().StringVar(value, name, "", flagTexts()[name])
		cmd.MarkFlagRequired(name)
	}
	return cmd
}

// flagTexts explains the flags, which mean the same for every command.
func flagTexts() map[string]string {
	return map[string]string{
		"org":        "the organisation's id",
		"account":    "the account's id",
		"credential": "the credential's id",
		"token":      "the token's id",
		"name":       "a name for people",
		"reference":  "where the signed addendum is found",
		"public-key": "file with the public key, PEM: Ed25519, ECDSA or RSA",
	}
}

func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func names[T ~string](values []T) []string {
	texts := make([]string, 0, len(values))
	for _, v := range values {
		texts = append(texts, string(v))
	}
	return texts
}
