package sim

import (
	"slices"
	"time"

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
	// BugStageIsApplied applies what is only to be staged.
	BugStageIsApplied
	// BugAllTenants gives the tenant all nodes.
	BugAllTenants
	// BugTrustsInventory deletes components that the inventory does not name.
	BugTrustsInventory
	// BugTimeoutIsNothing says of a reset without an answer that it was not made.
	BugTimeoutIsNothing
	// BugSendsRegardless has adapters send without asking whether they may.
	BugSendsRegardless
	// BugNoPause knows no pause of the site.
	BugNoPause
	// BugBootUnasked heeds it for power actions alone.
	BugBootUnasked
	// BugHoldUnseen sets sessions up on nodes that are held.
	BugHoldUnseen
	// BugClockRuns lets waits run on while the site is paused.
	BugClockRuns
	// BugAgeOfQuestion counts the age of an answer from its question.
	BugAgeOfQuestion
	// BugOutageForever never takes what is dead for background.
	BugOutageForever
	// BugFeedMisses leaves sessions out of what the store tells.
	BugFeedMisses
	// BugMemberLost sets a session up without counting one of its nodes.
	BugMemberLost
	// BugTallyTorn counts the nodes of a session at another moment than it ends.
	BugTallyTorn
	// BugOldAnswers gives an engine what the one before was answered.
	BugOldAnswers
	// BugCleansAtOnce takes for old what nobody could confirm while the service was
	// away.
	BugCleansAtOnce
	// BugAnswerIsForAll takes an answer for whatever is wanted of the node by then.
	BugAnswerIsForAll
	// BugKnowsEveryName reads a limit as if every name in it were a node's.
	BugKnowsEveryName
	// BugFullIsStored says that a pass is stored for which there was no room.
	BugFullIsStored
	// BugKeepsLease stops without giving the lease up.
	BugKeepsLease
	// BugStopsUnheard stops without storing what was answered.
	BugStopsUnheard
	// BugProofInvented says that a node is up as soon as it is asked for the second time.
	BugProofInvented
	// BugProofOfAnother takes a node that is up for one that runs what it shall.
	BugProofOfAnother
	// BugProofAskedLate asks for the proof of a boot after the power-on only.
	BugProofAskedLate
	// BugNoBudget, BugNoWindow, BugNoUnavailable, BugNoInFlight, BugNoCanary and
	// BugNoDeadline forget that limit of a rollout.
	BugNoBudget
	BugNoWindow
	BugNoUnavailable
	BugNoInFlight
	BugNoCanary
	BugNoDeadline
	// BugLiftsForeign takes every drain for one of this service, BugJobsUnseen sees no
	// jobs, BugUnknownIsHealthy takes every word of a health check for a good one.
	BugLiftsForeign
	BugJobsUnseen
	BugUnknownIsHealthy
	// BugReturnsOnce tries once to end a drain that is left.
	BugReturnsOnce
	// BugNoOverlap has sessions take nodes whoever is at work on them, BugForgetsReplaced
	// forgets whose place a session takes.
	BugNoOverlap
	BugForgetsReplaced
	// BugNoQueue has the nodes of a rollout wait for no turn.
	BugNoQueue
	// BugAcknowledgesAtOnce has a process that stands by answer before the one that drives
	// has heard; BugAskedUntold has a renewal of the lease not tell what was asked.
	BugAcknowledgesAtOnce
	BugAskedUntold
	// BugForgetsUnseen forgets what was sent to a node and has not shown, BugForgetsDeparted
	// does with its component.
	BugForgetsUnseen
	BugForgetsDeparted
	// BugTakesFree renews a lease that was another's meanwhile and is given up.
	BugTakesFree
)

// spoilRollout makes the mistakes that concern what is known of a rollout.
func (w *World) spoilRollout(s *bos.SessionRecord) {
	w.spoilOverlap(s)
	if s.Rollout == nil {
		return
	}
	state := *s.Rollout
	state.Batches = slices.Clone(state.Batches)
	switch spec := &state.Spec; w.config.Bug {
	case BugNoBudget:
		spec.FailureBudget = &bos.Amount{N: 100, Percent: true}
	case BugNoWindow:
		spec.Window = nil
	case BugNoUnavailable:
		spec.MaxUnavailable = bos.Amount{}
	case BugNoInFlight:
		spec.MaxInFlight = bos.Amount{}
	case BugNoCanary:
		spec.FailureBudget, spec.AutoPromote = &bos.Amount{N: 100, Percent: true}, true
		for i := range state.Batches {
			state.Batches[i].Canary = false
		}
	case BugNoDeadline:
		spec.HealthyDeadline = bos.Span(100 * time.Hour)
	default:
		return
	}
	s.Rollout = &state
}

