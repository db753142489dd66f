//go:build cgo

package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"keyferry/server"
	"keyferry/server/identity"
)

const defaultLifetime = 30 * 24 * time.Hour

func newToken(o *office) *cobra.Command {
	return group("token", "Access tokens", issueToken(o), revokeToken(o))
}

func issueToken(o *office) *cobra.Command {
	var account string
	var lifetime time.Duration
	cmd := o.command("issue", "Make an access token for an account; it is shown only now", map[string]*string{"account": &account},
		func(ctx context.Context, office *server.Office) (result, error) {
			token, issued, err := office.IssueToken(ctx, identity.UserID(account), lifetime)
			return record{{"token", token}, {"id", issued.ID}, {"expiresAt", date(issued.ExpiresAt)}}, err
		})
	cmd.Flags().DurationVar(&lifetime, "lifetime", defaultLifetime, "how long it is good for")
	return cmd
}

func revokeToken(o *office) *cobra.Command {
	var token string
	return o.command("revoke", "End an access token for ever", map[string]*string{"token": &token},
		func(ctx context.Context, office *server.Office) (result, error) {
			err := office.RevokeToken(ctx, identity.TokenID(token))
			return record{{"id", token}, {"active", false}}, err
		})
}
