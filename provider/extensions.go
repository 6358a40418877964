package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// announces reports whether BOS has an extension, without which it cannot do what a
// data source is for. Where it has not, one error says so, and what to use in its
// place.
func announces(ctx context.Context, c *client.Client, extension, source, does, instead string, diags *diag.Diagnostics) bool {
	caps, err := c.Capabilities(ctx)
	if err != nil {
		unable(diags, "ask BOS for its extensions", err)
		return false
	}
	if client.Has(caps, extension) {
		return true
	}
	diags.AddError("This BOS cannot "+does, fmt.Sprintf(
		"data.%s needs a BOS that announces the extension %q, as the bundled service does, and the one at %s %s. %s",
		source, extension, c.Endpoint(), whoIs(caps), instead))
	return false
}

// whoIs says of a BOS without an extension what it is.
func whoIs(caps bos.Capabilities) string {
	if caps.Service == "" {
		return "is a plain BOS v2"
	}
	return fmt.Sprintf("(%s %s) is older, or is not configured for it", caps.Service, caps.Version)
}
