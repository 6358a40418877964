package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// cleanEvery is how often old sessions and actual states are looked for. The
// lifetimes they are held against are counted in minutes or more.
const cleanEvery = time.Minute

// Clean is what is too old to keep, each zero for nothing: complete sessions
// that started longer than Sessions ago, and actual states that were not
// reported since Actual. What nothing refers to any more goes as well, and what is
// remembered of power actions of deleted components of before Shown, by the clock of the
// engine.
type Clean struct {
	Sessions time.Duration
	Actual   time.Time
	Shown    time.Time
}

// runCleanup asks for a cleaning when one is due.
func (e *Engine) runCleanup() {
	now := e.step.now
	if now.Before(e.nextClean) {
		return
	}
	e.nextClean = now.Add(cleanEvery)
	clean := decide.Lifetimes(e.options, e.step.times.Wall, now.Sub(later(e.step.times.Hearing, e.step.times.Steady)))
	e.step.out.Clean = &Clean{Sessions: clean.Sessions, Actual: clean.Actual, Shown: decide.Shown(e.policy, now)}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
