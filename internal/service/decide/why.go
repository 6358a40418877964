package decide

import (
	"cmp"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Explain says of a component what it waits for and what happens next, by its record
// alone: what Decide would go by. Times are those that people read.
func Explain(r bos.Record, p bos.Policy) bos.Why {
	w := bos.Why{
		Component: r.ID, Session: r.Session, Tenant: r.Tenant, Phase: r.State().String(), Status: r.DeriveStatus(),
		Attempts: attemptsOf(r, p), Answer: cmp.Or(r.Work.Waiting.Detail, r.Work.Attempt.Answer), Error: r.Error, Cause: r.Work.Cause, Sentence: r.Work.Cause.Sentence(),
		Commands: []string{},
	}
	if at := r.LastAction.LastUpdated; !at.IsZero() {
		w.Action = &bos.WhyAction{Action: r.LastAction.Action, At: at.Time, Failed: r.LastAction.Failed}
	}
	if r.Held.On() {
		held := r.Held.State()
		w.Held = &held
	}
	if said := r.ActualState; !said.BootArtifacts.Empty() {
		w.Booted = &bos.WhyBooted{At: timeRef(said.LastUpdated.Time), Matches: r.Goal == bos.GoalBoot && runs(r)}
	}
	w.WaitsFor, w.Next = explainWait(r, p)
	w.Commands = append(w.Commands, commandsFor(r, w)...)
	return w
}

func timeRef(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func attemptsOf(r bos.Record, p bos.Policy) bos.AttemptsOf {
	limit := retryLimit(r, p)
	tries := func(used int) bos.Tries { return bos.Tries{Used: used, Left: max(limit-used, 0)} }
	return bos.AttemptsOf{
		PowerOn:          tries(r.EventStats.PowerOnAttempts),
		PowerOffGraceful: tries(r.EventStats.PowerOffGracefulAttempts),
		PowerOffForceful: tries(r.EventStats.PowerOffForcefulAttempts),
	}
}

// explainWait is what a component waits for, and what follows.
func explainWait(r bos.Record, p bos.Policy) (bos.WaitsFor, bos.NextStep) {
	wait := bos.WaitsFor{Reason: r.Work.Waiting.For, Cause: r.Work.Waiting.Cause, Detail: r.Work.Waiting.Detail}
	if wait.Reason == bos.WaitNone && r.Work.Queued() {
		wait.Reason = bos.WaitRollout
	}
	if !r.Enabled {
		wait.Reason = bos.WaitNone
		return explainIdle(r, wait)
	}
	switch {
	case r.Held.On() && wait.Reason == bos.WaitNone:
		wait.Reason, wait.Detail = bos.WaitHeld, r.Held.Reason
	case wait.Reason == bos.WaitNone:
		return explainWork(r, p, wait)
	}
	wait.Sentence = bos.Waiting{For: wait.Reason, Cause: wait.Cause, Detail: wait.Detail}.Node(r.ID, r.Session).Sentence
	return wait, nextAfterWait(r, p, wait)
}

// explainIdle is said of a component that is not in work.
func explainIdle(r bos.Record, wait bos.WaitsFor) (bos.WaitsFor, bos.NextStep) {
	next := bos.NextStep{What: bos.NextNothing, Sentence: "nothing happens to it until a session, or somebody, wants something of it"}
	switch {
	case r.Status.StatusOverride == bos.StatusFailed:
		wait.Sentence = "it was given up: " + cmp.Or(r.Error, r.Work.Cause.Sentence(), "nothing says why")
		next.Sentence = "nothing happens to it until it is tried again"
	case r.Held.On():
		wait.Reason, wait.Detail = bos.WaitHeld, r.Held.Reason
		wait.Sentence = "it is held, so sessions leave it out"
	case r.Session != "":
		wait.Sentence = fmt.Sprintf("it waits for nothing: session %s is done with it", r.Session)
	default:
		wait.Sentence = "it waits for nothing: nothing is wanted of it"
	}
	if b := &r.Work.StagedBoot; r.StagedBootWaits() {
		switch {
		case r.Held.On():
		case r.StagedBootWritten():
			wait.Sentence += fmt.Sprintf("; staged boot parameters written: a reboot from outside boots what session %s staged", b.Session)
		case b.Detail != "":
			wait.Detail = b.Detail
			wait.Sentence += fmt.Sprintf("; the boot parameters that session %s staged are not written yet, which is tried again: %s", b.Session, b.Detail)
		default:
			wait.Sentence += fmt.Sprintf("; the boot parameters that session %s staged are written next", b.Session)
		}
	}
	if said := explainLeft(r); said != "" {
		wait.Sentence = bos.Unstopped(wait.Sentence) + "; " + said
		if r.Work.Left.Waits() {
			next = bos.NextStep{What: bos.NextCall, Sentence: "its workload manager is asked again to end the drain, in a minute at the latest"}
		}
	}
	return wait, next
}

// explainLeft says of a component that is not in work that a drain of it is left.
func explainLeft(r bos.Record) string {
	l := &r.Work.Left
	switch {
	case l.State == bos.LeftNone, l.State == bos.LeftGivenUp && r.Status.StatusOverride == bos.StatusFailed: // whose error says it
		return ""
	case l.State == bos.LeftGivenUp:
		return leftSentence(r)
	case l.Detail != "":
		return fmt.Sprintf("its workload manager still has it drained, as %s, and is asked again to end that (%d tries so far; last: %s)", bos.DrainMark(l.Key()), l.Tries, l.Detail)
	default:
		return fmt.Sprintf("its workload manager has it drained, as %s, which is being ended", bos.DrainMark(l.Key()))
	}
}

// nextAfterWait is what ends a wait that has a reason.
func nextAfterWait(r bos.Record, p bos.Policy, wait bos.WaitsFor) bos.NextStep {
	switch {
	case wait.Reason == bos.WaitRollout:
		return bos.NextStep{What: bos.NextTurn, Sentence: "it is started when its batch is"}
	case wait.Reason == bos.WaitPowerLimits:
		return bos.NextStep{What: bos.NextTurn, Sentence: "its power action is sent when power.limits allow one more"}
	case wait.Reason.Stops():
		return bos.NextStep{What: bos.NextBrake, Sentence: "nothing, until somebody lets it go on"}
	case wait.Reason == bos.WaitBMC:
		left := max(p.MaxUnreachable-r.Work.Patience.Silent, 0).Round(time.Second)
		return bos.NextStep{What: bos.NextGiveUp, Sentence: fmt.Sprintf("its power is asked for again and again; it is given up after %s more in which its BMC does not tell while others do", left)}
	case wait.Reason == bos.WaitBackOff, wait.Reason == bos.WaitWithheld:
		return bos.NextStep{What: bos.NextCall, Sentence: "the call is made again, which costs no attempt so far", At: wallOf(r, r.Work.BackOff.Until)}
	default:
		return bos.NextStep{What: bos.NextUpstream, Sentence: "work goes on by itself when that is over"}
	}
}

// explainWork is said of a component whose work goes on: what was sent last has time yet
// to show, or nothing has been sent.
func explainWork(r bos.Record, p bos.Policy, wait bos.WaitsFor) (bos.WaitsFor, bos.NextStep) {
	limit := retryLimit(r, p)
	left := func(used int, again string) string {
		if used < limit {
			return again
		}
		return "it is given up, as all attempts of its retry policy are used"
	}
	until := func(d time.Duration) *time.Time { return wallOf(r, r.Work.Attempt.At.Add(d)) }
	switch {
	case r.Status.Phase == bos.PhaseConfiguring || r.Goal == bos.GoalConfigure:
		wait.Sentence = "it waits for its configuration to be applied"
		return wait, bos.NextStep{What: bos.NextProbe, Sentence: "the configuration service is asked again"}
	case r.Work.Called(bos.EffectPowerOn):
		wait.Sentence = "it was powered on and has not reported its boot"
		return wait, bos.NextStep{
			What: bos.NextReport, At: until(p.MaxBootWait),
			Sentence: "it reports, and is done; if it has not by max_boot_wait_time, " + left(r.EventStats.PowerOnAttempts, "it is powered off and on again"),
		}
	case r.Work.Called(bos.EffectPowerOffGraceful):
		wait.Sentence = "it was asked to power off and is not off yet"
		return wait, bos.NextStep{
			What: bos.NextForce, At: until(p.MaxPowerOffWait),
			Sentence: "it goes off; if it has not by max_power_off_wait_time, it is powered off by force",
		}
	case r.Work.Called(bos.EffectPowerOffForceful):
		wait.Sentence = "it was powered off by force and is not off yet"
		return wait, bos.NextStep{
			What: bos.NextForce, At: until(p.MaxPowerOffWait),
			Sentence: "it goes off; if it has not by max_power_off_wait_time, " + left(r.EventStats.PowerOffForcefulAttempts, "that is tried again"),
		}
	}
	wait.Sentence = "nothing has been sent for it yet; it is decided on in a moment"
	next := bos.NextStep{What: bos.NextPowerOn, Sentence: "its power is read, its boot parameters are written, and it is powered on"}
	switch {
	case r.Goal == bos.GoalOff:
		next = bos.NextStep{What: bos.NextPowerOff, Sentence: "its power is read, and it is powered off if it is on"}
	case r.Status.Phase == bos.PhasePoweringOff:
		next = bos.NextStep{What: bos.NextPowerOff, Sentence: "it is powered off, and then on"}
	}
	return wait, next
}

// wallOf is a time of the service's clock as people read it: by the last action, of which
// both are known. Nil where nothing was done, or the time has passed unnoticed.
func wallOf(r bos.Record, at time.Time) *time.Time {
	if at.IsZero() || r.Work.Attempt.At.IsZero() || r.LastAction.LastUpdated.IsZero() {
		return nil
	}
	return timeRef(r.LastAction.LastUpdated.Add(at.Sub(r.Work.Attempt.At)).Truncate(time.Second))
}

// commandsFor is what to type, where something is to be.
func commandsFor(r bos.Record, w bos.Why) []string {
	const call = `curl -H "Authorization: Bearer $(terraform-provider-bos token local)" -X `
	switch {
	case w.WaitsFor.Reason == bos.WaitSitePaused:
		return []string{call + `POST "$BOS_ENDPOINT/x/v1/resume"`}
	case w.WaitsFor.Reason == bos.WaitHeld:
		return []string{call + `DELETE "$BOS_ENDPOINT/x/v1/components/` + r.ID + `/hold"`}
	case w.WaitsFor.Reason == bos.WaitSessionPaused:
		return []string{"terraform-provider-bos rollout resume " + r.Session}
	case w.WaitsFor.Reason == bos.WaitRollout:
		return []string{"terraform-provider-bos rollout status " + r.Session}
	case r.Status.StatusOverride == bos.StatusFailed && r.Session != "":
		return []string{"terraform-provider-bos retry " + r.Session, "terraform-provider-bos history " + r.ID}
	case r.Enabled:
		return []string{"terraform-provider-bos history " + r.ID}
	default:
		return nil
	}
}
