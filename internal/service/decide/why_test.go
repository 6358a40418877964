package decide_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// inWork is a node that a session boots.
func inWork(change func(*bos.Record)) bos.Record {
	r := bos.Record{Goal: bos.GoalBoot}
	r.ID, r.Session, r.Enabled = "x1c0s1b0n0", "s", true
	change(&r)
	return r
}

func TestWhyANodeIsNotUpIsToldWithWhatFollowsAndWhatToType(t *testing.T) {
	policy := bos.DefaultOptions().Policy()
	clock := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	wall := clock.Add(5 * time.Hour) // the service's clock stood for a while
	called := func(kind bos.EffectKind, action bos.Action, phase bos.Phase) func(*bos.Record) {
		return func(r *bos.Record) {
			r.Status.Phase, r.Work.Attempt = phase, bos.Attempt{Kind: kind, At: clock}
			r.LastAction = bos.LastAction{Action: action, LastUpdated: bos.At(wall)}
		}
	}
	for name, c := range map[string]struct {
		rec             bos.Record
		what            bos.NextWhat
		waits, next, do string
		at              time.Time
	}{
		"nothing was sent": {rec: inWork(func(*bos.Record) {}), what: bos.NextPowerOn, waits: "nothing has been sent", next: "powered on", do: "history x1c0s1b0n0"},
		"it boots":         {rec: inWork(called(bos.EffectPowerOn, bos.ActionPoweringOn, bos.PhasePoweringOn)), what: bos.NextReport, waits: "has not reported", next: "off and on again", do: "history", at: wall.Add(policy.MaxBootWait)},
		"it goes off":      {rec: inWork(called(bos.EffectPowerOffGraceful, bos.ActionPowerOffGraceful, bos.PhasePoweringOff)), what: bos.NextForce, waits: "not off yet", next: "by force", do: "history", at: wall.Add(policy.MaxPowerOffWait)},
		"its last try boots": {rec: inWork(func(r *bos.Record) {
			called(bos.EffectPowerOn, bos.ActionPoweringOn, bos.PhasePoweringOn)(r)
			r.EventStats.PowerOnAttempts = 99
		}), what: bos.NextReport, next: "given up", do: "history", at: wall.Add(policy.MaxBootWait)},
		"a call failed": {rec: inWork(func(r *bos.Record) {
			called(bos.EffectPowerOn, bos.ActionPoweringOn, bos.PhasePoweringOn)(r)
			r.Wait(bos.Waiting{For: bos.WaitBackOff, Detail: "503"})
			r.Work.BackOff.Until = clock.Add(time.Minute)
		}), what: bos.NextCall, next: "made again", do: "history", at: wall.Add(time.Minute)},
		"its BMC is silent": {rec: inWork(func(r *bos.Record) {
			r.Wait(bos.Waiting{For: bos.WaitBMC, Cause: bos.CauseBMCUnreachable})
			r.Work.Patience.Silent = 4 * time.Minute
		}), what: bos.NextGiveUp, waits: "does not answer", next: "6m0s more", do: "history"},
		"it is held": {rec: inWork(func(r *bos.Record) {
			r.Held = bos.NewBrake("broken fan", "me", wall)
			r.Wait(bos.Waiting{For: bos.WaitHeld, Detail: "broken fan"})
		}), what: bos.NextBrake, waits: "it is held", next: "until somebody", do: "components/x1c0s1b0n0/hold"},
		"the site is paused":  {rec: inWork(func(r *bos.Record) { r.Wait(bos.Waiting{For: bos.WaitSitePaused}) }), what: bos.NextBrake, waits: "the site is paused", do: "x/v1/resume"},
		"its session is":      {rec: inWork(func(r *bos.Record) { r.Wait(bos.Waiting{For: bos.WaitSessionPaused}) }), what: bos.NextBrake, waits: "its session is paused", do: "rollout resume s"},
		"its turn will come":  {rec: inWork(func(r *bos.Record) { r.Work.Batch = 2 }), what: bos.NextTurn, waits: "rollout", next: "its batch", do: "rollout status s"},
		"limits are used up":  {rec: inWork(func(r *bos.Record) { r.Wait(bos.Waiting{For: bos.WaitPowerLimits, Detail: "60 in 1m"}) }), what: bos.NextTurn, waits: "power.limits", do: "history"},
		"it is configured":    {rec: inWork(func(r *bos.Record) { r.Status.Phase = bos.PhaseConfiguring }), what: bos.NextProbe, waits: "configuration", do: "history"},
		"it was given up":     {rec: inWork(func(r *bos.Record) { r.Enabled, r.Status.StatusOverride, r.Error = false, bos.StatusFailed, "no boot" }), what: bos.NextNothing, waits: "given up: no boot", next: "tried again", do: "retry s"},
		"it is done":          {rec: inWork(func(r *bos.Record) { r.Enabled = false }), what: bos.NextNothing, waits: "session s is done with it"},
		"nobody wants it":     {rec: inWork(func(r *bos.Record) { r.Enabled, r.Session = false, "" }), what: bos.NextNothing, waits: "nothing is wanted"},
		"it is held and idle": {rec: inWork(func(r *bos.Record) { r.Enabled, r.Held = false, bos.NewBrake("broken fan", "me", wall) }), what: bos.NextNothing, waits: "sessions leave it out", do: "hold"},
		"what upstreams mend": {rec: inWork(func(r *bos.Record) { r.Wait(bos.Waiting{For: bos.WaitUpstream, Cause: bos.CauseUpstreamOutage}) }), what: bos.NextUpstream, waits: "not answering", do: "history"},
	} {
		w := decide.Explain(c.rec, policy)
		if w.Next.What != c.what || !strings.Contains(w.WaitsFor.Sentence, c.waits) || !strings.Contains(w.Next.Sentence, c.next) {
			t.Errorf("%s: it waits for %+v, and next is %+v", name, w.WaitsFor, w.Next)
		}
		if at := w.Next.At; (at == nil) != c.at.IsZero() || at != nil && !at.Equal(c.at) {
			t.Errorf("%s: next is at %v, want %s", name, at, c.at)
		}
		if c.do == "" && len(w.Commands) > 0 || c.do != "" && !slices.ContainsFunc(w.Commands, func(s string) bool { return strings.Contains(s, c.do) }) {
			t.Errorf("%s: to type there is %q, want %q", name, w.Commands, c.do)
		}
	}
}

