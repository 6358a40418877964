// Command terraform-provider-bos is a Terraform plugin when Terraform starts
// it, and the bundled BOS service and its tools otherwise.
package main

import (
	"context"
	"errors"
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
	run := command
	if os.Getenv(provider.PluginCookie) != "" {
		run = func() error { return provider.Serve(version) }
	}
	if err := run(); err != nil {
		var exit *cli.Exit
		if errors.As(err, &exit) {
			os.Exit(exit.Status) // it has said why
		}
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// command runs the service or a tool until it is done or a signal ends it. What
// signals mean to a plugin is the provider's own affair.
func command() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(ctx, version)
}
