package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/doctor"
)

// Exit is an error that says all with the status that the program ends with.
type Exit struct{ Status int }

func (e *Exit) Error() string { return fmt.Sprintf("exit status %d", e.Status) }

// The statuses that check ends with; 0 is that all is in order.
const (
	statusWarnings = 1
	statusErrors   = 2
)

type checkFlags struct {
	config, listen, database string
	names, images            []string
	allowRemote, asJSON      bool
	timeout                  time.Duration
	bmcs                     int
}

func checkCommand() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use: "check", Short: "Try a configuration on its site: each service, one BMC of each make, this machine", Args: cobra.NoArgs,
		Long: "Tries a configuration on its site before the first session does: each service that it names, the network and certificate of BMCs,\n" +
			"user and password on one BMC of each make, the stores of images, the database, addresses, names and clocks. It changes nothing,\n" +
			"never touches power, and gives a BMC a password once: after one refused it, no other BMC is given the same.\n\n" +
			"Each finding is one line. It ends with 0 if all is in order, 1 if there are warnings, 2 if there are errors.",
		RunE: func(c *cobra.Command, _ []string) error { return check(c, f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.config, "config", os.Getenv("BOS_CONFIG"), "configuration file (BOS_CONFIG)")
	flags.StringVar(&f.listen, "listen", os.Getenv("BOS_LISTEN"), "address of the API, as for serve (BOS_LISTEN; default "+defaultListen+")")
	flags.StringSliceVar(&f.names, "names", nil, "host names under which clients ask the API, as for serve (BOS_NAMES)")
	flags.StringVar(&f.database, "database", os.Getenv("BOS_DATABASE"), "database file or postgres://user@host/database, as for serve (BOS_DATABASE; default "+defaultDatabase+")")
	flags.BoolVar(&f.allowRemote, "allow-remote", false, "as for serve")
	flags.StringArrayVar(&f.images, "image", nil, "path of an image's manifest that shall be readable, as in a template; may be repeated")
	flags.BoolVar(&f.asJSON, "json", false, "print the findings as JSON")
	flags.DurationVar(&f.timeout, "timeout", doctor.DefaultTimeout, "how long each part of the check may take")
	flags.IntVar(&f.bmcs, "bmcs", doctor.DefaultBMCs, "how many BMCs are asked for their make, without a password, spread over the site")
	return c
}

func check(c *cobra.Command, f checkFlags) error {
	settings, err := loaded(f.config)
	if err == nil {
		err = settings.SetDatabase(f.database, "--database")
	}
	var report doctor.Report
	if err != nil {
		report = doctor.Unread(f.config, err)
	} else {
		settings.Listen = cmp.Or(f.listen, settings.Listen, defaultListen)
		settings.Database = cmp.Or(settings.Database, defaultDatabase)
		if len(f.names) > 0 {
			settings.Names = f.names
		}
		report = doctor.Check(c.Context(), doctor.Options{Config: settings, AllowRemote: f.allowRemote, Images: f.images, Timeout: f.timeout, BMCs: f.bmcs})
	}
	if err := f.print(c, report); err != nil {
		return err
	}
	switch report.Worst() {
	case doctor.LevelError:
		return &Exit{statusErrors}
	case doctor.LevelWarning:
		return &Exit{statusWarnings}
	case doctor.LevelOK:
	}
	return nil
}

func (f checkFlags) print(c *cobra.Command, r doctor.Report) error {
	if !f.asJSON {
		return r.Write(c.OutOrStdout())
	}
	text, err := json.MarshalIndent(struct {
		Outcome doctor.Level `json:"outcome"`
		doctor.Report
	}{r.Worst(), r}, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", text)
	return err
}
