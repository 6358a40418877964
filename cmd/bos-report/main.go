// Command bos-report tells BOS what a node has booted. It is the same as the command
// report of terraform-provider-bos, small enough for an initrd.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/bootorch/terraform-provider-bos/internal/report"
	"github.com/bootorch/terraform-provider-bos/internal/systemd"
)

// version is set by the release build.
var version = "0.1.0"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), systemd.Stops()...)
	err := report.Command(ctx, os.Args[1:], version, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bos-report:", err)
		os.Exit(report.ExitCode(err))
	}
}
