package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// dataSourceBase is what all data sources have in common. They answer what BOS knows
// now and wait for nothing: a plan stays fast.
type dataSourceBase struct{ shared *shared }

// Configure takes the provider's settings.
func (s *dataSourceBase) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	s.shared = configured(req.ProviderData, &resp.Diagnostics)
}

// The attributes of data sources, short.
func readText(description string) schema.StringAttribute {
	return schema.StringAttribute{Computed: true, MarkdownDescription: description}
}

func readCount(description string) schema.Int64Attribute {
	return schema.Int64Attribute{Computed: true, MarkdownDescription: description}
}

func readFlag(description string) schema.BoolAttribute {
	return schema.BoolAttribute{Computed: true, MarkdownDescription: description}
}

func readPercent(description string) schema.Float64Attribute {
	return schema.Float64Attribute{Computed: true, MarkdownDescription: description}
}

func readWords(description string) schema.ListAttribute {
	return schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: description}
}

func tenantArgument(description string) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Computed: true, Validators: textBetween(1, bos.MaxTenantName), MarkdownDescription: description}
}

// tenantOr is the tenant given, or the provider's.
func (s *dataSourceBase) tenantOr(given types.String) types.String {
	if given.IsNull() {
		return s.shared.defaultTenant()
	}
	return given
}

// orderedWords is a list of words as they come, empty for none.
func orderedWords(words []string) types.List {
	values := make([]attr.Value, len(words))
	for i, word := range words {
		values[i] = types.StringValue(word)
	}
	return types.ListValueMust(types.StringType, values)
}

// sortedWords is a list of words in order, empty for none.
func sortedWords(words []string) types.List {
	return orderedWords(slices.Sorted(slices.Values(words)))
}
