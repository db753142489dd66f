//go:build cgo

package cli

import (
	"context"

	"github.com/spf13/cobra"

	"keyferry/server"
	"keyferry/server/identity"
)

func newAccount(o *office) *cobra.Command {
	return group("account", "The accounts of an organisation",
		createAccount(o), listAccounts(o),
		switchAccount(o, "activate", "Switch an account on", true), switchAccount(o, "deactivate", "Switch an account off", false))
}

func createAccount(o *office) *cobra.Command {
	var org, name string
	return o.command("create", "Make a service account, which may do nothing yet", map[string]*string{"org": &org, "name": &name},
		func(ctx context.Context, office *server.Office) (result, error) {
			user, err := office.CreateServiceAccount(ctx, identity.OrgID(org), name)
			return describeAccount(user), err
		})
}

func listAccounts(o *office) *cobra.Command {
	var org string
	return o.command("list", "List the accounts of an organisation", map[string]*string{"org": &org},
		func(ctx context.Context, office *server.Office) (result, error) {
			all, err := office.Accounts(ctx, identity.OrgID(org))
			var list records
			for _, user := range all {
				list = append(list, describeAccount(user))
			}
			return list, err
		})
}

func switchAccount(o *office, name, short string, active bool) *cobra.Command {
	var account string
	return o.command(name, short, map[string]*string{"account": &account},
		func(ctx context.Context, office *server.Office) (result, error) {
			err := office.SetActive(ctx, identity.UserID(account), active)
			return record{{"id", account}, {"active", active}}, err
		})
}

func describeAccount(user identity.User) record {
	return record{
		{"id", user.ID}, {"organisation", user.Org}, {"kind", user.Kind}, {"name", user.Name}, {"active", user.Active},
		{"permissions", names(user.Permissions)}, {"createdAt", date(user.CreatedAt)},
	}
}
