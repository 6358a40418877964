package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

type templateModel struct {
	ID          types.String `tfsdk:"id"`
	Name        types.String `tfsdk:"name"`
	Tenant      types.String `tfsdk:"tenant"`
	Description types.String `tfsdk:"description"`
	EnableCFS   types.Bool   `tfsdk:"enable_cfs"`
	CFS         types.Object `tfsdk:"cfs"`
	BootSets    types.Map    `tfsdk:"boot_sets"`
	Revision    types.String `tfsdk:"revision"`

	Valid             types.Bool   `tfsdk:"valid"`
	ValidationMessage types.String `tfsdk:"validation_message"`
}

type bootSetModel struct {
	Path                      types.String `tfsdk:"path"`
	Type                      types.String `tfsdk:"type"`
	ETag                      types.String `tfsdk:"etag"`
	KernelParameters          types.String `tfsdk:"kernel_parameters"`
	RootfsProvider            types.String `tfsdk:"rootfs_provider"`
	RootfsProviderPassthrough types.String `tfsdk:"rootfs_provider_passthrough"`
	NodeList                  types.List   `tfsdk:"node_list"`
	NodeGroups                types.List   `tfsdk:"node_groups"`
	NodeRolesGroups           types.List   `tfsdk:"node_roles_groups"`
	CFS                       types.Object `tfsdk:"cfs"`
	Arch                      types.String `tfsdk:"arch"`
}

var (
	cfsType     = types.ObjectType{AttrTypes: map[string]attr.Type{"configuration": types.StringType}}
	bootSetType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"path": types.StringType, "type": types.StringType, "etag": types.StringType, "kernel_parameters": types.StringType,
		"rootfs_provider": types.StringType, "rootfs_provider_passthrough": types.StringType,
		"node_list": types.ListType{ElemType: types.StringType}, "node_groups": types.ListType{ElemType: types.StringType},
		"node_roles_groups": types.ListType{ElemType: types.StringType}, "cfs": cfsType, "arch": types.StringType,
	}}
)

// revisionKnown reports whether everything that decides what nodes boot is known.
func (m templateModel) revisionKnown(ctx context.Context) bool {
	for _, value := range []attr.Value{m.EnableCFS, m.CFS, m.BootSets} {
		raw, err := value.ToTerraformValue(ctx)
		if err != nil || !raw.IsFullyKnown() {
			return false
		}
	}
	return true
}

func (m templateModel) sets(ctx context.Context, diags *diag.Diagnostics) map[string]bootSetModel {
	sets := make(map[string]bootSetModel)
	if !m.BootSets.IsNull() && !m.BootSets.IsUnknown() {
		diags.Append(m.BootSets.ElementsAs(ctx, &sets, false)...)
	}
	return sets
}

// toAPI is the template in the form in which BOS stores it.
func (m templateModel) toAPI(ctx context.Context, diags *diag.Diagnostics) bos.SessionTemplate {
	enable := m.EnableCFS.IsNull() || m.EnableCFS.ValueBool()
	t := bos.SessionTemplate{
		Name: m.Name.ValueString(), Tenant: bos.TenantRef(m.Tenant.ValueString()), Description: m.Description.ValueString(),
		EnableCFS: &enable, CFS: cfsToAPI(m.CFS), BootSets: make(map[string]bos.BootSet),
	}
	for name, set := range m.sets(ctx, diags) {
		t.BootSets[name] = bos.BootSet{
			Path: set.Path.ValueString(), Type: set.Type.ValueString(), ETag: set.ETag.ValueString(), KernelParameters: set.KernelParameters.ValueString(),
			RootfsProvider: set.RootfsProvider.ValueString(), RootfsProviderPassthrough: set.RootfsProviderPassthrough.ValueString(),
			NodeList: wordsOf(set.NodeList), NodeGroups: wordsOf(set.NodeGroups), NodeRolesGroups: wordsOf(set.NodeRolesGroups),
			CFS: cfsToAPI(set.CFS), Arch: bos.Arch(set.Arch.ValueString()),
		}
	}
	bos.SanitizeTemplate(&t)
	return t
}

