package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
)

type optionsDataSource struct{ dataSourceBase }

func newOptionsDataSource() datasource.DataSource { return &optionsDataSource{} }

func (d *optionsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_options"
}

func (d *optionsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := map[string]schema.Attribute{"id": readText("Always `" + optionsID + "`.")}
	for _, o := range options {
		attributes[o.option()] = o.readOnly()
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The options of the service as they are now. An option that this version of BOS does not have is null.",
		Attributes:          attributes,
	}
}

func (d *optionsDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m optionsModel
	readOptions(ctx, d.shared, &m, &resp.Diagnostics)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	}
}
