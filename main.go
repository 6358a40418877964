// Command terraform-provider-bos is a Terraform plugin when Terraform starts
// it, and the bundled BOS service and its tools otherwise.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/bootorch/terraform-provider-bos/internal/cli"
	"github.com/bootorch/terraform-provider-bos/provider"
)

// version is set by the release build.
var version = "0.1.0"

func main() {
	run := func() error { return cli.Command(version) }
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
