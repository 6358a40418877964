package bos

import (
	"slices"
	"strings"
)

// OptionsPatch changes some options; a nil field is left alone.
type OptionsPatch struct {
	CleanupCompletedSessionTTL *string `json:"cleanup_completed_session_ttl,omitempty"`
	ClearStage                 *bool   `json:"clear_stage,omitempty"`
	ComponentActualStateTTL    *string `json:"component_actual_state_ttl,omitempty"`
	DefaultRetryPolicy         *int    `json:"default_retry_policy,omitempty"`
	DiscoveryFrequency         *int    `json:"discovery_frequency,omitempty"`
	IMSErrorsFatal             *bool   `json:"ims_errors_fatal,omitempty"`
	IMSImagesMustExist         *bool   `json:"ims_images_must_exist,omitempty"`
	LoggingLevel               *string `json:"logging_level,omitempty"`
	MaxBootWaitTime            *int    `json:"max_boot_wait_time,omitempty"`
	MaxComponentBatchSize      *int    `json:"max_component_batch_size,omitempty"`
	MaxPowerOffWaitTime        *int    `json:"max_power_off_wait_time,omitempty"`
	MaxPowerOnWaitTime         *int    `json:"max_power_on_wait_time,omitempty"`
	PollingFrequency           *int    `json:"polling_frequency,omitempty"`
	RejectNIDs                 *bool   `json:"reject_nids,omitempty"`
	SessionLimitRequired       *bool   `json:"session_limit_required,omitempty"`
	BSSReadTimeout             *int    `json:"bss_read_timeout,omitempty"`
	CFSReadTimeout             *int    `json:"cfs_read_timeout,omitempty"`
	HSMReadTimeout             *int    `json:"hsm_read_timeout,omitempty"`
	IMSReadTimeout             *int    `json:"ims_read_timeout,omitempty"`
	PCSReadTimeout             *int    `json:"pcs_read_timeout,omitempty"`
}

// The ranges of options (bos-contract section 7), in seconds unless the name
// says otherwise.
const (
	maxSeconds            = 1048576
	maxDiscoveryFrequency = 33554432
	maxBatchSize          = 131071
	minReadTimeout        = 10
	maxReadTimeout        = 86400
	// MaxRetryPolicy bounds retry policies and attempt counters.
	MaxRetryPolicy = 1048576
)

var loggingLevels = []string{"debug", "info", "warning", "error", "critical"}

// Validate checks every option the patch sets. The error is an *Invalid that
// names the option.
func (p OptionsPatch) Validate() error {
	for _, number := range []struct {
		name     string
		value    *int
		min, max int
	}{
		{"bss_read_timeout", p.BSSReadTimeout, minReadTimeout, maxReadTimeout},
		{"cfs_read_timeout", p.CFSReadTimeout, minReadTimeout, maxReadTimeout},
		{"hsm_read_timeout", p.HSMReadTimeout, minReadTimeout, maxReadTimeout},
		{"ims_read_timeout", p.IMSReadTimeout, minReadTimeout, maxReadTimeout},
		{"pcs_read_timeout", p.PCSReadTimeout, minReadTimeout, maxReadTimeout},
		{"default_retry_policy", p.DefaultRetryPolicy, 0, MaxRetryPolicy},
		{"discovery_frequency", p.DiscoveryFrequency, 0, maxDiscoveryFrequency},
		{"max_boot_wait_time", p.MaxBootWaitTime, 0, maxSeconds},
		{"max_component_batch_size", p.MaxComponentBatchSize, 0, maxBatchSize},
		{"max_power_off_wait_time", p.MaxPowerOffWaitTime, 0, maxSeconds},
		{"max_power_on_wait_time", p.MaxPowerOnWaitTime, 0, maxSeconds},
		{"polling_frequency", p.PollingFrequency, 0, maxSeconds},
	} {
		if err := checkRange(number.name, number.value, number.min, number.max); err != nil {
			return err
		}
	}
	if v := p.CleanupCompletedSessionTTL; v != nil {
		if _, err := ParseAge(*v); err != nil {
			return at("cleanup_completed_session_ttl", err)
		}
	}
	if v := p.ComponentActualStateTTL; v != nil {
		if err := checkActualStateTTL(*v); err != nil {
			return err
		}
	}
	if v := p.LoggingLevel; v != nil && !slices.Contains(loggingLevels, strings.ToLower(*v)) {
		return Invalidf("logging_level", "%q is no level; use one of %s", clip(*v), strings.Join(loggingLevels, ", "))
	}
	return nil
}

// checkActualStateTTL is stricter than other ages: nodes are told to report
// this often, so neither zero nor minutes are allowed.
func checkActualStateTTL(s string) error {
	const field = "component_actual_state_ttl"
	age, err := ParseAge(s)
	if err != nil {
		return at(field, err)
	}
	if age == 0 || strings.HasSuffix(strings.ToLower(s), "m") {
		return Invalidf(field, "%q is too short; write a number from 1 and one of h, d, w, such as 4h", s)
	}
	return nil
}

func checkRange(field string, value *int, least, most int) error {
	if value == nil || *value >= least && *value <= most {
		return nil
	}
	return Invalidf(field, "%d is out of range; use %d to %d", *value, least, most)
}

// Apply sets what the patch sets.
func (p OptionsPatch) Apply(o *Options) {
	set(&o.CleanupCompletedSessionTTL, p.CleanupCompletedSessionTTL)
	set(&o.ClearStage, p.ClearStage)
	set(&o.ComponentActualStateTTL, p.ComponentActualStateTTL)
	set(&o.DefaultRetryPolicy, p.DefaultRetryPolicy)
	set(&o.DiscoveryFrequency, p.DiscoveryFrequency)
	set(&o.IMSErrorsFatal, p.IMSErrorsFatal)
	set(&o.IMSImagesMustExist, p.IMSImagesMustExist)
	set(&o.LoggingLevel, p.LoggingLevel)
	set(&o.MaxBootWaitTime, p.MaxBootWaitTime)
	set(&o.MaxComponentBatchSize, p.MaxComponentBatchSize)
	set(&o.MaxPowerOffWaitTime, p.MaxPowerOffWaitTime)
	set(&o.MaxPowerOnWaitTime, p.MaxPowerOnWaitTime)
	set(&o.PollingFrequency, p.PollingFrequency)
	set(&o.RejectNIDs, p.RejectNIDs)
	set(&o.SessionLimitRequired, p.SessionLimitRequired)
	set(&o.BSSReadTimeout, p.BSSReadTimeout)
	set(&o.CFSReadTimeout, p.CFSReadTimeout)
	set(&o.HSMReadTimeout, p.HSMReadTimeout)
	set(&o.IMSReadTimeout, p.IMSReadTimeout)
	set(&o.PCSReadTimeout, p.PCSReadTimeout)
}

// set copies a value that is given.
func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}
