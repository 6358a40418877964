package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// checked validates the arguments of an action once more. Terraform does so when
// it validates a configuration, at which time variables and what is read from
// BOS are unknown, and not when it plans or invokes the action with their values.
func checked(ctx context.Context, config tfsdk.Config) (diags diag.Diagnostics) {
	for name, attribute := range config.Schema.GetAttributes() {
		diags.Append(checkedAttribute(ctx, config, path.Root(name), attribute)...)
	}
	return diags
}

func checkedAttribute(ctx context.Context, config tfsdk.Config, at path.Path, attribute any) (diags diag.Diagnostics) {
	switch a := attribute.(type) {
	case schema.StringAttribute:
		var value types.String
		diags.Append(config.GetAttribute(ctx, at, &value)...)
		for _, v := range a.Validators {
			resp := validator.StringResponse{}
			v.ValidateString(ctx, validator.StringRequest{Path: at, PathExpression: at.Expression(), Config: config, ConfigValue: value}, &resp)
			diags.Append(resp.Diagnostics...)
		}
	case schema.ListAttribute:
		var value types.List
		diags.Append(config.GetAttribute(ctx, at, &value)...)
		for _, v := range a.Validators {
			resp := validator.ListResponse{}
			v.ValidateList(ctx, validator.ListRequest{Path: at, PathExpression: at.Expression(), Config: config, ConfigValue: value}, &resp)
			diags.Append(resp.Diagnostics...)
		}
	case schema.SingleNestedAttribute:
		for name, nested := range a.Attributes {
			diags.Append(checkedAttribute(ctx, config, at.AtName(name), nested)...)
		}
	}
	return diags
}
