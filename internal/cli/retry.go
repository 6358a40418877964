package cli

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

func retryCommand() *cobra.Command {
	var remote remoteFlags
	var operation string
	c := &cobra.Command{
		Use: "retry SESSION", Short: "Try the nodes of a session again that failed, and no other", Args: cobra.ExactArgs(1),
		Long: "Creates a session of just the nodes that failed in another, by the same template. Nodes that another session has had since are left alone.",
		RunE: func(c *cobra.Command, args []string) error {
			return retry(c, remote, args[0], bos.Operation(operation))
		},
	}
	remote.add(c)
	c.Flags().StringVar(&operation, "operation", "", "another operation than that of the session, such as configure")
	return c
}

func retry(c *cobra.Command, remote remoteFlags, name string, operation bos.Operation) error {
	to, err := remote.client(c)
	if err != nil {
		return err
	}
	failed, err := to.Session(c.Context(), name)
	if err != nil {
		return err
	}
	if operation == "" {
		operation = failed.Operation
	}
	again := bos.PinnedSession{
		SessionCreate: bos.SessionCreate{Name: uuid.NewString(), Operation: operation, TemplateName: failed.TemplateName}, RetryOf: name,
	}
	created, err := to.CreateSession(c.Context(), again)
	var unconfirmed *client.Unconfirmed
	if errors.As(err, &unconfirmed) {
		return fmt.Errorf("%w; look for session %s before you try again", err, again.Name)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "session %s: %s of %s\n", created.Name, created.Operation, created.Limit)
	return err
}
