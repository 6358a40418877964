package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

type previewDataSource struct{ dataSourceBase }

var _ datasource.DataSourceWithConfigValidators = (*previewDataSource)(nil)

func newPreviewDataSource() datasource.DataSource { return &previewDataSource{} }

type previewModel struct {
	Tenant          types.String `tfsdk:"tenant"`
	TemplateName    types.String `tfsdk:"template_name"`
	Template        types.Object `tfsdk:"template"`
	Operation       types.String `tfsdk:"operation"`
	Limit           types.String `tfsdk:"limit"`
	Stage           types.Bool   `tfsdk:"stage"`
	IncludeDisabled types.Bool   `tfsdk:"include_disabled"`

	Available types.Bool   `tfsdk:"available"`
	Pin       types.String `tfsdk:"pin"`
	Nodes     types.String `tfsdk:"nodes"`
	NodeCount types.Int64  `tfsdk:"node_count"`
	Roles     types.Map    `tfsdk:"roles"`
	BootSets  types.Map    `tfsdk:"boot_sets"`
	Skipped   types.Map    `tfsdk:"skipped"`
	Warnings  types.List   `tfsdk:"warnings"`
}

// inlineTemplate is a template that is given to a preview instead of a name.
type inlineTemplate struct {
	EnableCFS types.Bool   `tfsdk:"enable_cfs"`
	CFS       types.Object `tfsdk:"cfs"`
	BootSets  types.Map    `tfsdk:"boot_sets"`
}

// plannedSetType is what a preview says of one boot set.
var plannedSetType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"nodes": types.StringType, "node_count": types.Int64Type, "image_path": types.StringType, "image_etag": types.StringType,
}}

func (d *previewDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session_preview"
}

func (d *previewDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.AtLeastOneOf(path.MatchRoot("template_name"), path.MatchRoot("template"))}
}

func (d *previewDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What a session would do, node by node, if it were created now. Nothing is changed.\n\n" +
			"Its `pin`, given to a `bos_session`, holds that session to what was reviewed: the saved plan carries the pin, and the service refuses the session if nodes, images or parameters are others by then. " +
			"Terraform reads a data source at plan only if all its arguments are known then, so give it a stored template by name, or the content of the template from `locals` that the `bos_session_template` uses as well. " +
			"The other way, which needs no data source, is `applying = terraform.applying` in the provider block.",
		Attributes: map[string]schema.Attribute{
			"tenant":        tenantArgument("Tenant the session would be run for; defaults to the provider's."),
			"template_name": schema.StringAttribute{Optional: true, Validators: []validator.String{validName()}, MarkdownDescription: "Session template that the session would go by. With `template` also given, only its name."},
			"template":      inlineTemplateAttribute(),
			"operation": schema.StringAttribute{
				Required: true, Validators: []validator.String{stringvalidator.OneOf(operationNames()...)},
				MarkdownDescription: "`boot`, `reboot` or `shutdown`.",
			},
			"limit":            schema.StringAttribute{Optional: true, Validators: []validator.String{limitSyntax{}}, MarkdownDescription: "Nodes to act on, out of those of the template, as in `bos_session`."},
			"stage":            schema.BoolAttribute{Optional: true, MarkdownDescription: "Preview a session that stages. Defaults to `false`."},
			"include_disabled": schema.BoolAttribute{Optional: true, MarkdownDescription: "Preview a session that also acts on nodes that are disabled in the inventory. Defaults to `false`."},

			"available":  readFlag("The service can say what a session would do. `false` on a plain BOS v2: `nodes` is empty and everything else below is null then, and a warning says so."),
			"pin":        readText("Stands for the operation, the nodes, and what they boot with which parameters. Give it to a `bos_session`."),
			"nodes":      readText("Nodes the session would act on, folded; `provider::bos::xname_expand` writes them out."),
			"node_count": readCount("How many nodes these are."),
			"roles":      schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: rolesDescription},
			"boot_sets": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "The same by boot set.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"nodes": readText("Nodes of this boot set, folded."), "node_count": readCount("How many nodes these are."),
					"image_path": readText("Image they would boot, null for a shutdown."), "image_etag": readText("Etag of the image's manifest now, null for a shutdown."),
				}},
			},
			"skipped":  schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Nodes that the template names and the session would leave out, folded, by reason."},
			"warnings": readWords("What else a reviewer should know, such as groups that the inventory does not have."),
		},
	}
}

const rolesDescription = "The same nodes by their role in the inventory, folded; those without a role are under `none`. A policy on the plan can go by it, such as one that nothing of role `Management` is ever rebooted. Null on a server that cannot say."

// inlineTemplateAttribute is the content of bos_session_template.
func inlineTemplateAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "A template that need not be stored, with the arguments of `bos_session_template`.",
		Attributes: map[string]schema.Attribute{
			"enable_cfs": schema.BoolAttribute{Optional: true, MarkdownDescription: enableCFSDescription},
			"cfs":        givenConfiguration(templateConfiguration),
			"boot_sets":  givenBootSets(),
		},
	}
}

func (d *previewDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m previewModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	m.Tenant = d.tenantOr(m.Tenant)
	ask := previewQuestion{
		PreviewRequest: bos.PreviewRequest{
			TemplateName: m.TemplateName.ValueString(), Operation: bos.Operation(m.Operation.ValueString()), Limit: m.Limit.ValueString(),
			Stage: m.Stage.ValueBool(), IncludeDisabled: m.IncludeDisabled.ValueBool(),
		},
		tenant: m.Tenant.ValueString(),
	}
	if !m.Template.IsNull() {
		ask.Template = m.inline(ctx, &resp.Diagnostics)
		if resp.Diagnostics.HasError() {
			return
		}
	}
	preview, why := d.shared.ask(ctx, c, ask, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if preview == nil {
		d.shared.noPreview(asked(m.Operation, m.TemplateName, m.Limit), why, &resp.Diagnostics)
		m.Available, m.Pin, m.Nodes, m.NodeCount = types.BoolValue(false), types.StringNull(), types.StringValue(""), types.Int64Null()
		m.Roles, m.BootSets = types.MapNull(types.StringType), types.MapNull(plannedSetType)
		m.Skipped, m.Warnings = types.MapNull(types.StringType), types.ListNull(types.StringType)
	} else {
		m.take(*preview)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (m *previewModel) take(p bos.Preview) {
	m.Available = types.BoolValue(true)
	m.Pin, m.Nodes, m.NodeCount = types.StringValue(p.Pin), types.StringValue(p.Nodes), types.Int64Value(int64(p.Count))
	m.Roles, m.BootSets, m.Skipped = rolesOf(p), bootSetsOf(p), skippedOf(p)
	m.Warnings = orderedWords(p.Warnings)
}

// inline is the template that is given here.
func (m *previewModel) inline(ctx context.Context, diags *diag.Diagnostics) *bos.SessionTemplate {
	var given inlineTemplate
	diags.Append(m.Template.As(ctx, &given, basetypes.ObjectAsOptions{})...)
	t := templateModel{Name: m.TemplateName, EnableCFS: given.EnableCFS, CFS: given.CFS, BootSets: given.BootSets}.toAPI(ctx, diags)
	for name, set := range t.BootSets {
		if set.Type == "" {
			set.Type = bootSetTypeS3
			t.BootSets[name] = set
		}
	}
	return &t
}
