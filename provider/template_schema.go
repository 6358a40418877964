package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The limits of bos-contract section 2 on templates, in characters or entries.
const (
	maxDescription      = 1023
	maxKernelParameters = 4096
	maxImagePath        = 4095
	maxETag             = 65536
	maxBootSetType      = 127
	maxRootfsProvider   = 511
	maxPassthrough      = 4096
	maxConfiguration    = 127
	maxNodeList         = 65535
	maxNodeGroups       = 4095
	maxNodeRoles        = 1023
	maxBootSets         = 127
)

func textBetween(least, most int) []validator.String {
	return []validator.String{stringvalidator.UTF8LengthBetween(least, most)}
}

func (r *templateResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A session template: which nodes boot which image, with which kernel parameters and configuration. It boots nothing by " +
			"itself; a `bos_session` does.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Computed: true, MarkdownDescription: "`name`, or `tenant/name`."},
			"name": schema.StringAttribute{
				Required: true, Validators: []validator.String{validName()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				MarkdownDescription: "Name of the template: " + bos.NameRule + ". Creating one that exists already is refused; import it.",
			},
			"tenant": schema.StringAttribute{
				Optional: true, Computed: true, Validators: textBetween(1, bos.MaxTenantName),
				MarkdownDescription: "Tenant the template belongs to; defaults to the provider's. Changing it replaces the template.",
			},
			"description": schema.StringAttribute{
				Optional: true, Validators: textBetween(1, maxDescription),
				MarkdownDescription: "What the template is for.",
			},
			"enable_cfs": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(true),
				MarkdownDescription: enableCFSDescription,
			},
			"cfs":       managedConfiguration(templateConfiguration),
			"boot_sets": managedBootSets(),
			"valid": schema.BoolAttribute{
				Computed:            true,
				MarkdownDescription: "BOS finds nothing wrong with the stored template, its image included. What is wrong warns here, and fails a session that boots it.",
			},
			"validation_message": computedText("What BOS finds wrong with it; empty if nothing, or if it is not known."),
			"revision": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "Hash of everything that decides what nodes boot; the description and the order of nodes do not count. " +
					"It is known at plan, so `triggers = { template = bos_session_template.x.revision }` runs a session again exactly when the template changes.",
			},
		},
	}
}

func archNames() []string {
	var names []string
	for _, arch := range bos.Archs() {
		names = append(names, string(arch))
	}
	return names
}

// someNodes wants at least one selector in a boot set.
type someNodes struct{}

func (someNodes) Description(context.Context) string {
	return "at least one of node_list, node_groups and node_roles_groups"
}

func (v someNodes) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v someNodes) ValidateObject(ctx context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	attributes := req.ConfigValue.Attributes()
	for _, name := range []string{"node_list", "node_groups", "node_roles_groups"} {
		if value, ok := attributes[name]; ok && !value.IsNull() {
			return
		}
	}
	resp.Diagnostics.AddAttributeError(req.Path, "Boot set selects no nodes", "Give "+v.Description(ctx)+".")
}

// noNulls says what is wrong with a boot set that is null, as a condition without
// an else makes it. Terraform itself only misses its arguments.
type noNulls struct{}

func (noNulls) Description(context.Context) string { return "no boot set is null" }

func (v noNulls) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (noNulls) ValidateMap(_ context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	for name, set := range req.ConfigValue.Elements() {
		if set.IsNull() {
			resp.Diagnostics.AddAttributeError(req.Path.AtMapKey(name), "Boot set is null",
				fmt.Sprintf("Boot set %q is null, which is no boot set. Leave it out instead: boot_sets = { for name, set in local.boot_sets : name => set if "+
					"set != null }", name))
		}
	}
}
