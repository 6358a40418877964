// Package cli is the commands beside the Terraform plugin. It wires the
// service to its adapters and holds no logic of its own.
package cli

import (
	"context"
	"fmt"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/systemd"
)

// Command runs the service or a tool until it is done or a signal ends it. What
// signals mean to a plugin is the provider's own affair.
func Command(version string) error {
	ctx, stop := signal.NotifyContext(context.Background(), systemd.Stops()...)
	defer stop()
	return Run(ctx, version)
}

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
	root.AddCommand(serveCommand(version), emulateCommand(), checkCommand(), bmcCommand(), imageCommand(), exportCommand(), importCommand(), auditCommand(), retryCommand(), watchCommand(), historyCommand(), whyCommand(), rolloutCommand(), rebootNodeCommand(), migrateCommand(), moveCommand(), backupCommand(), restoreCommand(), tokenCommand(), reportCommand(version), &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), version)
			return err
		},
	})
	return root
}
