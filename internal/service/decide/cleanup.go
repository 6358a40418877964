package decide

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Lifetime is what is kept: complete sessions for so long after their start,
// actual states reported since. Zero is no limit.
type Lifetime struct {
	Sessions time.Duration
	Actual   time.Time
}

// trusted is for how long the wall clock must not have stepped before what is
// old by it is deleted for good: a machine that starts may not know the time yet.
const trusted = time.Hour

// Lifetimes reads the options cleanup_completed_session_ttl and
// component_actual_state_ttl. A stored value that cannot be read cleans nothing.
// now is wall time, heard for how long it has not stepped and reports were taken
// without a break: nodes had so long to confirm what they run, and by no less is
// anything judged to be old.
func Lifetimes(o bos.Options, now time.Time, heard time.Duration) Lifetime {
	var l Lifetime
	if ttl, err := bos.ParseAge(o.CleanupCompletedSessionTTL); err == nil && heard >= min(ttl, trusted) {
		l.Sessions = ttl
	}
	if ttl, err := bos.ParseAge(o.ComponentActualStateTTL); err == nil && ttl > 0 && heard >= ttl {
		l.Actual = now.Add(-ttl)
	}
	return l
}

// ActualExpired reports whether a component says what it booted, and nothing has
// confirmed that since before. A component in work is never old: emptying its
// state would hide the power action it is waiting for.
func ActualExpired(r bos.Record, before time.Time) bool {
	if r.Enabled || r.ActualState.BootArtifacts.Empty() && r.ActualState.BSSToken == "" {
		return false
	}
	return r.ActualState.LastUpdated.IsZero() || r.ActualState.LastUpdated.Before(before)
}

// ForgetActual empties the actual state of a component (bos-contract section 5,
// operator actual-state-cleanup). Its error stays: that nobody has heard of a node for
// hours does not mend what failed on it.
func ForgetActual(r bos.Record, now time.Time) bos.Record {
	at := bos.At(now)
	r.ActualState = bos.ActualState{LastUpdated: at}
	r.LastAction = bos.LastAction{Action: bos.ActionActualStateCleanup, LastUpdated: at}
	return r
}
