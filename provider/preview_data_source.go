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
	Effects   types.Map    `tfsdk:"effects"`
	InFlight  types.List   `tfsdk:"in_flight"`
	Warnings  types.List   `tfsdk:"warnings"`
	Rollout   types.Object `tfsdk:"rollout"`
	Batches   types.List   `tfsdk:"batches"`
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

// effectType is the nodes that a session would treat alike, inFlightType those that
// another session is at work on.
var (
	effectType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"nodes": types.StringType, "node_count": types.Int64Type, "reasons": types.MapType{ElemType: types.StringType},
	}}
	inFlightType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"session": types.StringType, "tenant": types.StringType, "operation": types.StringType, "accepted": types.StringType, "by": types.StringType,
		"reason": types.StringType, "nodes": types.StringType, "node_count": types.Int64Type,
	}}
)

func (d *previewDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session_preview"
}

func (d *previewDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.AtLeastOneOf(path.MatchRoot("template_name"), path.MatchRoot("template"))}
}

func (d *previewDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What a session would do, node by node, if it were created now. Nothing is changed.\n\n" +
			"Its `pin`, given to a `bos_session`, holds that session to what was reviewed: the saved plan carries the pin, and the service refuses the " +
			"session if nodes, images or parameters are others by then. " +
			"Terraform reads a data source at plan only if all its arguments are known then, so give it a stored template by name, or the content of the " +
			"template from `locals` that the `bos_session_template` uses as well. " +
			"The other way, which needs no data source, is `applying = terraform.applying` in the provider block.",
		Attributes: map[string]schema.Attribute{
			"tenant": tenantArgument("Tenant the session would be run for; defaults to the provider's."),
			"template_name": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validName()},
				MarkdownDescription: "Session template that " +
					"the session would go by. With `template` also given, only its name.",
			},
			"template": inlineTemplateAttribute(),
			"operation": schema.StringAttribute{
				Required: true, Validators: []validator.String{stringvalidator.OneOf(operationNames()...)},
				MarkdownDescription: "`boot`, `reboot` or `shutdown`.",
			},
			"limit": schema.StringAttribute{
				Optional: true, Validators: []validator.String{limitSyntax{}},
				MarkdownDescription: "Nodes to act on, " +
					"out of those of the template, as in `bos_session`.",
			},
			"stage": schema.BoolAttribute{Optional: true, MarkdownDescription: "Preview a session that stages. Defaults to `false`."},
			"include_disabled": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Preview a session that also acts on nodes that are disabled in the " +
					"inventory. Defaults to `false`.",
			},

			"rollout": givenRollout(),

			"available": readFlag("The service can say what a session would do. `false` on a plain BOS v2: `nodes` is empty and everything else below is " +
				"null then, and a warning says so."),
			"pin":        readText("Fingerprint of the preview: nodes, images, kernel parameters, operation. Give it to a `bos_session`."),
			"nodes":      readText("Nodes the session would act on, folded; `provider::bos::xname_expand` writes them out."),
			"node_count": readCount("Number of nodes in `nodes`."),
			"roles":      schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: rolesDescription},
			"boot_sets": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "The same by boot set.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"nodes": readText("Nodes of this boot set, folded."), "node_count": readCount("Number of nodes in `nodes`."),
					"image_path": readText("Image they would boot, null for a shutdown."), "image_etag": readText("Etag of the image's manifest now, null for a shutdown."),
				}},
			},
			"batches": readBatches(),
			"skipped": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Nodes that the template names and the session " +
					"would leave out, folded, by reason.",
			},
			"effects": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: effectsDescription,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"nodes": readText("The nodes, folded."), "node_count": readCount("Number of nodes in `nodes`."),
					"reasons": schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "The same nodes, folded, by reason."},
				}},
			},
			"in_flight": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "Other sessions that are at work on some of the nodes now, or are about to be; a session that is created " +
					"takes the nodes from them. Null on a server that cannot say.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"session": readText("Name of that session."), "tenant": readText("Its tenant, null for none."), "operation": readText("What it does."),
					"accepted": readText("When it was accepted, in UTC."), "by": readText("Who asked for it, empty where that is not known."),
					"reason": readText("The reason that was given for it, empty for none."),
					"nodes":  readText("The nodes that it is at work on, folded."), "node_count": readCount("Number of nodes in `nodes`."),
				}},
			},
			"warnings": readWords("What else a reviewer should know, such as groups that the inventory does not have."),
		},
	}
}

