//go:build cgo

package cli

import (
	"context"

	"github.com/spf13/cobra"

	"keyferry/server"
	"keyferry/server/identity"
)

func newOrganisation(o *office) *cobra.Command {
	cmd := group("organisation", "Organisations, and which of them may export keys",
		createOrganisation(o), listOrganisations(o), activateOrganisation(o), deactivateOrganisation(o))
	cmd.Aliases = []string{"org"}
	return cmd
}

func createOrganisation(o *office) *cobra.Command {
	var name string
	return o.command("create", "Make an organisation, which may not export keys yet", map[string]*string{"name": &name},
		func(ctx context.Context, office *server.Office) (result, error) {
			org, err := office.CreateOrganisation(ctx, name)
			return describeOrganisation(org), err
		})
}

func listOrganisations(o *office) *cobra.Command {
	return o.command("list", "List all organisations", nil,
		func(ctx context.Context, office *server.Office) (result, error) {
			all, err := office.Organisations(ctx)
			var list records
			for _, org := range all {
				list = append(list, describeOrganisation(org))
			}
			return list, err
		})
}

func activateOrganisation(o *office) *cobra.Command {
	var org, reference string
	return o.command("activate", "Allow an organisation to export keys", map[string]*string{"org": &org, "reference": &reference},
		func(ctx context.Context, office *server.Office) (result, error) {
			err := office.ActivateExport(ctx, identity.OrgID(org), reference)
			return record{{"id", org}, {"export", "activated"}, {"reference", reference}}, err
		})
}

func deactivateOrganisation(o *office) *cobra.Command {
	var org string
	return o.command("deactivate", "Stop an organisation from exporting keys", map[string]*string{"org": &org},
		func(ctx context.Context, office *server.Office) (result, error) {
			err := office.DeactivateExport(ctx, identity.OrgID(org))
			return record{{"id", org}, {"export", "not activated"}}, err
		})
}

func describeOrganisation(org identity.Organisation) record {
	export, reference := "not activated", ""
	if org.Export != nil {
		export, reference = "activated", org.Export.Reference
	}
	return record{{"id", org.ID}, {"name", org.Name}, {"export", export}, {"reference", reference}, {"createdAt", date(org.CreatedAt)}}
}
