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

// Lifetimes reads the options cleanup_completed_session_ttl and
// component_actual_state_ttl. A stored value that cannot be read cleans nothing.
func Lifetimes(o bos.Options, now time.Time) Lifetime {
	var l Lifetime
	if ttl, err := bos.ParseAge(o.CleanupCompletedSessionTTL); err == nil {
		l.Sessions = ttl
	}
	if ttl, err := bos.ParseAge(o.ComponentActualStateTTL); err == nil && ttl > 0 {
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
// operator actual-state-cleanup).
func ForgetActual(r bos.Record, now time.Time) bos.Record {
	at := bos.At(now)
	r.ActualState = bos.ActualState{LastUpdated: at}
	r.LastAction = bos.LastAction{Action: bos.ActionActualStateCleanup, LastUpdated: at}
	r.Error = ""
	return r
}
