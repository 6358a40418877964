package provider

import (
	"cmp"
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

type nodesDataSource struct{ dataSourceBase }

func newNodesDataSource() datasource.DataSource { return &nodesDataSource{} }

type nodesModel struct {
	Tenant    types.String `tfsdk:"tenant"`
	Limit     types.String `tfsdk:"limit"`
	Role      types.String `tfsdk:"role"`
	Group     types.String `tfsdk:"group"`
	Partition types.String `tfsdk:"partition"`
	Enabled   types.Bool   `tfsdk:"enabled"`
	Addresses types.Bool   `tfsdk:"addresses"`

	Nodes      types.String `tfsdk:"nodes"`
	NodeCount  types.Int64  `tfsdk:"node_count"`
	Skipped    types.Map    `tfsdk:"skipped"`
	Roles      types.Map    `tfsdk:"roles"`
	Groups     types.Map    `tfsdk:"groups"`
	Partitions types.Map    `tfsdk:"partitions"`
	ByXname    types.Map    `tfsdk:"by_xname"`
}

// inventoryNodeType is one node of the inventory, small enough for a map of ten
// thousand: the groups of each would cost as much as all the rest.
var inventoryNodeType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"role": types.StringType, "sub_role": types.StringType, "arch": types.StringType,
	"enabled": types.BoolType, "locked": types.BoolType, "held": types.BoolType,
	"power": types.StringType, "skip_reason": types.StringType,
	"nid": types.Int64Type, "macs": types.ListType{ElemType: types.StringType},
}}

func (d *nodesDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_nodes"
}

func (d *nodesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	word := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, Validators: textBetween(1, maxWord), MarkdownDescription: description}
	}
	words := func(of string) schema.MapAttribute {
		return schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "The nodes found, folded, by " + of + "."}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Nodes as the inventory of BOS has them now: what they are, and what keeps sessions from touching them. Filters are combined; " +
			"without any, all nodes are listed. " +
			"It needs the bundled service; a plain BOS v2 does not show its inventory.",
		Attributes: map[string]schema.Attribute{
			"tenant": tenantArgument("Only nodes of this tenant; defaults to the provider's."),
			"limit": schema.StringAttribute{
				Optional: true, Validators: []validator.String{limitSyntax{}},
				MarkdownDescription: "Only these nodes, written as the limit of a session, such as `Compute,!x3000c0s[1-4]b0n0`. It means what it means there, over all " +
					"nodes of the inventory.",
			},
			"role":      word("Only nodes of this role, or of this role and sub-role, such as `Application_UAN`."),
			"group":     word("Only nodes of this group."),
			"partition": word("Only nodes of this partition."),
			"enabled":   schema.BoolAttribute{Optional: true, MarkdownDescription: "Only nodes that are enabled in the inventory, or only those that are not."},
			"addresses": schema.BoolAttribute{
				Optional: true, MarkdownDescription: "Also read `nid` and `macs`, for which the inventory is asked more. Defaults to `false`.",
			},

			"nodes":      readText("The nodes found, folded, as a `limit` takes them. Empty if there are none, and an empty limit is refused."),
			"node_count": readCount("How many nodes were found."),
			"skipped": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Those among them that every session leaves out, folded, by reason, such as `locked in the inventory`.",
			},
			"roles":      words("role; those without a role are under `none`"),
			"groups":     words("group; a node may be in several"),
			"partitions": words("partition"),
			"by_xname": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "The nodes found, by xname.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"role": readText("Role, empty for none."), "sub_role": readText("Sub-role, empty for none."),
					"arch":    readText("Architecture as the inventory has it, such as `X86` or `ARM`. Empty and `UNKNOWN` count as `X86`."),
					"enabled": readFlag("It is enabled in the inventory."), "locked": readFlag("It is locked in the inventory."),
					"held":        readFlag("There is a hold on it in BOS; the reason is in `skip_reason`."),
					"power":       readText("Power as the inventory last saw it, `on` or `off`; empty where it is not known. BOS itself looks before it acts."),
					"skip_reason": readText("Why every session leaves it out, as in a plan; empty if there is no reason."),
					"nid":         readCount("Node id; null where it is not known, and without `addresses`."),
					"macs":        readWords("MAC addresses that it boots from; null without `addresses`."),
				}},
			},
		},
	}
}

func (d *nodesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m nodesModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if !announces(ctx, c, bos.ExtensionNodes, "bos_nodes", "show its inventory",
		"Use data.bos_components, which lists the nodes that every BOS has a record of, without roles, groups and locks.", &resp.Diagnostics) {
		return
	}
	nodes, warnings, err := c.Nodes(ctx, client.NodeFilter{
		Limit: m.Limit.ValueString(), Role: m.Role.ValueString(), Group: m.Group.ValueString(), Partition: m.Partition.ValueString(),
		Enabled: m.Enabled.ValueBoolPointer(), Addresses: m.Addresses.ValueBool(),
	})
	if err != nil {
		unable(&resp.Diagnostics, "list the nodes of the inventory", err)
		return
	}
	if len(warnings) > 0 {
		resp.Diagnostics.AddWarning("The nodes found may not be those that were meant", capital(strings.Join(warnings, "; "))+".")
	}
	m.Tenant = d.tenantOr(m.Tenant)
	m.take(nodes)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// take shows the nodes that were found.
func (m *nodesModel) take(nodes []bos.InventoryNode) {
	addresses := m.Addresses.ValueBool()
	ids := make([]string, len(nodes))
	skipped, roles, groups, partitions := make(map[string][]string), make(map[string][]string), make(map[string][]string), make(map[string][]string)
	all := make(map[string]attr.Value, len(nodes))
	for i, n := range nodes {
		ids[i] = n.ID
		roles[cmp.Or(n.Role, noRole)] = append(roles[cmp.Or(n.Role, noRole)], n.ID)
		for _, group := range n.Groups {
			groups[group] = append(groups[group], n.ID)
		}
		for _, partition := range n.Partitions {
			partitions[partition] = append(partitions[partition], n.ID)
		}
		if n.SkipReason != "" {
			skipped[n.SkipReason] = append(skipped[n.SkipReason], n.ID)
		}
		nid, macs := types.Int64Null(), types.ListNull(types.StringType)
		if addresses {
			macs = orderedWords(n.MACs)
		}
		if n.NID > 0 {
			nid = types.Int64Value(int64(n.NID))
		}
		all[n.ID] = types.ObjectValueMust(inventoryNodeType.AttrTypes, map[string]attr.Value{
			"role": types.StringValue(n.Role), "sub_role": types.StringValue(n.SubRole), "arch": types.StringValue(n.Arch),
			"enabled": types.BoolValue(n.Enabled), "locked": types.BoolValue(n.Locked), "held": types.BoolValue(n.Held),
			"power": types.StringValue(string(n.Power)), "skip_reason": types.StringValue(n.SkipReason),
			"nid": nid, "macs": macs,
		})
	}
	m.Nodes, m.NodeCount = types.StringValue(bos.Fold(ids)), types.Int64Value(int64(len(ids)))
	m.Skipped, m.Roles, m.Groups, m.Partitions = foldedBy(skipped), foldedBy(roles), foldedBy(groups), foldedBy(partitions)
	m.ByXname = types.MapValueMust(inventoryNodeType, all)
}

// foldedBy is nodes by a word, folded.
func foldedBy(nodes map[string][]string) types.Map {
	folded := make(map[string]attr.Value, len(nodes))
	for word, ids := range nodes {
		folded[word] = types.StringValue(bos.Fold(ids))
	}
	return types.MapValueMust(types.StringType, folded)
}
