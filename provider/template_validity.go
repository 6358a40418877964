package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// wordValid is what BOS says of a template that has nothing wrong with it.
const wordValid = "Valid"

// readValidity takes over what BOS finds wrong with the stored template. It is
// advice: that it cannot be had fails nothing.
func (m *templateModel) readValidity(ctx context.Context, c *client.Client, diags *diag.Diagnostics) {
	text, err := c.TemplateValidity(ctx, m.Name.ValueString())
	switch {
	case client.IsNotFound(err), client.IsForbidden(err):
		// The template is there, so it is the question that this BOS does not know, or
		// that a tenant may not ask.
		m.Valid, m.ValidationMessage = types.BoolNull(), types.StringValue("")
	case err != nil:
		m.Valid, m.ValidationMessage = types.BoolNull(), types.StringValue("")
		diags.AddWarning("Validity of BOS session template is not known", explain(err))
	case text == wordValid:
		m.Valid, m.ValidationMessage = types.BoolValue(true), types.StringValue("")
	default:
		m.Valid, m.ValidationMessage = types.BoolValue(false), types.StringValue(text)
	}
}
