package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func auditCommand() *cobra.Command {
	var remote remoteFlags
	var output, since, until, format string
	c := &cobra.Command{
		Use: "audit", Short: "Write the history of a BOS: who did what, from where, by which plan", Args: cobra.NoArgs,
		Long: "Writes the history of a BOS, oldest first, one event as JSON a line, in an order that never changes. Where events are\n" +
			"missing, as they were removed or too many, a line says so. Who exports is in the history.",
		RunE: func(c *cobra.Command, _ []string) error {
			from, err := remote.client(c)
			if err != nil {
				return err
			}
			write := func(w io.Writer) error { return from.Audit(c.Context(), since, until, w) }
			switch format {
			case "json":
			case "syslog":
				plain := write
				write = func(w io.Writer) error {
					lines := newSyslogWriter(w)
					if err := plain(lines); err != nil {
						return err
					}
					return lines.Close()
				}
			default:
				return fmt.Errorf("--format is %q; use json or syslog", format)
			}
			if output == "-" {
				return write(c.OutOrStdout())
			}
			if err := replaceFileBy(output, write); err != nil {
				return fmt.Errorf("cannot write the history: %w", err)
			}
			return nil
		},
	}
	remote.add(c)
	flags := c.Flags()
	flags.StringVarP(&output, "output", "o", "-", "file to write, - for standard output")
	flags.StringVar(&format, "format", "json", "json for lines of JSON, syslog for lines of syslog (RFC 5424) with that JSON in them, to be sent by what sends syslog here")
	flags.StringVar(&since, "since", "", "nothing before this time, such as 2026-03-01T00:00:00Z")
	flags.StringVar(&until, "until", "", "nothing from this time on")
	return c
}

// replaceFileBy has a file written whole, or leaves what is there.
func replaceFileBy(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	err = write(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
