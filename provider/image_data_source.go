package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

type imageDataSource struct{ dataSourceBase }

func newImageDataSource() datasource.DataSource { return &imageDataSource{} }

type imageModel struct {
	Path       types.String `tfsdk:"path"`
	ETag       types.String `tfsdk:"etag"`
	Arch       types.String `tfsdk:"arch"`
	Kernel     types.Object `tfsdk:"kernel"`
	Initrd     types.Object `tfsdk:"initrd"`
	Rootfs     types.Object `tfsdk:"rootfs"`
	Parameters types.String `tfsdk:"parameters"`
	Fault      types.String `tfsdk:"fault"`
	Warnings   types.List   `tfsdk:"warnings"`
}

// imageFileType is one file of an image.
var imageFileType = types.ObjectType{AttrTypes: map[string]attr.Type{"path": types.StringType, "etag": types.StringType}}

func (d *imageDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_image"
}

func (d *imageDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	file := func(description string) schema.SingleNestedAttribute {
		return schema.SingleNestedAttribute{
			Computed: true, MarkdownDescription: description,
			Attributes: map[string]schema.Attribute{
				"path": readText("Where it is, without what may sign the address."), "etag": readText("Its etag in the manifest, empty where the manifest has none."),
			},
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A boot image as it is now, read by BOS from where nodes will get it. Give its `etag` to the `etag` of a boot set, and the review is " +
			"of this image: the plan shows when it becomes another one. " +
			"It needs the bundled service; a plain BOS v2 does not show images. Nothing that signs a link to an image is told.",
		Attributes: map[string]schema.Attribute{
			"path": schema.StringAttribute{
				Required: true, Validators: []validator.String{imagePath{}},
				MarkdownDescription: "Path of the image's manifest, as in a boot set, such as `s3://boot-images/ID/manifest.json`.",
			},
			"etag":       readText("Etag of the manifest now; it is another as soon as the image is."),
			"arch":       readText("Architecture in the image registry (IMS), such as `x86_64` or `aarch64`; null where there is no registry, or it does not say."),
			"kernel":     file("The kernel."),
			"initrd":     file("The initrd; null if the image has none, and no node boots it then."),
			"rootfs":     file("The root file system; null if the image has none."),
			"parameters": readText("The kernel parameters that the image itself has, which come before those of a boot set; empty for none."),
			"fault":      readText("What keeps nodes from booting the image, empty if nothing is known to."),
			"warnings":   readWords("What could not be found out, such as the architecture."),
		},
	}
}

func (d *imageDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m imageModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.shared.reach(types.StringNull(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if !announces(ctx, c, bos.ExtensionImages, "bos_image", "show an image",
		"Take the etag from where images are built, or leave etag out of the boot set; data.bos_session_template says in valid whether BOS can read the images of "+
			"a stored template.", &resp.Diagnostics) {
		return
	}
	facts, err := c.Image(ctx, m.Path.ValueString())
	if err != nil {
		unable(&resp.Diagnostics, "read the boot image", err)
		return
	}
	if facts.Fault != "" {
		resp.Diagnostics.AddWarning("No node can boot the image", capital(facts.Fault)+".")
	}
	m.take(facts)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (m *imageModel) take(facts bos.ImageFacts) {
	file := func(a bos.Artifact) types.Object {
		if a.Path == "" {
			return types.ObjectNull(imageFileType.AttrTypes)
		}
		return types.ObjectValueMust(imageFileType.AttrTypes, map[string]attr.Value{"path": types.StringValue(a.Path), "etag": types.StringValue(a.ETag)})
	}
	m.ETag, m.Arch, m.Parameters, m.Fault = types.StringValue(facts.ETag), orNull(facts.Arch), types.StringValue(strings.TrimSpace(facts.Parameters)), types.StringValue(facts.Fault)
	m.Kernel, m.Initrd, m.Rootfs = file(facts.Kernel), file(facts.Initrd), file(facts.Rootfs)
	m.Warnings = orderedWords(facts.Warnings)
}

// imagePath refuses what is no plain address of an image, before it is asked for and
// stored, and does not repeat it.
type imagePath struct{}

func (imagePath) Description(context.Context) string {
	return "a plain address such as s3://boot-images/ID/manifest.json"
}

func (v imagePath) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (imagePath) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := bos.CheckImagePath(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid path of an image", capital(err.Error())+".")
	}
}