func cfsToAPI(o types.Object) *bos.CFS {
	if name, ok := o.Attributes()["configuration"].(types.String); ok && name.ValueString() != "" {
		return &bos.CFS{Configuration: name.ValueString()}
	}
	return nil
}

// wordsOf is a list's content, nil for none.
func wordsOf(list types.List) []string {
	if len(list.Elements()) == 0 {
		return nil
	}
	words := make([]string, 0, len(list.Elements()))
	for _, element := range list.Elements() {
		if word, ok := element.(types.String); ok {
			words = append(words, word.ValueString())
		}
	}
	return words
}

// fromAPI takes over what BOS has stored. A value that means the same as the
// one before is left as it was written: nodes in another order, xnames in
// another case, empty for none.
func (m *templateModel) fromAPI(ctx context.Context, t bos.SessionTemplate, diags *diag.Diagnostics) {
	bos.SanitizeTemplate(&t)
	before := m.sets(ctx, diags)
	m.Description = sameOr(m.Description, t.Description)
	m.EnableCFS = types.BoolValue(t.EnableCFS == nil || *t.EnableCFS)
	m.CFS = cfsFromAPI(m.CFS, t.CFS)
	sets := make(map[string]bootSetModel, len(t.BootSets))
	for name, b := range t.BootSets {
		was := before[name]
		sets[name] = bootSetModel{
			Path: types.StringValue(b.Path), Type: types.StringValue(b.Type), ETag: sameOr(was.ETag, b.ETag),
			KernelParameters: sameOr(was.KernelParameters, b.KernelParameters), RootfsProvider: sameOr(was.RootfsProvider, b.RootfsProvider),
			RootfsProviderPassthrough: sameOr(was.RootfsProviderPassthrough, b.RootfsProviderPassthrough),
			NodeList:                  sameNodesOr(was.NodeList, listOf(b.NodeList)), NodeGroups: sameNodesOr(was.NodeGroups, listOf(b.NodeGroups)),
			NodeRolesGroups: sameNodesOr(was.NodeRolesGroups, listOf(b.NodeRolesGroups)),
			CFS:             cfsFromAPI(was.CFS, b.CFS), Arch: types.StringValue(string(b.Arch)),
		}
	}
	var more diag.Diagnostics
	m.BootSets, more = types.MapValueFrom(ctx, bootSetType, sets)
	diags.Append(more...)
	m.Revision = types.StringValue(revision(t))
}

func cfsFromAPI(before types.Object, c *bos.CFS) types.Object {
	if c == nil {
		return types.ObjectNull(cfsType.AttrTypes)
	}
	was, _ := before.Attributes()["configuration"].(types.String)
	return basetypes.NewObjectValueMust(cfsType.AttrTypes, map[string]attr.Value{"configuration": sameOr(was, c.Configuration)})
}

// sameOr keeps the value if it means text, else it is text, or null for none.
func sameOr(before types.String, text string) types.String {
	switch {
	case !before.IsUnknown() && before.ValueString() == text:
		return before
	case text == "":
		return types.StringNull()
	default:
		return types.StringValue(text)
	}
}

func listOf(words []string) types.List {
	if words == nil {
		return types.ListNull(types.StringType)
	}
	elements := make([]attr.Value, len(words))
	for i, word := range words {
		elements[i] = types.StringValue(word)
	}
	return types.ListValueMust(types.StringType, elements)
}

// sameNodesOr keeps the list if both name the same, in whatever order and case
// of xnames; unknown lists are never the same.
func sameNodesOr(before, now types.List) types.List {
	if before.IsUnknown() || now.IsUnknown() || before.IsNull() != now.IsNull() {
		return now
	}
	if before.IsNull() || slices.Equal(canonical(wordsOf(before)), canonical(wordsOf(now))) {
		return typed(before)
	}
	return now
}

// typed gives the zero List the element type that Terraform wants to see.
func typed(list types.List) types.List {
	if list.IsNull() {
		return types.ListNull(types.StringType)
	}
	return list
}

// canonical sorts names and drops duplicates. Only xnames have more than one
// spelling.
func canonical(words []string) []string {
	names := make([]string, len(words))
	for i, word := range words {
		names[i] = word
		if x := bos.CanonicalXname(word); bos.IsNodeXname(x) {
			names[i] = x
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
