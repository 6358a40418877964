// Command terraform-provider-bos is a Terraform plugin when Terraform starts
// it, and the bundled BOS service and its tools otherwise.
package main

import (
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
	err := run()
	status, said := cli.Status(err)
	if !said {
		fmt.Fprintln(os.Stderr, "Error:", cli.Plain(err.Error()))
	}
	os.Exit(status)
}
