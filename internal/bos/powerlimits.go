package bos

import "time"

// PowerLimits bound how many power actions start in any Window: a machine room
// that powers on all at once trips its breakers. They hold across restarts of the
// service. A limit of 0 is none.
type PowerLimits struct {
	// Window is the length of time that the limits count in.
	Window time.Duration
	// Starts bounds power-ons, Actions power actions of any kind; each in all
	// and in one cabinet.
	Starts, CabinetStarts   int
	Actions, CabinetActions int
}

// DefaultPowerWindow is the window of limits that name none.
const DefaultPowerWindow = 10 * time.Second

// Any reports whether anything is limited.
func (l PowerLimits) Any() bool {
	return l.Starts > 0 || l.CabinetStarts > 0 || l.Actions > 0 || l.CabinetActions > 0
}
