package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/transfer"
)

func importCommand() *cobra.Command {
	var remote remoteFlags
	var dryRun bool
	c := &cobra.Command{
		Use: "import FILE...", Short: "Store session templates and options from files in a BOS", Args: cobra.MinimumNArgs(1),
		Long: "Reads what export wrote, and what the export scripts of CSM write: an archive or its directory, a JSON list of session\n" +
			"templates, files or a directory with one template each, and an object of options. It first says what will be created and changed.\n" +
			"Nothing is written if anything in the files is wrong, and nothing is ever deleted.",
		RunE: func(c *cobra.Command, files []string) error { return importFiles(c, remote, files, dryRun) },
	}
	remote.add(c)
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be done")
	return c
}

func importFiles(c *cobra.Command, remote remoteFlags, files []string, dryRun bool) error {
	to, err := remote.client(c)
	if err != nil {
		return err
	}
	in, err := transfer.Read(files, remote.tenant)
	if err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	steps, err := transfer.Plan(c.Context(), to, in)
	if err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	out := c.OutOrStdout()
	for _, d := range in.Dropped {
		if _, err := fmt.Fprintf(out, "%-6s  %s\n", "drop", oneLine(d)); err != nil {
			return err
		}
	}
	count := map[transfer.Kind]int{}
	for _, s := range steps {
		count[s.Kind]++
		if _, err := fmt.Fprintln(out, oneLine(s.String())); err != nil {
			return err
		}
	}
	if dryRun {
		_, err := fmt.Fprintf(out, "to create %d, to change %d, the same %d; nothing was written\n", count[transfer.Create], count[transfer.Change], count[transfer.Same])
		return err
	}
	if err := transfer.Apply(c.Context(), to, steps, func(transfer.Step) {}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "created %d, changed %d, the same %d\n", count[transfer.Create], count[transfer.Change], count[transfer.Same])
	return err
}
