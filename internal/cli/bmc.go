package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/doctor"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

func bmcCommand() *cobra.Command {
	c := &cobra.Command{Use: "bmc", Short: "Work on what is known of BMCs"}
	c.AddCommand(bmcPinCommand())
	return c
}

type pinFlags struct {
	config, file, names, changed string
	write                        bool
}

func bmcPinCommand() *cobra.Command {
	var f pinFlags
	c := &cobra.Command{
		Use: "pin", Short: "Show the certificates of BMCs beside their pins, and pin new ones", Args: cobra.NoArgs,
		Long: "Connects to the BMCs of the inventory, without user and password, and compares their certificates with the pins in\n" +
			"power.redfish.pins_file. Nothing is written without --write, which adds those that have no pin. A BMC that shows another\n" +
			"certificate than its pin keeps the pin, and is not spoken to, until --changed names it: somebody else may have its address.\n\n" +
			"It ends with 0, and with 1 if a BMC shows another certificate than its pin, or none.",
		RunE: func(c *cobra.Command, _ []string) error { return pin(c, f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.config, "config", os.Getenv("BOS_CONFIG"), "configuration file (BOS_CONFIG)")
	flags.StringVar(&f.file, "pins-file", "", "file of the pins (default: power.redfish.pins_file)")
	flags.StringVar(&f.names, "bmcs", "", "xnames of the BMCs to connect to, which may be folded as in x3000c0s[1-40]b0 (default: all of the inventory)")
	flags.BoolVar(&f.write, "write", false, "add the new pins to the file")
	flags.StringVar(&f.changed, "changed", "", "with --write, xnames of BMCs whose new certificate is taken in the place of their pin")
	return c
}

func pin(c *cobra.Command, f pinFlags) error {
	wanted, err := bmcNames("--bmcs", f.names)
	if err != nil {
		return err
	}
	accepted, err := bmcNames("--changed", f.changed)
	if err != nil {
		return err
	}
	if len(accepted) > 0 && !f.write {
		return errors.New("--changed needs --write, without which nothing is written")
	}
	settings, err := loaded(f.config)
	if err != nil {
		return err
	}
	if settings.Power.Redfish != nil {
		settings.Power.Redfish.PinsFile = cmp.Or(f.file, settings.Power.Redfish.PinsFile)
		f.file = settings.Power.Redfish.PinsFile
	}
	pins, err := doctor.Pins(c.Context(), settings, wanted)
	if err != nil {
		return err
	}
	if f.write && f.file == "" {
		return errors.New("there is no file to write to; name power.redfish.pins_file in the configuration, or --pins-file")
	}
	return f.tell(c, pins, accepted)
}

// tell prints what BMCs show, and writes what may be.
func (f pinFlags) tell(c *cobra.Command, pins []doctor.Pin, accepted []string) error {
	out, write := c.OutOrStdout(), make(map[string]string)
	count := make(map[doctor.Pinned]int)
	kept := 0
	for _, p := range pins {
		count[p.State]++
		var err error
		switch p.State {
		case doctor.PinSame:
		case doctor.PinSilent:
			_, err = fmt.Fprintf(out, "silent   %s: %v\n", p.BMC, p.Err)
		case doctor.PinNew:
			write[p.BMC] = p.Is
			_, err = fmt.Fprintf(out, "new      %s %s (%s at %s, until %s)\n", p.BMC, p.Is, p.Subject, p.Address, p.Until.UTC().Format(time.DateOnly))
		case doctor.PinChanged:
			where := "its pin stays, and nothing is sent to it; see whether it is the right machine, then name it in --changed"
			switch {
			case p.Elsewhere:
				where = "its pin is in the inventory file or in power.redfish.bmcs; see whether it is the right machine, then correct it there"
				kept++
			case slices.Contains(accepted, p.BMC):
				where, write[p.BMC] = "taken, as --changed names it", p.Is
			default:
				kept++
			}
			_, err = fmt.Fprintf(out, "changed  %s was %s, is %s (%s at %s, until %s); %s\n", p.BMC, p.Was, p.Is, p.Subject, p.Address, p.Until.UTC().Format(time.DateOnly), where)
		}
		if err != nil {
			return err
		}
	}
	if err := f.store(write); err != nil {
		return err
	}
	done := "nothing was written; --write adds the new ones"
	if f.write {
		done = fmt.Sprintf("%d were written to %s", len(write), f.file)
	}
	if _, err := fmt.Fprintf(out, "%d new, %d changed, %d as pinned, %d silent; %s\n", count[doctor.PinNew], count[doctor.PinChanged], count[doctor.PinSame], count[doctor.PinSilent], done); err != nil {
		return err
	}
	if kept+count[doctor.PinSilent] > 0 {
		return &Exit{statusWarnings}
	}
	return nil
}

// store writes pins into their file.
func (f pinFlags) store(pins map[string]string) error {
	if !f.write || len(pins) == 0 {
		return nil
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(f.file); err == nil {
		mode = info.Mode().Perm()
	}
	before, err := os.ReadFile(f.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the pins: %w", err)
	}
	if err := replaceFile(f.file, []byte(config.WithPins(string(before), pins))); err != nil {
		return fmt.Errorf("cannot write the pins: %w", err)
	}
	return os.Chmod(f.file, mode)
}

func bmcNames(flag, folded string) ([]string, error) {
	if folded == "" {
		return nil, nil
	}
	names, err := config.BMCs{Names: folded}.Xnames()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	slices.SortFunc(names, bos.CompareXnames)
	return slices.Compact(names), nil
}

// loaded is the settings of a file, or of the environment where there is none.
func loaded(file string) (config.Config, error) {
	if file == "" {
		return config.FromEnvironment()
	}
	return config.Load(file)
}
