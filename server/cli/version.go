package cli

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"keyferry/shares/locked"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print what this program was built from", Args: cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			return printVersion(cmd.OutOrStdout())
		}),
	}
}

func printVersion(out io.Writer) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("this program was built without information about itself")
	}
	settings := map[string]string{"vcs.revision": "unknown", "vcs.modified": "unknown", "CGO_ENABLED": "unknown"}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	_, err := fmt.Fprintf(out, "keyferry %s\nrevision %s (modified: %s)\nbuilt with %s, cgo: %s\nruntime erases secrets' temporaries: %v\n",
		info.Main.Version, settings["vcs.revision"], settings["vcs.modified"], info.GoVersion, settings["CGO_ENABLED"], locked.Erases)
	return err
}
