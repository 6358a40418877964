package provider

import (
	"context"

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
		at := path.Root(name)
		if s, ok := attribute.(interface{ StringValidators() []validator.String }); ok {
			var value types.String
			diags.Append(config.GetAttribute(ctx, at, &value)...)
			for _, v := range s.StringValidators() {
				resp := validator.StringResponse{}
				v.ValidateString(ctx, validator.StringRequest{Path: at, PathExpression: at.Expression(), Config: config, ConfigValue: value}, &resp)
				diags.Append(resp.Diagnostics...)
			}
		}
		if l, ok := attribute.(interface{ ListValidators() []validator.List }); ok {
			var value types.List
			diags.Append(config.GetAttribute(ctx, at, &value)...)
			for _, v := range l.ListValidators() {
				resp := validator.ListResponse{}
				v.ValidateList(ctx, validator.ListRequest{Path: at, PathExpression: at.Expression(), Config: config, ConfigValue: value}, &resp)
				diags.Append(resp.Diagnostics...)
			}
		}
	}
	return diags
}
