package cli

import (
	"cmp"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

func migrateCommand() *cobra.Command {
	var database string
	c := &cobra.Command{
		Use: "migrate", Short: "Bring a database to the version of this program, after a backup", Args: cobra.NoArgs,
		Long: "Brings a database to the version of this program, after a backup beside it. serve does the same when it starts;\n" +
			"this does it while the service is stopped.",
		RunE: func(c *cobra.Command, _ []string) error {
			database = cmp.Or(database, defaultDatabase)
			if postgres.Is(database) {
				return onlyFiles("migrate", "serve brings its tables to the version of this program when it starts")
			}
			m, err := sqlite.Migrate(c.Context(), database)
			if err != nil {
				return err
			}
			text := fmt.Sprintf("%s has version %d\n", database, m.To)
			if m.Backup != "" {
				text = fmt.Sprintf("%s was brought from version %d to %d; as it was it is in %s\n", database, m.From, m.To, m.Backup)
			}
			_, err = fmt.Fprint(c.OutOrStdout(), text)
			return err
		},
	}
	c.Flags().StringVar(&database, "database", os.Getenv("BOS_DATABASE"), "database file (BOS_DATABASE; default "+defaultDatabase+")")
	return c
}
