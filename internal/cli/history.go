package cli

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/watch"
)

// powerKinds are the kinds of events that change a node's power.
func powerKinds() (kinds []string) {
	for _, why := range decide.PowerReasons() {
		kinds = append(kinds, string(why))
	}
	return kinds
}

func historyCommand() *cobra.Command {
	var remote remoteFlags
	var all, asJSON bool
	var limit int
	c := &cobra.Command{
		Use: "history XNAME", Short: "Say who has reset a node, when, why, by which session and from which plan", Args: cobra.ExactArgs(1),
		Long: "Writes what was done to the power of a node, oldest first, the newest 100 unless --limit says otherwise; with --all everything that happened to it.",
		RunE: func(c *cobra.Command, args []string) error {
			to, err := remote.client(c)
			if err != nil {
				return err
			}
			kinds := powerKinds()
			if all {
				kinds = nil
			}
			events, err := to.Newest(c.Context(), args[0], "", kinds, limit)
			if err != nil {
				return err
			}
			slices.Reverse(events)
			for _, e := range events {
				if asJSON {
					err = json.NewEncoder(c.OutOrStdout()).Encode(e)
				} else {
					_, err = fmt.Fprintln(c.OutOrStdout(), watch.Event(e))
				}
				if err != nil {
					return err
				}
			}
			if len(events) == 0 && !asJSON {
				_, err = fmt.Fprintf(c.OutOrStdout(), "the history that is kept has nothing of this kind about %s\n", args[0])
			}
			return err
		},
	}
	remote.add(c)
	c.Flags().BoolVar(&all, "all", false, "everything that happened to it, and not what was done to its power alone")
	c.Flags().BoolVar(&asJSON, "json", false, "write an event as JSON a line")
	c.Flags().IntVar(&limit, "limit", 100, "how many events at most, from 1 to 10000")
	return c
}

func whyCommand() *cobra.Command {
	var remote remoteFlags
	var asJSON bool
	c := &cobra.Command{
		Use: "why XNAME", Short: "Say what a node waits for, since when, what happens next, and what to type", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			to, err := remote.client(c)
			if err != nil {
				return err
			}
			why, err := to.Why(c.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.OutOrStdout()).Encode(why)
			}
			for _, line := range watch.Reason(why) {
				if _, err := fmt.Fprintln(c.OutOrStdout(), line); err != nil {
					return err
				}
			}
			return nil
		},
	}
	remote.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "write the answer of the service")
	return c
}
