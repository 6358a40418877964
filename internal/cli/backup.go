package cli

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

func backupCommand() *cobra.Command {
	var database, output string
	var replace bool
	c := &cobra.Command{
		Use: "backup -o FILE", Short: "Copy a database, also while its service runs, and read the copy to its end", Args: cobra.NoArgs,
		Long: "Copies a database into a file of its owner alone, also while its service runs: what was acknowledged before is in it.\n" +
			"The copy is checked before it gets its name. Run it as the user of the service.",
		RunE: func(c *cobra.Command, _ []string) error {
			if postgres.Is(database) {
				return onlyFiles("backup", "make one with pg_dump --format=custom, which may run beside the service, or as your PostgreSQL is backed up")
			}
			found, err := sqlite.Backup(c.Context(), cmp.Or(database, defaultDatabase), output, replace)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is whole: %s\n", output, contentsText(found))
			return err
		},
	}
	c.Flags().StringVar(&database, "database", os.Getenv("BOS_DATABASE"), "database file (BOS_DATABASE; default "+defaultDatabase+")")
	c.Flags().StringVarP(&output, "output", "o", "", "file of the backup")
	c.Flags().BoolVar(&replace, "replace", false, "replace a file that is there, once the new backup is whole")
	_ = c.MarkFlagRequired("output") // it is there
	return c
}

func restoreCommand() *cobra.Command {
	var database string
	var replace bool
	c := &cobra.Command{
		Use: "restore FILE", Short: "Put a backup in the place of a database, with the site paused", Args: cobra.ExactArgs(1),
		Long: "Checks a backup, brings it to the version of this program and puts it in the place of the database of a service that is\n" +
			"stopped. A database that is there is kept beside. The site is paused: nothing is sent to any node until\n" +
			"POST /x/v1/resume. Run it as the user of the service.",
		RunE: func(c *cobra.Command, args []string) error {
			if postgres.Is(database) {
				return onlyFiles("restore", "stop all services, put the dump back with pg_restore --clean, and start the first service with --hold: nothing is sent to any node until somebody has looked")
			}
			database = cmp.Or(database, defaultDatabase)
			now := time.Now()
			reason := fmt.Sprintf("restored from a backup at %s; cancel the sessions that are no longer wanted, then resume", now.UTC().Format(time.RFC3339))
			done, err := sqlite.Restore(c.Context(), args[0], database, replace, reason, now)
			if err != nil {
				return err
			}
			text := fmt.Sprintf("%s is restored: %s\nThe site is paused: nothing is sent to any node until POST /x/v1/resume\n", database, contentsText(done.Contents))
			if done.Kept != "" {
				text += "What was there before is " + done.Kept + "\n"
			}
			_, err = fmt.Fprint(c.OutOrStdout(), text)
			return err
		},
	}
	c.Flags().StringVar(&database, "database", os.Getenv("BOS_DATABASE"), "database file (BOS_DATABASE; default "+defaultDatabase+")")
	c.Flags().BoolVar(&replace, "replace", false, "replace a database that is there, and keep it beside")
	return c
}

// onlyFiles is the error of a command that is for database files.
func onlyFiles(command, instead string) error {
	return fmt.Errorf("%s is for database files, and this database is in PostgreSQL; %s", command, instead)
}

func contentsText(c sqlite.Contents) string {
	return fmt.Sprintf("version %d, %d components, %d session templates, %d sessions, %d events", c.Version, c.Components, c.Templates, c.Sessions, c.Events)
}
