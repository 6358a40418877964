// Package cli is the commands beside the Terraform plugin. It wires the
// service to its adapters and holds no logic of its own.
package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

// Run runs the command line.
func Run(ctx context.Context, version string) error { return rootCommand(version).ExecuteContext(ctx) }

func rootCommand(version string) *cobra.Command {
	root := &cobra.Command{
		Use:           "terraform-provider-bos",
		Short:         "Boot supercomputers with Terraform: the BOS service and its tools",
		Long:          "Started by Terraform this program is the provider bootorch/bos. These are its other faces.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serveCommand(version), emulateCommand(), checkCommand(), bmcCommand(), imageCommand(), exportCommand(), importCommand(), migrateCommand(), tokenCommand(), reportCommand(version), &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), version)
			return err
		},
	})
	return root
}
