package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

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
	who := "is a plain BOS v2"
	if caps.Service != "" {
		who = fmt.Sprintf("(%s %s) is older, or is not configured for it", caps.Service, caps.Version)
	}
	diags.AddError("This BOS cannot "+does, fmt.Sprintf(
		"data.%s needs a BOS that announces the extension %q, as the bundled service does, and the one at %s %s. %s",
		source, extension, c.Endpoint(), who, instead))
	return false
}
