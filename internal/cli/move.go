package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/move"
)

func moveCommand() *cobra.Command {
	var from, to, passwordFile string
	c := &cobra.Command{
		Use: "move --from DATABASE --to DATABASE", Short: "Move all records from a database file into PostgreSQL, or back", Args: cobra.NoArgs,
		Long: "Copies all records of a database into another one that is empty, and compares both row for row before the copy counts. Stop all\n" +
			"services on both before. Databases are sqlite:FILE or postgres://user@host/database. The one that they come from is paused\n" +
			"afterwards, so that a service that is started on it by mistake touches no node.",
		RunE: func(c *cobra.Command, _ []string) error {
			source, err := move.ParsePlace(from)
			if err != nil {
				return fmt.Errorf("--from: %w", err)
			}
			target, err := move.ParsePlace(to)
			if err != nil {
				return fmt.Errorf("--to: %w", err)
			}
			if passwordFile != "" {
				read := config.SecretSource{What: "--password", File: passwordFile}.Read
				source.Password, target.Password = read, read
			}
			m, err := move.Move(c.Context(), source, target, time.Now())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s has the same %d rows as %s: %d components, %d session templates, %d sessions, %d events\n%s is paused; start the service on %s\n",
				target, m.Rows, source, m.Components, m.Templates, m.Sessions, m.Events, source, target)
			return err
		},
	}
	c.Flags().StringVar(&from, "from", "", "database that has the records")
	c.Flags().StringVar(&to, "to", "", "empty database")
	c.Flags().StringVar(&passwordFile, "password-file", "", "file with the password of the PostgreSQL (else PGPASSWORD or ~/.pgpass)")
	_ = c.MarkFlagRequired("from") // it is there
	_ = c.MarkFlagRequired("to")   // it is there
	return c
}
