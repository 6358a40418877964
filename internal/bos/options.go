package bos

import "time"

// Options are the settings of the service that an API client can change; they
// take effect at once (bos-contract section 7).
type Options struct {
	CleanupCompletedSessionTTL string `json:"cleanup_completed_session_ttl"`
	ClearStage                 bool   `json:"clear_stage"`
	ComponentActualStateTTL    string `json:"component_actual_state_ttl"`
	DefaultRetryPolicy         int    `json:"default_retry_policy"`
	DiscoveryFrequency         int    `json:"discovery_frequency"`
	IMSErrorsFatal             bool   `json:"ims_errors_fatal"`
	IMSImagesMustExist         bool   `json:"ims_images_must_exist"`
	LoggingLevel               string `json:"logging_level"`
	MaxBootWaitTime            int    `json:"max_boot_wait_time"`
	MaxComponentBatchSize      int    `json:"max_component_batch_size"`
	MaxPowerOffWaitTime        int    `json:"max_power_off_wait_time"`
	MaxPowerOnWaitTime         int    `json:"max_power_on_wait_time"`
	PollingFrequency           int    `json:"polling_frequency"`
	RejectNIDs                 bool   `json:"reject_nids"`
	SessionLimitRequired       bool   `json:"session_limit_required"`
	BSSReadTimeout             int    `json:"bss_read_timeout"`
	CFSReadTimeout             int    `json:"cfs_read_timeout"`
	HSMReadTimeout             int    `json:"hsm_read_timeout"`
	IMSReadTimeout             int    `json:"ims_read_timeout"`
	PCSReadTimeout             int    `json:"pcs_read_timeout"`
}

// DefaultOptions are the values of a fresh service.
func DefaultOptions() Options {
	return Options{
		CleanupCompletedSessionTTL: "7d",
		ComponentActualStateTTL:    "4h",
		DefaultRetryPolicy:         3,
		DiscoveryFrequency:         300,
		LoggingLevel:               "INFO",
		MaxBootWaitTime:            1200,
		MaxComponentBatchSize:      2800,
		MaxPowerOffWaitTime:        300,
		MaxPowerOnWaitTime:         120,
		PollingFrequency:           15,
		BSSReadTimeout:             20,
		CFSReadTimeout:             20,
		HSMReadTimeout:             20,
		IMSReadTimeout:             20,
		PCSReadTimeout:             20,
	}
}

// Policy is everything besides record and observation that a decision depends
// on: the options with the service's own settings, as durations.
type Policy struct {
	DefaultRetryPolicy int
	MaxBootWait        time.Duration
	MaxPowerOnWait     time.Duration
	MaxPowerOffWait    time.Duration
	Polling            time.Duration
	// MaxUnreachable is how long a BMC may stay silent while its peers
	// answer before its nodes fail.
	MaxUnreachable time.Duration
	// ConfirmGrace is how long after an unanswered power call the node's
	// own power state decides whether the call took effect.
	ConfirmGrace time.Duration
	// SetupGiveUp is how long a session stays pending through an outage.
	SetupGiveUp time.Duration
	// Limits bound the power actions of all nodes together.
	Limits PowerLimits
	// Configures says whether there is a configuration service.
	Configures bool
	// BootProof is the site's, and Proofs says that it can be asked for.
	BootProof BootProof
	Proofs    bool
	// Workload is how nodes are drained, Health how long they have to become healthy.
	Workload WorkloadPolicy
	Health   HealthPolicy
}

// Settings of the service itself that are no BOS option.
const (
	DefaultMaxUnreachable = 10 * time.Minute
	DefaultConfirmGrace   = 10 * time.Second
	DefaultSetupGiveUp    = time.Hour
)

// Policy is the options as decisions take them, with the service's defaults
// for the rest.
func (o Options) Policy() Policy {
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	return Policy{
		DefaultRetryPolicy: o.DefaultRetryPolicy,
		MaxBootWait:        seconds(o.MaxBootWaitTime),
		MaxPowerOnWait:     seconds(o.MaxPowerOnWaitTime),
		MaxPowerOffWait:    seconds(o.MaxPowerOffWaitTime),
		Polling:            seconds(o.PollingFrequency),
		MaxUnreachable:     DefaultMaxUnreachable,
		ConfirmGrace:       DefaultConfirmGrace,
		SetupGiveUp:        DefaultSetupGiveUp,
	}
}
