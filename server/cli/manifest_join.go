package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"keyferry/shares/manifest"
)

func newManifestJoin() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "join FILE...", Short: "Make the cluster's manifest of its signers' manifests", Args: cobra.MinimumNArgs(1),
		RunE: action(func(cmd *cobra.Command, args []string) error {
			joined, err := joinManifests(args)
			if err != nil {
				return err
			}
			return publish(joined, out, cmd.OutOrStdout())
		}),
	}
	cmd.Flags().StringVar(&out, "out", "-", "file for the manifest, which must not exist; - for standard output")
	return cmd
}

func joinManifests(paths []string) (manifest.Manifest, error) {
	var joined manifest.Manifest
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return manifest.Manifest{}, err
		}
		m, err := manifest.Parse(text)
		if err != nil {
			return manifest.Manifest{}, fmt.Errorf("%s: %w", path, err)
		}
		if joined.Deployment != "" && joined.Deployment != m.Deployment {
			return manifest.Manifest{}, fmt.Errorf("%s is of deployment %q, the ones before it of %q", path, m.Deployment, joined.Deployment)
		}
		joined.Deployment = m.Deployment
		joined.Members = append(joined.Members, m.Members...)
	}
	return manifest.New(joined.Deployment, joined.Members)
}
