//go:build cgo

package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"keyferry/server"
	"keyferry/server/identity"
)

func newPermission(o *office) *cobra.Command {
	return group("permission", "What an account may do",
		changePermissions(o, "grant", "Give permissions to an account", (*server.Office).Grant),
		changePermissions(o, "revoke", "Take permissions from an account", (*server.Office).Revoke))
}

type permissionChange func(*server.Office, context.Context, identity.UserID, ...identity.Permission) error

func changePermissions(o *office, name, short string, change permissionChange) *cobra.Command {
	var account string
	var chosen []string
	cmd := o.command(name, short, map[string]*string{"account": &account},
		func(ctx context.Context, office *server.Office) (result, error) {
			var permissions []identity.Permission
			for _, name := range chosen {
				permissions = append(permissions, identity.Permission(name))
			}
			err := change(office, ctx, identity.UserID(account), permissions...)
			return record{{"account", account}, {name, chosen}}, err
		})
	cmd.Flags().StringArrayVar(&chosen, "permission", nil, "one of "+strings.Join(names(identity.Permissions()), ", ")+"; may be repeated")
	cmd.MarkFlagRequired("permission")
	return cmd
}
