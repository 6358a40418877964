// Command terraform-provider-bos is a Terraform plugin when Terraform starts
// it, and the bundled BOS service and its tools otherwise.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/bootorch/terraform-provider-bos/internal/cli"
	"github.com/bootorch/terraform-provider-bos/provider"
)

// version is set by the release build.
var version = "0.1.0"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := cli.Run
	if os.Getenv("TF_PLUGIN_MAGIC_COOKIE") != "" {
		run = func(_ context.Context, version string) error { return provider.Serve(version) }
	}
	if err := run(ctx, version); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}