func TestWhateverANodeWaitsForASentenceSaysItAndWhatFollows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := inWork(func(r *bos.Record) {
			r.Enabled = rapid.Bool().Draw(t, "enabled")
			r.Goal = rapid.SampledFrom([]bos.Goal{bos.GoalBoot, bos.GoalOff, bos.GoalConfigure, bos.GoalNone}).Draw(t, "goal")
			r.Status.Phase = rapid.SampledFrom([]bos.Phase{bos.PhaseNone, bos.PhasePoweringOff, bos.PhasePoweringOn, bos.PhaseConfiguring}).Draw(t, "phase")
			r.Status.StatusOverride = rapid.SampledFrom([]string{"", bos.StatusFailed, bos.StatusOnHold}).Draw(t, "override")
			r.Work.Waiting.For = rapid.SampledFrom(append(bos.WaitReasons(), bos.WaitNone)).Draw(t, "wait")
			r.Work.Attempt.Kind = rapid.SampledFrom([]bos.EffectKind{bos.EffectNone, bos.EffectPowerOn, bos.EffectPowerOffGraceful, bos.EffectPowerOffForceful}).Draw(t, "attempt")
			r.EventStats.PowerOnAttempts = rapid.IntRange(0, 9).Draw(t, "tries")
		})
		w := decide.Explain(r, bos.DefaultOptions().Policy())
		if w.WaitsFor.Sentence == "" || w.Next.Sentence == "" || w.Next.What == "" || w.Commands == nil || w.Attempts.PowerOn.Left < 0 {
			t.Fatalf("of %+v it says %+v", r, w)
		}
	})
}

func TestWhySaysThatADrainIsLeftAndWhatIsDoneAboutIt(t *testing.T) {
	left := func(l bos.Leftover) bos.Record {
		return inWork(func(r *bos.Record) {
			r.Enabled, r.Status.StatusOverride, r.Error = false, bos.StatusFailed, "session s was cancelled"
			l.Session = "s"
			r.Work.Left = l
		})
	}
	given := decide.LeftDrain(left(bos.Leftover{State: bos.LeftWaits, Tries: 3}), bos.WorkloadReading{}, bos.WorkloadPolicy{}, time.Now()).Next
	for name, c := range map[string]struct {
		rec  bos.Record
		says []string
		what bos.NextWhat
	}{
		"at first":           {left(bos.Leftover{State: bos.LeftWaits}), []string{"given up: session s was cancelled", "drained, as bos:s", "being ended"}, bos.NextCall},
		"after refusals":     {left(bos.Leftover{State: bos.LeftWaits, Tries: 4, Detail: "slurmctld is down"}), []string{"asked again", "4 tries", "slurmctld is down"}, bos.NextCall},
		"given up":           {given, []string{"stays drained", "3 tries", "no workload manager is set", "State=RESUME"}, bos.NextNothing},
		"nothing to be said": {left(bos.Leftover{}), []string{"given up: session s was cancelled"}, bos.NextNothing},
	} {
		w := decide.Explain(c.rec, bos.DefaultOptions().Policy())
		for _, says := range c.says {
			if strings.Count(w.WaitsFor.Sentence, says) != 1 {
				t.Errorf("%s: it says %q, want %q once", name, w.WaitsFor.Sentence, says)
			}
		}
		if w.Next.What != c.what {
			t.Errorf("%s: next is %+v", name, w.Next)
		}
	}
}
