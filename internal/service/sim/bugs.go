package sim

import (
	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// Bug is a mistake made on purpose.
type Bug int

// The bugs, at least one for each check.
const (
	BugNone Bug = iota
	// BugNoBootParameters reports boot parameters as stored without storing them.
	BugNoBootParameters
	// BugStranger powers on a node that nobody asked for.
	BugStranger
	// BugTwice sends every power action twice, the second after the power changed.
	BugTwice
	// BugGuess takes a BMC that does not answer for a node that is off.
	BugGuess
	// BugTwoAtOnce starts each effect twice.
	BugTwoAtOnce
	// BugForgetful stores no counted attempts.
	BugForgetful
	// BugNoLimits heeds no power limits.
	BugNoLimits
	// BugInventedEvent writes history of a node that was not written.
	BugInventedEvent
	// BugUnwritten writes no history.
	BugUnwritten
	// BugLiar calls nodes done that were only powered on.
	BugLiar
	// BugNoCause forgets why nodes failed.
	BugNoCause
	// BugNoAnswer loses every answer to a power action, so that nothing ends.
	BugNoAnswer
	// BugOneMore allows every node an attempt more than its policy.
	BugOneMore
	// BugUnanswered forgets that a call was sent whose answer never came.
	BugUnanswered
	// BugUnconfigured takes every configuration for applied.
	BugUnconfigured
	// BugHintIsFact takes a hint for a power reading.
	BugHintIsFact
	// BugAgainAndAgain forgets that an attempt has sent its reset again.
	BugAgainAndAgain
	// BugHasty gives a power action half of its time to show.
	BugHasty
	// BugAsksTwice asks for each power state twice at a time.
	BugAsksTwice
	// BugReadyByFlag takes the boot parameters for stored that a power-on was
	// given back with, whatever is desired since.
	BugReadyByFlag
	// BugForgetsCalls starts an engine afresh beside the calls of the one before.
	BugForgetsCalls
	// BugUnknownIsAlone takes it for each node's own trouble that power control
	// knows none.
	BugUnknownIsAlone
	// BugNeverAway lets waits run on while the service is away.
	BugNeverAway
	// BugWallClock measures waits with the wall clock.
	BugWallClock
	// BugAgeOfQuestion counts the age of an answer from its question.
	BugAgeOfQuestion
)

// spoil makes the mistakes that concern what a step says.
func (w *World) spoil(out *engine.Outputs) {
	w.spoilt = false
	for i := range out.Commit.Components {
		r := &out.Commit.Components[i]
		switch w.config.Bug {
		case BugForgetful:
			r.EventStats = bos.EventStats{}
			w.spoilt = true
		case BugLiar:
			if r.LastAction.Action == bos.ActionPoweringOn && r.Enabled {
				r.Enabled, r.Status = false, bos.ComponentStatus{}
				w.spoilt = true
			}
		case BugUnanswered:
			if r.Work.Unanswered {
				r.Work.Unanswered = false
				w.spoilt = true
			}
		case BugAgainAndAgain:
			if r.Work.Resent {
				r.Work.Resent = false
				w.spoilt = true
			}
		case BugReadyByFlag:
			if r.LastAction.Action == bos.ActionPoweringOn && r.LastAction.Failed && !r.BootPrepared() {
				r.Work.Prepared.Boot = bos.PreparedBoot(r.DesiredState.BootArtifacts)
				w.spoilt = true
			}
		case BugNoCause:
			if r.Status.StatusOverride == bos.StatusFailed {
				r.Work.Cause = bos.CauseNone
			}
		default:
		}
	}
	switch w.config.Bug {
	case BugInventedEvent:
		if len(out.Commit.Components) > 0 {
			out.Commit.Events = append(out.Commit.Events, bos.Event{Time: w.Now, Component: w.stranger(), Kind: "power_on"})
		}
	case BugUnwritten:
		out.Commit.Events = nil
	default:
	}
}