const effectsDescription = "What a session would do to the nodes as things stand now, by effect: `reboots`, `boots_or_reboots` (their power is not " +
	"known), `boots`, `powers_off`, `configures`, `stages`, `already_there`, `stays_off`, `fails` and `skipped`. " +
	"It depends on the power of the nodes and on what they reported last, so it changes from one plan to the next and is no part of `pin`. Effects on " +
	"no node are left out."

const rolesDescription = "The same nodes by their role in the inventory, folded; those without a role are under `none`. A policy on the plan can go " +
	"by it, such as one that nothing of role `Management` is ever rebooted. Null on a server that cannot say."

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
	var err error
	ask := previewQuestion{
		PreviewRequest: bos.PreviewRequest{
			TemplateName: m.TemplateName.ValueString(), Operation: bos.Operation(m.Operation.ValueString()), Limit: m.Limit.ValueString(),
			Stage: m.Stage.ValueBool(), IncludeDisabled: m.IncludeDisabled.ValueBool(),
		},
		tenant: m.Tenant.ValueString(),
	}
	if ask.Rollout, err = rolloutOf(ctx, m.Rollout); err == nil {
		err = bos.CheckRollout(ask.Rollout, m.Stage.ValueBool())
	}
	if err != nil {
		wrongRollout(err, &resp.Diagnostics)
		return
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
		d.shared.noPreview(m.Operation, m.TemplateName, m.Limit, why, &resp.Diagnostics)
		m.Available, m.Pin, m.Nodes, m.NodeCount = types.BoolValue(false), types.StringNull(), types.StringValue(""), types.Int64Null()
		m.Batches = types.ListNull(plannedBatchType)
		m.Roles, m.BootSets = types.MapNull(types.StringType), types.MapNull(plannedSetType)
		m.Effects, m.InFlight = types.MapNull(effectType), types.ListNull(inFlightType)
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
	m.Effects, m.InFlight, m.Batches = effectsOf(p), inFlightOf(p), batchesOf(p)
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

// effectsOf are the effects of a preview, those of one kind together.
func effectsOf(p bos.Preview) types.Map {
	nodes, reasons := make(map[bos.NodeEffect][]string), make(map[bos.NodeEffect]map[string]attr.Value)
	counts := make(map[bos.NodeEffect]int64)
	for _, e := range p.Effects {
		if reasons[e.Effect] == nil {
			reasons[e.Effect] = make(map[string]attr.Value)
		}
		reasons[e.Effect][e.Reason] = types.StringValue(e.Nodes)
		ids, _ := bos.Expand(e.Nodes, bos.MaxExpand) // a preview's own folding expands
		nodes[e.Effect] = append(nodes[e.Effect], ids...)
		counts[e.Effect] += int64(e.Count)
	}
	effects := make(map[string]attr.Value, len(nodes))
	for effect, ids := range nodes {
		effects[string(effect)] = types.ObjectValueMust(effectType.AttrTypes, map[string]attr.Value{
			"nodes": types.StringValue(bos.Fold(ids)), "node_count": types.Int64Value(counts[effect]),
			"reasons": types.MapValueMust(types.StringType, reasons[effect]),
		})
	}
	return types.MapValueMust(effectType, effects)
}

// inFlightOf are the other sessions at work; null for a server that does not say.
func inFlightOf(p bos.Preview) types.List {
	if p.Busy == nil {
		return types.ListNull(inFlightType)
	}
	sessions := make([]attr.Value, len(p.Busy))
	for i, b := range p.Busy {
		sessions[i] = types.ObjectValueMust(inFlightType.AttrTypes, map[string]attr.Value{
			"session": types.StringValue(b.Session), "tenant": orNull(bos.TenantOf(b.Tenant)), "operation": types.StringValue(string(b.Operation)),
			"accepted": types.StringValue(b.Accepted.String()), "by": types.StringValue(b.By), "reason": types.StringValue(b.Reason),
			"nodes": types.StringValue(b.Nodes), "node_count": types.Int64Value(int64(b.Count)),
		})
	}
	return types.ListValueMust(inFlightType, sessions)
}
