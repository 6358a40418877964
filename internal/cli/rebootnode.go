package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
	"github.com/bootorch/terraform-provider-bos/internal/hw/wlm"
)

// statusRefusedNodes is what reboot-node ends with where some of its nodes are not
// rebooted.
const statusRefusedNodes = 2

// rebootRetry is the wait before a request without an answer is sent again.
const rebootRetry = 2 * time.Second

func rebootNodeCommand() *cobra.Command {
	var remote remoteFlags
	var reason string
	c := &cobra.Command{
		Use: "reboot-node NODES...", Short: "Reboot nodes for a workload manager that has drained them, such as Slurm's RebootProgram", Args: cobra.MinimumNArgs(1),
		Long: "Nodes are named as the workload manager does (workload.name_format or workload.names_file of the service) or by their xnames, and may be folded, as nid[000001-000004]. " +
			"What is staged for a node is applied; otherwise it boots anew what is desired of it. A node that BOS works on is left to that, so the command may be repeated. " +
			"It does not wait for the boots: the workload manager does.\n\n" +
			"It ends with 0 when all nodes are or were being rebooted, 2 when some are not, with why on stderr, and 1 when nothing is known of any.",
		RunE: func(c *cobra.Command, args []string) error { return rebootNodes(c, remote, args, reason) },
	}
	remote.add(c)
	c.Flags().StringVar(&reason, "reason", "reboot-node", "why, for the history")
	return c
}

func rebootNodes(c *cobra.Command, remote remoteFlags, args []string, reason string) error {
	nodes, err := wlm.ExpandHostlist(strings.Join(args, ","))
	if err != nil {
		return fmt.Errorf("the nodes: %w", err)
	}
	to, err := remote.client(c)
	if err != nil {
		return err
	}
	ask := bos.RebootAsk{Nodes: nodes, Reason: reason}
	answer, err := to.Reboot(c.Context(), ask)
	if err != nil && client.Undecided(err) { // a node that is rebooted already is left to that
		timer := time.NewTimer(rebootRetry)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.Context().Done():
			return c.Context().Err()
		}
		answer, err = to.Reboot(c.Context(), ask)
	}
	if err != nil {
		return err
	}
	for _, part := range []struct {
		what  string
		nodes []string
	}{{"what was staged is booted", answer.Applied}, {"what is desired is booted anew", answer.Rebooting}, {"BOS works on it already", answer.UnderWay}} {
		if len(part.nodes) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", bos.Fold(part.nodes), part.what); err != nil {
			return err
		}
	}
	for _, refused := range answer.Refused {
		if _, err := fmt.Fprintf(c.ErrOrStderr(), "%s is not rebooted: %s\n", refused.Node, refused.Reason); err != nil {
			return err
		}
	}
	if len(answer.Refused) > 0 {
		return &Exit{Status: statusRefusedNodes}
	}
	return nil
}