// spoil makes the mistakes that concern what is written, and says whether an engine
// has to read it anew.
func (w *World) spoil(commit *bos.Commit) (spoilt bool) {
	for i := range commit.Components {
		r := &commit.Components[i]
		spoilt = w.forgetsUnseen(r) || spoilt
		switch w.config.Bug {
		case BugForgetful:
			r.EventStats = bos.EventStats{}
			spoilt = true
		case BugLiar:
			if r.LastAction.Action == bos.ActionPoweringOn && r.Enabled {
				r.Enabled, r.Status = false, bos.ComponentStatus{}
				spoilt = true
			}
		case BugUnanswered:
			if r.Work.Flight.Unanswered {
				r.Work.Flight.Unanswered = false
				spoilt = true
			}
		case BugAgainAndAgain:
			if r.Work.Attempt.Resent {
				r.Work.Attempt.Resent = false
				spoilt = true
			}
		case BugReadyByFlag:
			if r.LastAction.Action == bos.ActionPoweringOn && r.LastAction.Failed && !r.BootPrepared() {
				r.Work.Prepared.Boot = bos.PreparedBoot(r.DesiredState.BootArtifacts)
				spoilt = true
			}
		case BugProofAskedLate:
			if was, ok := w.check.stored(r.ID); ok && !was.Work.Attempt.At.Equal(r.Work.Attempt.At) {
				r.Work.Attempt.Quiet = false
				spoilt = true
			}
		case BugClockRuns:
			was, ok := w.check.stored(r.ID)
			if ok && !was.Work.StoppedAt.IsZero() && r.Work.StoppedAt.IsZero() && was.LastAction == r.LastAction {
				r.Work.Attempt.At = was.Work.Attempt.At
				spoilt = true
			}
		case BugReturnsOnce:
			if r.Work.Left.Tries > 0 {
				r.Work.Left = bos.Leftover{}
				spoilt = true
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
		if len(commit.Components) > 0 {
			commit.Events = append(commit.Events, bos.Event{Time: w.Now, Component: w.stranger(), Kind: "power_on"})
		}
	case BugUnwritten:
		commit.Events = nil
	default:
	}
	return spoilt
}

// spoilSetUp makes the mistakes that concern the setup of a session.
func (w *World) spoilSetUp(setup *bos.Setup) {
	arm := setup.Arm
	setup.Arm = func(s *bos.SessionRecord, nodes []bos.Record) bos.Armed {
		held := make([]bos.Brake, len(nodes))
		for i := range nodes {
			if held[i] = nodes[i].Held; w.config.Bug == BugHoldUnseen {
				nodes[i].Held = bos.Brake{}
			}
		}
		armed := arm(s, nodes)
		for i := range nodes {
			if w.config.Bug == BugNoQueue {
				nodes[i].Work.Batch = 0
			}
		}
		if w.config.Bug == BugMemberLost && len(armed.Nodes) > 0 {
			armed.Nodes = armed.Nodes[1:]
		}
		for i := range nodes {
			nodes[i].Held = held[i]
		}
		for i := range nodes {
			if w.config.Bug == BugStageIsApplied && nodes[i].StagedState.Session == s.Name {
				bos.ApplyStaged(&nodes[i], &s.Session, false, w.wall())
			}
		}
		return armed
	}
}

// forgetMissing deletes the components that an inventory does not name.
func (w *World) forgetMissing(inventory bos.Inventory) {
	named := make(map[string]bool)
	for _, n := range inventory.Nodes {
		named[n.ID] = true
	}
	for _, n := range w.room.Inventory().Nodes {
		if named[n.ID] {
			continue
		}
		if err := w.store.DeleteComponent(w.ctx, n.ID); err == nil {
			w.written++
		}
	}
}

// blind says that the service does not see the pause of the site.
func (w *World) blind() bool {
	return w.config.Bug == BugNoPause || w.config.Bug == BugBootUnasked
}

// spoilInputs makes the mistakes that concern what a step is given.
func (p *process) spoilInputs(now time.Time, in *engine.Inputs) time.Time {
	clock, w := now, p.w
	p.spoilAnswers(in)
	switch w.config.Bug {
	case BugCleansAtOnce:
		in.Times.Hearing, in.Times.Steady = time.Time{}, time.Time{}
	case BugWallClock:
		in.Times, clock = engine.Times{}, w.wall()
	case BugNeverAway:
		in.Times, clock = engine.Times{Wall: in.Times.Wall}, w.Now
	case BugHintIsFact:
		for _, id := range in.Hints {
			in.Readings = append(in.Readings, bos.PowerReading{ID: id, State: bos.PowerStateOff, Asked: now, Answered: now})
		}
	default:
	}
	for i := range in.Readings {
		w.spoilTimes(&in.Readings[i].Asked, &in.Readings[i].Answered, clock.Sub(now))
	}
	for i := range in.Configurations {
		w.spoilTimes(&in.Configurations[i].Asked, &in.Configurations[i].Answered, clock.Sub(now))
	}
	return clock
}

// spoilAnswers makes those that concern what was answered.
func (p *process) spoilAnswers(in *engine.Inputs) {
	switch p.w.config.Bug {
	case BugTallyTorn:
		for i := range in.Completions {
			in.Completions[i].Tally = bos.Tally{}
		}
	case BugAnswerIsForAll:
		for i := range in.Results {
			if r, ok := p.w.check.stored(in.Results[i].ID); ok && in.Results[i].Effect.Kind == bos.EffectWriteBoot {
				in.Results[i].Effect.Artifacts = r.DesiredState.BootArtifacts
			}
		}
	case BugOldAnswers:
		if p.answeredTo != p.engines {
			in.Readings = append(in.Readings, p.answers...)
			p.answers, p.answeredTo = nil, p.engines
		}
		p.answers = append(p.answers, in.Readings...)
	default:
	}
}

func (w *World) spoilTimes(asked, answered *time.Time, by time.Duration) {
	*asked, *answered = asked.Add(by), answered.Add(by)
	if w.config.Bug == BugAgeOfQuestion {
		*answered = time.Time{}
	}
}
