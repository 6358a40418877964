package cli

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/client"
)

func rolloutCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "rollout", Short: "Say how far the rollout of a session is, and tell it to go on or to end",
		Long: "A rollout is held until somebody decides when its canary is healthy and when it has halted. These commands decide.",
	}
	skip := false
	resume := verbCommand("resume", "Let a rollout that has halted go on", "Nodes that failed in the batch in which it halted are tried again, and nodes that are done are left alone. "+
		"The failure budget counts what fails from then on.",
		func(ctx context.Context, to *client.Client, session, reason string) error {
			return to.ResumeRollout(ctx, session, reason, skip)
		})
	resume.Flags().BoolVar(&skip, "skip-failed", false, "leave the nodes that failed, and go on without them")
	c.AddCommand(
		statusCommand(), resume,
		verbCommand("promote", "Let the other batches follow a healthy canary", "It is refused as long as the canary is not healthy.",
			func(ctx context.Context, to *client.Client, session, reason string) error {
				_, err := to.PromoteRollout(ctx, session, reason)
				return err
			}),
		verbCommand("fail", "End a rollout for the nodes whose turn has not come", "Nodes that were started go on to their end, and the session ends with them; nothing is sent to the others.",
			func(ctx context.Context, to *client.Client, session, reason string) error {
				_, err := to.FailRollout(ctx, session, reason)
				return err
			}),
	)
	return c
}

func statusCommand() *cobra.Command {
	var remote remoteFlags
	c := &cobra.Command{
		Use: "status SESSION", Short: "Say how far a rollout is, batch by batch, and what it is held by", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			to, err := remote.client(c)
			if err != nil {
				return err
			}
			return printRollout(c, to, args[0])
		},
	}
	remote.add(c)
	return c
}

// verbCommand is a command that tells a rollout something, and then says how far it is.
func verbCommand(verb, short, long string, do func(ctx context.Context, to *client.Client, session, reason string) error) *cobra.Command {
	var remote remoteFlags
	var reason string
	c := &cobra.Command{
		Use: verb + " SESSION", Short: short, Long: long, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			to, err := remote.client(c)
			if err != nil {
				return err
			}
			if err := do(c.Context(), to, args[0], reason); err != nil {
				return err
			}
			return printRollout(c, to, args[0])
		},
	}
	remote.add(c)
	c.Flags().StringVar(&reason, "reason", "", "why, for the history")
	return c
}

func printRollout(c *cobra.Command, to *client.Client, session string) error {
	status, err := to.Rollout(c.Context(), session)
	if err != nil {
		return err
	}
	out := c.OutOrStdout()
	if _, err := fmt.Fprintf(out, "session %s is %s\n", session, status.Line()); err != nil {
		return err
	}
	if status.Detail != "" {
		if _, err := fmt.Fprintln(out, status.Detail); err != nil {
			return err
		}
	}
	for _, command := range status.WaysOn() {
		if _, err := fmt.Fprintln(out, command); err != nil {
			return err
		}
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, b := range status.Batches {
		if _, err := fmt.Fprintf(table, "%s\t%d waiting\t%d in work\t%d done\t%d failed\t%s\n", b.Name, b.Waiting, b.InFlight, b.Done, b.Failed, b.Nodes); err != nil {
			return err
		}
	}
	return table.Flush()
}
