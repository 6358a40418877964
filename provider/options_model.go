package provider

import (
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

type optionsModel struct {
	ID types.String `tfsdk:"id"`

	CleanupCompletedSessionTTL types.String `tfsdk:"cleanup_completed_session_ttl"`
	ComponentActualStateTTL    types.String `tfsdk:"component_actual_state_ttl"`
	LoggingLevel               types.String `tfsdk:"logging_level"`

	ClearStage           types.Bool `tfsdk:"clear_stage"`
	IMSErrorsFatal       types.Bool `tfsdk:"ims_errors_fatal"`
	IMSImagesMustExist   types.Bool `tfsdk:"ims_images_must_exist"`
	RejectNIDs           types.Bool `tfsdk:"reject_nids"`
	SessionLimitRequired types.Bool `tfsdk:"session_limit_required"`

	DefaultRetryPolicy    types.Int64 `tfsdk:"default_retry_policy"`
	DiscoveryFrequency    types.Int64 `tfsdk:"discovery_frequency"`
	MaxBootWaitTime       types.Int64 `tfsdk:"max_boot_wait_time"`
	MaxComponentBatchSize types.Int64 `tfsdk:"max_component_batch_size"`
	MaxPowerOffWaitTime   types.Int64 `tfsdk:"max_power_off_wait_time"`
	MaxPowerOnWaitTime    types.Int64 `tfsdk:"max_power_on_wait_time"`
	PollingFrequency      types.Int64 `tfsdk:"polling_frequency"`
	BSSReadTimeout        types.Int64 `tfsdk:"bss_read_timeout"`
	CFSReadTimeout        types.Int64 `tfsdk:"cfs_read_timeout"`
	HSMReadTimeout        types.Int64 `tfsdk:"hsm_read_timeout"`
	IMSReadTimeout        types.Int64 `tfsdk:"ims_read_timeout"`
	PCSReadTimeout        types.Int64 `tfsdk:"pcs_read_timeout"`
}

// optionsID is the id of the one set of options a BOS has.
const optionsID = "options"

// An option of one type: what it is called and means, and where it is in the
// model and on the wire.
type (
	textOption struct {
		name, description string
		in                func(*optionsModel) *types.String
		wire              func(*bos.OptionsPatch) **string
	}
	flagOption struct {
		name, description string
		in                func(*optionsModel) *types.Bool
		wire              func(*bos.OptionsPatch) **bool
	}
	numberOption struct {
		name, description string
		in                func(*optionsModel) *types.Int64
		wire              func(*bos.OptionsPatch) **int
	}
)

var textOptions = []textOption{
	{
		"cleanup_completed_session_ttl", "How long the record of a complete session is kept: a number and one of `m`, `h`, `d`, `w`, such as `7d`; `0` " +
			"keeps it forever.",
		func(m *optionsModel) *types.String { return &m.CleanupCompletedSessionTTL },
		func(p *bos.OptionsPatch) **string { return &p.CleanupCompletedSessionTTL },
	},
	{
		"component_actual_state_ttl", "How long BOS believes what a node last said it booted, such as `4h`. Nodes are told to report this often. At least " +
			"one hour.",
		func(m *optionsModel) *types.String { return &m.ComponentActualStateTTL },
		func(p *bos.OptionsPatch) **string { return &p.ComponentActualStateTTL },
	},
	{
		"logging_level", "How much the service logs: `debug`, `info`, `warning`, `error` or `critical`.",
		func(m *optionsModel) *types.String { return &m.LoggingLevel },
		func(p *bos.OptionsPatch) **string { return &p.LoggingLevel },
	},
}

var flagOptions = []flagOption{
	{
		"clear_stage", "Empty the staged state of a node once it was applied.",
		func(m *optionsModel) *types.Bool { return &m.ClearStage },
		func(p *bos.OptionsPatch) **bool { return &p.ClearStage },
	},
	{
		"ims_errors_fatal", "Refuse a template when the image service cannot be asked about its image, instead of warning.",
		func(m *optionsModel) *types.Bool { return &m.IMSErrorsFatal },
		func(p *bos.OptionsPatch) **bool { return &p.IMSErrorsFatal },
	},
	{
		"ims_images_must_exist", "Refuse a template whose image the image service does not know, instead of warning.",
		func(m *optionsModel) *types.Bool { return &m.IMSImagesMustExist },
		func(p *bos.OptionsPatch) **bool { return &p.IMSImagesMustExist },
	},
	{
		"reject_nids", "Refuse templates and limits that name nodes by NID, which no inventory knows.",
		func(m *optionsModel) *types.Bool { return &m.RejectNIDs },
		func(p *bos.OptionsPatch) **bool { return &p.RejectNIDs },
	},
	{
		"session_limit_required", "Refuse sessions without a `limit`; `*` then stands for all nodes of a template.",
		func(m *optionsModel) *types.Bool { return &m.SessionLimitRequired },
		func(p *bos.OptionsPatch) **bool { return &p.SessionLimitRequired },
	},
}

var numberOptions = []numberOption{
	{
		"default_retry_policy", "How many attempts each power action on a node has before the node counts as failed, unless the node has a `retry_policy` " +
			"of its own.",
		func(m *optionsModel) *types.Int64 { return &m.DefaultRetryPolicy },
		func(p *bos.OptionsPatch) **int { return &p.DefaultRetryPolicy },
	},
	{
		"discovery_frequency", "Seconds between two looks for new nodes in the inventory.",
		func(m *optionsModel) *types.Int64 { return &m.DiscoveryFrequency },
		func(p *bos.OptionsPatch) **int { return &p.DiscoveryFrequency },
	},
	{
		"max_boot_wait_time", "Seconds a node may take from power-on until it reports; then it is powered off and tried again.",
		func(m *optionsModel) *types.Int64 { return &m.MaxBootWaitTime },
		func(p *bos.OptionsPatch) **int { return &p.MaxBootWaitTime },
	},
	{
		"max_component_batch_size", "How many nodes one request to another service names at most; 0 for no limit.",
		func(m *optionsModel) *types.Int64 { return &m.MaxComponentBatchSize },
		func(p *bos.OptionsPatch) **int { return &p.MaxComponentBatchSize },
	},
	{
		"max_power_off_wait_time", "Seconds a node may take to power off before it is forced to.",
		func(m *optionsModel) *types.Int64 { return &m.MaxPowerOffWaitTime },
		func(p *bos.OptionsPatch) **int { return &p.MaxPowerOffWaitTime },
	},
	{
		"max_power_on_wait_time", "Seconds a node may take to power on before it is tried again.",
		func(m *optionsModel) *types.Int64 { return &m.MaxPowerOnWaitTime },
		func(p *bos.OptionsPatch) **int { return &p.MaxPowerOnWaitTime },
	},
	{
		"polling_frequency", "Seconds between two looks at nodes that something is being done with.",
		func(m *optionsModel) *types.Int64 { return &m.PollingFrequency },
		func(p *bos.OptionsPatch) **int { return &p.PollingFrequency },
	},
	{
		"bss_read_timeout", "Seconds BOS waits for an answer of the boot script service.",
		func(m *optionsModel) *types.Int64 { return &m.BSSReadTimeout },
		func(p *bos.OptionsPatch) **int { return &p.BSSReadTimeout },
	},
	{
		"cfs_read_timeout", "Seconds BOS waits for an answer of the configuration service.",
		func(m *optionsModel) *types.Int64 { return &m.CFSReadTimeout },
		func(p *bos.OptionsPatch) **int { return &p.CFSReadTimeout },
	},
	{
		"hsm_read_timeout", "Seconds BOS waits for an answer of the hardware inventory.",
		func(m *optionsModel) *types.Int64 { return &m.HSMReadTimeout },
		func(p *bos.OptionsPatch) **int { return &p.HSMReadTimeout },
	},
	{
		"ims_read_timeout", "Seconds BOS waits for an answer of the image service.",
		func(m *optionsModel) *types.Int64 { return &m.IMSReadTimeout },
		func(p *bos.OptionsPatch) **int { return &p.IMSReadTimeout },
	},
	{
		"pcs_read_timeout", "Seconds BOS waits for an answer of the power service.",
		func(m *optionsModel) *types.Int64 { return &m.PCSReadTimeout },
		func(p *bos.OptionsPatch) **int { return &p.PCSReadTimeout },
	},
}

// patch is the options whose configured value differs from the one before; of
// none before, all that are configured.
func (m *optionsModel) patch(before *optionsModel) bos.OptionsPatch {
	var p bos.OptionsPatch
	if before == nil {
		before = &optionsModel{}
	}
	for _, o := range textOptions {
		if v := o.in(m); !v.IsNull() && !v.IsUnknown() && !sameText(*v, *o.in(before)) {
			*o.wire(&p) = v.ValueStringPointer()
		}
	}
	for _, o := range flagOptions {
		if v := o.in(m); !v.IsNull() && !v.IsUnknown() && !v.Equal(*o.in(before)) {
			*o.wire(&p) = v.ValueBoolPointer()
		}
	}
	for _, o := range numberOptions {
		if v := o.in(m); !v.IsNull() && !v.IsUnknown() && !v.Equal(*o.in(before)) {
			n := int(v.ValueInt64())
			*o.wire(&p) = &n
		}
	}
	return p
}

// sameText: BOS does not care about the case of what options say.
func sameText(a, b types.String) bool {
	return a.Equal(b) || !a.IsNull() && !b.IsNull() && strings.EqualFold(a.ValueString(), b.ValueString())
}

// layOver plans what is configured over what was before, and over unknown where
// there was nothing.
func (m *optionsModel) layOver(config, before *optionsModel) {
	for _, o := range textOptions {
		switch v, was := *o.in(config), before.text(o); {
		case v.IsNull(), was.ValueString() != "" && sameText(v, was):
			*o.in(m) = was
		default:
			*o.in(m) = v
		}
	}
	for _, o := range flagOptions {
		switch v := *o.in(config); {
		case !v.IsNull():
			*o.in(m) = v
		case before != nil:
			*o.in(m) = *o.in(before)
		default:
			*o.in(m) = types.BoolUnknown()
		}
	}
	for _, o := range numberOptions {
		switch v := *o.in(config); {
		case !v.IsNull():
			*o.in(m) = v
		case before != nil:
			*o.in(m) = *o.in(before)
		default:
			*o.in(m) = types.Int64Unknown()
		}
	}
}

func (m *optionsModel) text(o textOption) types.String {
	if m == nil {
		return types.StringUnknown()
	}
	return *o.in(m)
}

// take takes over what BOS has; null is what it does not know. Text that means
// the same stays as it was written. With settle, only what is unknown.
func (m *optionsModel) take(p bos.OptionsPatch, settle bool) {
	m.ID = types.StringValue(optionsID)
	for _, o := range textOptions {
		got := types.StringPointerValue(*o.wire(&p))
		if v := o.in(m); v.IsUnknown() || !settle && !sameText(*v, got) {
			*v = got
		}
	}
	for _, o := range flagOptions {
		if v := o.in(m); v.IsUnknown() || !settle {
			*v = types.BoolPointerValue(*o.wire(&p))
		}
	}
	for _, o := range numberOptions {
		v, got := o.in(m), *o.wire(&p)
		switch {
		case !v.IsUnknown() && settle:
		case got == nil:
			*v = types.Int64Null()
		default:
			*v = types.Int64Value(int64(*got))
		}
	}
}

// ignored names the options of a patch that the answer does not have.
func ignored(sent, got bos.OptionsPatch) []string {
	var names []string
	for _, o := range textOptions {
		if *o.wire(&sent) != nil && *o.wire(&got) == nil {
			names = append(names, o.name)
		}
	}
	for _, o := range flagOptions {
		if *o.wire(&sent) != nil && *o.wire(&got) == nil {
			names = append(names, o.name)
		}
	}
	for _, o := range numberOptions {
		if *o.wire(&sent) != nil && *o.wire(&got) == nil {
			names = append(names, o.name)
		}
	}
	return names
}
