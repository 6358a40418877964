package provider

import (
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

// options are all options of BOS.
var options = []option{
	textOption(
		"cleanup_completed_session_ttl", "How long the record of a complete session is kept: a number and one of `m`, `h`, `d`, `w`, such as `7d`; `0` "+
			"keeps it forever.",
		func(m *optionsModel) *types.String { return &m.CleanupCompletedSessionTTL },
		func(p *bos.OptionsPatch) **string { return &p.CleanupCompletedSessionTTL },
	),
	textOption(
		"component_actual_state_ttl", "How long BOS believes what a node last said it booted, such as `4h`. Nodes are told to report this often. At least "+
			"one hour. It is among the kernel parameters, so the bundled service refuses a session that was "+
			"planned before it changed: change it in an apply of its own.",
		func(m *optionsModel) *types.String { return &m.ComponentActualStateTTL },
		func(p *bos.OptionsPatch) **string { return &p.ComponentActualStateTTL },
	),
	textOption(
		"logging_level", "How much the service logs: `debug`, `info`, `warning`, `error` or `critical`.",
		func(m *optionsModel) *types.String { return &m.LoggingLevel },
		func(p *bos.OptionsPatch) **string { return &p.LoggingLevel },
	),
	flagOption(
		"clear_stage", "Empty the staged state of a node once it was applied.",
		func(m *optionsModel) *types.Bool { return &m.ClearStage },
		func(p *bos.OptionsPatch) **bool { return &p.ClearStage },
	),
	flagOption(
		"ims_errors_fatal", "Refuse a template when the image service cannot be asked about its image, instead of warning.",
		func(m *optionsModel) *types.Bool { return &m.IMSErrorsFatal },
		func(p *bos.OptionsPatch) **bool { return &p.IMSErrorsFatal },
	),
	flagOption(
		"ims_images_must_exist", "Refuse a template whose image the image service does not know, instead of warning.",
		func(m *optionsModel) *types.Bool { return &m.IMSImagesMustExist },
		func(p *bos.OptionsPatch) **bool { return &p.IMSImagesMustExist },
	),
	flagOption(
		"reject_nids", "Refuse templates and limits that name nodes by NID, which no inventory knows.",
		func(m *optionsModel) *types.Bool { return &m.RejectNIDs },
		func(p *bos.OptionsPatch) **bool { return &p.RejectNIDs },
	),
	flagOption(
		"session_limit_required", "Refuse sessions without a `limit`; `*` then stands for all nodes of a template.",
		func(m *optionsModel) *types.Bool { return &m.SessionLimitRequired },
		func(p *bos.OptionsPatch) **bool { return &p.SessionLimitRequired },
	),
	numberOption(
		"default_retry_policy", "How many attempts each power action on a node has before the node counts as failed, unless the node has a `retry_policy` "+
			"of its own.",
		func(m *optionsModel) *types.Int64 { return &m.DefaultRetryPolicy },
		func(p *bos.OptionsPatch) **int { return &p.DefaultRetryPolicy },
	),
	numberOption(
		"discovery_frequency", "Seconds between two looks for new nodes in the inventory.",
		func(m *optionsModel) *types.Int64 { return &m.DiscoveryFrequency },
		func(p *bos.OptionsPatch) **int { return &p.DiscoveryFrequency },
	),
	numberOption(
		"max_boot_wait_time", "Seconds a node may take from power-on until it reports; then it is powered off and tried again.",
		func(m *optionsModel) *types.Int64 { return &m.MaxBootWaitTime },
		func(p *bos.OptionsPatch) **int { return &p.MaxBootWaitTime },
	),
	numberOption(
		"max_component_batch_size", "How many nodes one request to another service names at most; 0 for no limit.",
		func(m *optionsModel) *types.Int64 { return &m.MaxComponentBatchSize },
		func(p *bos.OptionsPatch) **int { return &p.MaxComponentBatchSize },
	),
	numberOption(
		"max_power_off_wait_time", "Seconds a node may take to power off before it is forced to.",
		func(m *optionsModel) *types.Int64 { return &m.MaxPowerOffWaitTime },
		func(p *bos.OptionsPatch) **int { return &p.MaxPowerOffWaitTime },
	),
	numberOption(
		"max_power_on_wait_time", "Seconds a node may take to power on before it is tried again.",
		func(m *optionsModel) *types.Int64 { return &m.MaxPowerOnWaitTime },
		func(p *bos.OptionsPatch) **int { return &p.MaxPowerOnWaitTime },
	),
	numberOption(
		"polling_frequency", "Seconds between two looks at nodes that something is being done with.",
		func(m *optionsModel) *types.Int64 { return &m.PollingFrequency },
		func(p *bos.OptionsPatch) **int { return &p.PollingFrequency },
	),
	numberOption(
		"bss_read_timeout", "Seconds BOS waits for an answer of the boot script service.",
		func(m *optionsModel) *types.Int64 { return &m.BSSReadTimeout },
		func(p *bos.OptionsPatch) **int { return &p.BSSReadTimeout },
	),
	numberOption(
		"cfs_read_timeout", "Seconds BOS waits for an answer of the configuration service.",
		func(m *optionsModel) *types.Int64 { return &m.CFSReadTimeout },
		func(p *bos.OptionsPatch) **int { return &p.CFSReadTimeout },
	),
	numberOption(
		"hsm_read_timeout", "Seconds BOS waits for an answer of the hardware inventory.",
		func(m *optionsModel) *types.Int64 { return &m.HSMReadTimeout },
		func(p *bos.OptionsPatch) **int { return &p.HSMReadTimeout },
	),
	numberOption(
		"ims_read_timeout", "Seconds BOS waits for an answer of the image service.",
		func(m *optionsModel) *types.Int64 { return &m.IMSReadTimeout },
		func(p *bos.OptionsPatch) **int { return &p.IMSReadTimeout },
	),
	numberOption(
		"pcs_read_timeout", "Seconds BOS waits for an answer of the power service.",
		func(m *optionsModel) *types.Int64 { return &m.PCSReadTimeout },
		func(p *bos.OptionsPatch) **int { return &p.PCSReadTimeout },
	),
}

// patch is the options whose configured value differs from the one before; of
// none before, all that are configured.
func (m *optionsModel) patch(before *optionsModel) (p bos.OptionsPatch) {
	if before == nil {
		before = &optionsModel{}
	}
	for _, o := range options {
		o.send(m, before, &p)
	}
	return p
}

// layOver plans what is configured over what was before, and over unknown where
// there was nothing.
func (m *optionsModel) layOver(config, before *optionsModel) {
	for _, o := range options {
		o.layOver(m, config, before)
	}
}

// take takes over what BOS has; null is what it does not know. Text that means
// the same stays as it was written. With settle, only what is unknown.
func (m *optionsModel) take(p bos.OptionsPatch, settle bool) {
	m.ID = types.StringValue(optionsID)
	for _, o := range options {
		o.take(m, p, settle)
	}
}

// ignored names the options of a patch that the answer does not have.
func ignored(sent, got bos.OptionsPatch) (names []string) {
	for _, o := range options {
		if o.ignored(sent, got) {
			names = append(names, o.option())
		}
	}
	return names
}
