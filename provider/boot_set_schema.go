package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	dataschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The arguments of a boot set are written once, here: the resource
// bos_session_template takes them, the data source bos_session_preview takes them
// as well, and the data source bos_session_template shows them.

// bootSetText is an argument that is a text.
type bootSetText struct {
	name, description string
	checks            []validator.String
	required          bool
	// fallback is what BOS takes where nothing is given; empty for nothing.
	fallback string
}

// bootSetWords is an argument that is a list of names.
type bootSetWords struct {
	name, description string
	check             words
}

func bootSetTexts() []bootSetText {
	line := func(most int) []validator.String { return append(textBetween(1, most), oneLine{}) }
	return []bootSetText{
		{
			name: "path", required: true, checks: textBetween(1, maxImagePath),
			description: "Path of the image's manifest, such as `s3://boot-images/<image id>/manifest.json`.",
		},
		{
			name: "type", checks: textBetween(1, maxBootSetType), fallback: bootSetTypeS3,
			description: "Where the image comes from. The bundled service boots `s3`, `http`, `https` and `file`, a plain BOS v2 only `s3`.",
		},
		{name: "etag", checks: textBetween(1, maxETag), description: "Etag that the manifest should have; BOS warns if the stored image has another."},
		{name: "kernel_parameters", checks: line(maxKernelParameters), description: "Kernel parameters, taken verbatim, after those of the image."},
		{name: "rootfs_provider", checks: textBetween(1, maxRootfsProvider), description: "How nodes get their root file system, such as `sbps`."},
		{name: "rootfs_provider_passthrough", checks: line(maxPassthrough), description: "Text for the root file system provider, appended to `root=`."},
		{
			name: "arch", checks: []validator.String{stringvalidator.OneOf(archNames()...)}, fallback: string(bos.ArchX86),
			description: "Architecture; nodes of another one are left out. One of `X86`, `ARM`, `Other`, `Unknown`.",
		},
	}
}

func bootSetLists() []bootSetWords {
	return []bootSetWords{
		{"node_list", "Nodes by xname. The order does not matter.", words{most: maxNodeList, nids: true, unfolded: true}},
		{"node_groups", "Nodes by HSM group.", words{most: maxNodeGroups}},
		{"node_roles_groups", "Nodes by HSM role, such as `Compute` or `Application_UAN`.", words{most: maxNodeRoles}},
	}
}

// described adds what is taken where nothing is given.
func (t bootSetText) described() string {
	if t.fallback == "" {
		return t.description
	}
	return t.description + " Defaults to `" + t.fallback + "`."
}

const (
	templateConfiguration = "Configuration that nodes get after they booted."
	bootSetConfiguration  = "Overrides the template's configuration for these nodes."
	configurationName     = "Name of the CFS configuration."
	enableCFSDescription  = "Configure nodes with CFS after they booted. Defaults to `true`, as in BOS."
	bootSetsDescription   = "Boot sets by name. A boot set is a group of nodes that boot one image in one way."
)

func bootSetsChecks() []validator.Map {
	return []validator.Map{mapvalidator.SizeBetween(1, maxBootSets), mapvalidator.KeysAre(validName()), noNulls{}}
}

// managedBootSets are boot sets as a resource has them.
func managedBootSets() schema.Attribute {
	attributes := map[string]schema.Attribute{"cfs": managedConfiguration(bootSetConfiguration)}
	for _, t := range bootSetTexts() {
		attribute := schema.StringAttribute{Required: t.required, Optional: !t.required, Validators: t.checks, MarkdownDescription: t.described()}
		if t.fallback != "" {
			attribute.Computed, attribute.Default = true, stringdefault.StaticString(t.fallback)
		}
		attributes[t.name] = attribute
	}
	for _, l := range bootSetLists() {
		attributes[l.name] = schema.ListAttribute{
			Optional: true, ElementType: types.StringType, Validators: []validator.List{l.check}, MarkdownDescription: l.description,
		}
	}
	return schema.MapNestedAttribute{
		Required: true, Validators: bootSetsChecks(), MarkdownDescription: bootSetsDescription,
		NestedObject: schema.NestedAttributeObject{Attributes: attributes, Validators: []validator.Object{someNodes{}}},
	}
}

func managedConfiguration(description string) schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: description,
		Attributes: map[string]schema.Attribute{
			"configuration": schema.StringAttribute{Required: true, Validators: textBetween(1, maxConfiguration), MarkdownDescription: configurationName},
		},
	}
}

// givenBootSets are boot sets as a data source takes them.
func givenBootSets() dataschema.Attribute {
	attributes := map[string]dataschema.Attribute{"cfs": givenConfiguration(bootSetConfiguration)}
	for _, t := range bootSetTexts() {
		attributes[t.name] = dataschema.StringAttribute{Required: t.required, Optional: !t.required, Validators: t.checks, MarkdownDescription: t.described()}
	}
	for _, l := range bootSetLists() {
		attributes[l.name] = dataschema.ListAttribute{
			Optional: true, ElementType: types.StringType, Validators: []validator.List{l.check}, MarkdownDescription: l.description,
		}
	}
	return dataschema.MapNestedAttribute{
		Required: true, Validators: bootSetsChecks(), MarkdownDescription: bootSetsDescription,
		NestedObject: dataschema.NestedAttributeObject{Attributes: attributes, Validators: []validator.Object{someNodes{}}},
	}
}

func givenConfiguration(description string) dataschema.Attribute {
	return dataschema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: description,
		Attributes: map[string]dataschema.Attribute{
			"configuration": dataschema.StringAttribute{Required: true, Validators: textBetween(1, maxConfiguration), MarkdownDescription: configurationName},
		},
	}
}

// readBootSets are boot sets as a data source shows them.
func readBootSets() dataschema.Attribute {
	attributes := map[string]dataschema.Attribute{"cfs": readConfiguration(bootSetConfiguration)}
	for _, t := range bootSetTexts() {
		attributes[t.name] = readText(t.description)
	}
	for _, l := range bootSetLists() {
		attributes[l.name] = readWords(l.description)
	}
	return dataschema.MapNestedAttribute{
		Computed: true, MarkdownDescription: bootSetsDescription, NestedObject: dataschema.NestedAttributeObject{Attributes: attributes},
	}
}

func readConfiguration(description string) dataschema.Attribute {
	return dataschema.SingleNestedAttribute{
		Computed: true, MarkdownDescription: description,
		Attributes: map[string]dataschema.Attribute{"configuration": readText(configurationName)},
	}
}
