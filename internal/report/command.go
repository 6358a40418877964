package report

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// Defaults of the flags.
const (
	kernelLine  = "/proc/cmdline"
	defaultFile = "/etc/bos/report.conf"
)

// What a process ends with.
const (
	ExitNotTaken = 1
	// ExitSettings says that trying again is no use.
	ExitSettings = 2
)

const usage = `Tells BOS what this node has booted, and again before BOS forgets it.

Who the node is and what it booted is read from the kernel's command line (xname=,
bss_referral_token=, bos_node_token=), and so is the address of BOS (bos_api=), how
often to report (bos_update_frequency=), and the names of files (bos_ca_file=,
bos_token_file=). What is not there may be in the file of --config, as the same words.
Flags win over the environment (BOS_API, BOS_XNAME, ...), that over the kernel's
command line, and that over the file.

`

// Command runs the program until ctx ends: args are its flags.
func Command(ctx context.Context, args []string, version string, out, log io.Writer) error {
	flags := flag.NewFlagSet("bos-report", flag.ContinueOnError)
	flags.SetOutput(log)
	given := make(map[string]string)
	word := func(name, word, what string) {
		flags.Func(name, what, func(value string) error { given[word] = value; return nil })
	}
	word("api", WordAPI, "`address` of BOS, the prefix before /v2, such as http://10.1.0.1:8771 (bos_api=, BOS_API)")
	word("xname", WordXname, "`name` of this node (xname=, BOS_XNAME)")
	word("token", WordToken, "referral `token` of what it booted (bss_referral_token=, BOS_REFERRAL_TOKEN)")
	word("frequency", WordFrequency, "`time` after which BOS forgets a report, such as 4h; reports come before (bos_update_frequency=, BOS_UPDATE_FREQUENCY)")
	word("ca-file", WordCAFile, "`file` with the certificates that the one of BOS is checked by (bos_ca_file=, BOS_CA_FILE)")
	word("token-file", WordTokenFile, "`file` with a bearer token for the API (bos_token_file=, BOS_TOKEN_FILE)")
	line := flags.String("cmdline", kernelLine, "`file` with the kernel's command line")
	config := flags.String("config", defaultFile, "`file` with words for what is not on it; it may be missing")
	once := flags.Bool("once", false, "end after the first report that BOS took")
	timeout := flags.Duration("timeout", 0, "with --once, give up after so long; 0 tries for ever")
	show := flags.Bool("version", false, "print the version")
	flags.Usage = func() {
		_, _ = fmt.Fprint(log, usage) // as flags does
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w", ErrSettings, err)
	case flags.NArg() > 0:
		return fmt.Errorf("%w: %q is not expected; there are flags only", ErrSettings, flags.Arg(0))
	case *show:
		_, err := fmt.Fprintln(out, version)
		return err
	}
	found := sources{func(word string) string { return given[word] }, environment(os.Getenv)}
	for _, path := range []string{*line, *config} {
		source, err := words(path)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSettings, err)
		}
		found = append(found, source)
	}
	settings, err := found.settings()
	if err != nil {
		return err
	}
	return run(ctx, &Reporter{Settings: settings, Once: *once, Log: log}, *timeout)
}

func run(ctx context.Context, r *Reporter, timeout time.Duration) error {
	if timeout > 0 && r.Once {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	return r.Run(ctx)
}

// ExitCode is what a process ends with after an error of Command.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrSettings):
		return ExitSettings
	default:
		return ExitNotTaken
	}
}
