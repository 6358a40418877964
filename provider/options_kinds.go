package provider

import (
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	dataschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// option is one option of BOS: how it is read, planned and sent.
type option interface {
	// option is its name.
	option() string
	managed() schema.Attribute
	readOnly() dataschema.Attribute
	// send puts it into the patch if it is configured as another than before.
	send(m, before *optionsModel, p *bos.OptionsPatch)
	// layOver plans what is configured over what was before.
	layOver(m, config, before *optionsModel)
	// take takes over what BOS has; with settle, only if it is unknown.
	take(m *optionsModel, p bos.OptionsPatch, settle bool)
	// ignored reports whether it was sent and the answer does not have it.
	ignored(sent, got bos.OptionsPatch) bool
}

// typedOption is an option whose value Terraform has as V and BOS as W.
type typedOption[V attr.Value, W any] struct {
	name, description string
	// in is where the model has it, wire where a patch does.
	in   func(*optionsModel) *V
	wire func(*bos.OptionsPatch) **W
	kind optionKind[V, W]
}

// optionKind is what all options of one type have in common.
type optionKind[V attr.Value, W any] struct {
	unknown func() V
	// read takes the value of a patch, null for none; written is its inverse.
	read    func(*W) V
	written func(V) *W
	// same reports whether two values mean the same.
	same     func(a, b V) bool
	managed  func(description string) schema.Attribute
	readOnly func(description string) dataschema.Attribute
}

func (o typedOption[V, W]) option() string { return o.name }

func (o typedOption[V, W]) managed() schema.Attribute { return o.kind.managed(o.description) }

func (o typedOption[V, W]) readOnly() dataschema.Attribute { return o.kind.readOnly(o.description) }

func (o typedOption[V, W]) send(m, before *optionsModel, p *bos.OptionsPatch) {
	if v := *o.in(m); !v.IsNull() && !v.IsUnknown() && !o.kind.same(v, *o.in(before)) {
		*o.wire(p) = o.kind.written(v)
	}
}

func (o typedOption[V, W]) layOver(m, config, before *optionsModel) {
	was := o.kind.unknown()
	if before != nil {
		was = *o.in(before)
	}
	if v := *o.in(config); v.IsNull() || o.kind.same(v, was) {
		*o.in(m) = was
	} else {
		*o.in(m) = v
	}
}

func (o typedOption[V, W]) take(m *optionsModel, p bos.OptionsPatch, settle bool) {
	got := o.kind.read(*o.wire(&p))
	if v := o.in(m); (*v).IsUnknown() || !settle && !o.kind.same(*v, got) {
		*v = got
	}
}

func (o typedOption[V, W]) ignored(sent, got bos.OptionsPatch) bool {
	return *o.wire(&sent) != nil && *o.wire(&got) == nil
}

func equal[V attr.Value](a, b V) bool { return a.Equal(b) }

// sameText: BOS does not care about the case of what options say.
func sameText(a, b types.String) bool {
	return a.Equal(b) || isKnown(a) && isKnown(b) && strings.EqualFold(a.ValueString(), b.ValueString())
}

func isKnown(v attr.Value) bool { return !v.IsNull() && !v.IsUnknown() }

var textKind = optionKind[types.String, string]{
	unknown: types.StringUnknown, read: types.StringPointerValue, written: types.String.ValueStringPointer, same: sameText,
	managed: func(description string) schema.Attribute {
		return schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: description}
	},
	readOnly: func(description string) dataschema.Attribute { return readText(description) },
}

var flagKind = optionKind[types.Bool, bool]{
	unknown: types.BoolUnknown, read: types.BoolPointerValue, written: types.Bool.ValueBoolPointer, same: equal[types.Bool],
	managed: func(description string) schema.Attribute {
		return schema.BoolAttribute{Optional: true, Computed: true, MarkdownDescription: description}
	},
	readOnly: func(description string) dataschema.Attribute { return readFlag(description) },
}

var numberKind = optionKind[types.Int64, int]{
	unknown: types.Int64Unknown, same: equal[types.Int64],
	read: func(n *int) types.Int64 {
		if n == nil {
			return types.Int64Null()
		}
		return types.Int64Value(int64(*n))
	},
	written: func(v types.Int64) *int {
		n := int(v.ValueInt64())
		return &n
	},
	managed: func(description string) schema.Attribute {
		return schema.Int64Attribute{Optional: true, Computed: true, MarkdownDescription: description}
	},
	readOnly: func(description string) dataschema.Attribute { return readCount(description) },
}

func textOption(name, description string, in func(*optionsModel) *types.String, wire func(*bos.OptionsPatch) **string) option {
	return typedOption[types.String, string]{name, description, in, wire, textKind}
}

func flagOption(name, description string, in func(*optionsModel) *types.Bool, wire func(*bos.OptionsPatch) **bool) option {
	return typedOption[types.Bool, bool]{name, description, in, wire, flagKind}
}

func numberOption(name, description string, in func(*optionsModel) *types.Int64, wire func(*bos.OptionsPatch) **int) option {
	return typedOption[types.Int64, int]{name, description, in, wire, numberKind}
}
