package cli

import (
	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/report"
)

// reportCommand is the agent in a node, for who has the whole program there. It reads
// its flags itself, so that it is the same as cmd/bos-report.
func reportCommand(version string) *cobra.Command {
	return &cobra.Command{
		Use: "report", Short: "Tell BOS what this node has booted, as bos-report does", DisableFlagParsing: true,
		RunE: func(c *cobra.Command, args []string) error {
			return report.Command(c.Context(), args, version, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
}
