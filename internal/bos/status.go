package bos

// PhasePercentages say how far a session's components are.
type PhasePercentages struct {
	PercentComplete    float64 `json:"percent_complete"`
	PercentPoweringOn  float64 `json:"percent_powering_on"`
	PercentPoweringOff float64 `json:"percent_powering_off"`
	PercentConfiguring float64 `json:"percent_configuring"`
}

// ErrorComponents is the components that share one error message.
type ErrorComponents struct {
	Count int `json:"count"`
	// List holds at most ten xnames and then an ellipsis.
	List string `json:"list"`
}

// SessionTiming is how long a session has been going.
type SessionTiming struct {
	StartTime Time   `json:"start_time"`
	EndTime   Time   `json:"end_time"`
	Duration  string `json:"duration"`
}

// ExtendedStatus is GET /v2/sessions/{name}/status (bos-contract section 6).
type ExtendedStatus struct {
	Status                 SessionPhase `json:"status"`
	ManagedComponentsCount int          `json:"managed_components_count"`
	// GoneComponentsCount is how many of them another session took over, or
	// somebody took away, before this one was done with them. It is an extension
	// to the original, left out where there are none.
	GoneComponentsCount int                        `json:"gone_components_count,omitempty"`
	Phases              PhasePercentages           `json:"phases"`
	PercentSuccessful   float64                    `json:"percent_successful"`
	PercentFailed       float64                    `json:"percent_failed"`
	PercentStaged       float64                    `json:"percent_staged"`
	ErrorSummary        map[string]ErrorComponents `json:"error_summary"`
	Timing              SessionTiming              `json:"timing"`
}
