package decide

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// managed is a node of a workload manager, and the record that is decided on.
type managed struct {
	t       *testing.T
	r       bos.Record
	p       bos.Policy
	now     time.Time
	power   bos.PowerState
	reason  string // of its drain, empty if it is in service
	jobs    bool
	deaf    bool // the manager does not hear from it
	unwell  string
	dumb    bool // it reports nothing
	stuck   bool // its power does not change
	resets  int
	effects []bos.EffectKind
}

func newManaged(t *testing.T, goal bos.Goal) *managed {
	t.Helper()
	m := &managed{t: t, p: bos.DefaultOptions().Policy(), now: noon, power: bos.PowerStateOn}
	m.p.Workload = bos.WorkloadPolicy{On: true, Deadline: time.Hour, ReturnDeadline: time.Hour, NotIdle: bos.NotIdleFail, Unmanaged: bos.UnmanagedFail}
	m.r = bos.Record{Goal: goal, Component: bos.Component{ID: "x1c0s0b0n0", Enabled: true, Session: "s"}}
	if goal == bos.GoalBoot {
		m.r.DesiredState.BootArtifacts = bos.BootArtifacts{Kernel: "k", Initrd: "i"}
	}
	return m
}

func (m *managed) reading() bos.WorkloadReading {
	w := bos.WorkloadReading{ID: m.r.ID, State: bos.WorkloadInService, Jobs: m.jobs, Heard: !m.deaf, Asked: m.now, Answered: m.now, Detail: "as it is"}
	if m.reason != "" {
		w.State, w.Mark = bos.WorkloadForeign, bos.MarkOf(m.reason)
		if w.Mark != "" {
			w.State = bos.WorkloadDrained
		}
	}
	return w
}

// step decides once and carries out what is decided.
func (m *managed) step() Decision {
	m.t.Helper()
	o := Observation{Power: bos.PowerReading{ID: m.r.ID, State: m.power, Asked: m.now, Answered: m.now}, Workload: m.reading(), Wall: m.now}
	o.Health = bos.HealthReading{ID: m.r.ID, Verdict: bos.Healthy, Asked: m.now, Answered: m.now}
	if m.unwell != "" {
		o.Health.Verdict, o.Health.Detail = bos.Unhealthy, m.unwell
	}
	d := Decide(m.r, o, m.p, m.now)
	m.r = d.Next
	if d.Effect.Kind != bos.EffectNone {
		m.effects = append(m.effects, d.Effect.Kind)
	}
	switch kind := d.Effect.Kind; kind {
	case bos.EffectNone:
	case bos.EffectWriteBoot:
		m.r = SettleBoot(m.r, d.Effect.Artifacts, "t", bos.CallResult{}, m.now)
	case bos.EffectDrain, bos.EffectReword, bos.EffectReturn:
		switch {
		case kind == bos.EffectReturn && bos.MarkOf(m.reason) == d.Effect.Reason:
			m.reason = ""
		case kind == bos.EffectReturn:
			m.t.Errorf("%q is to be ended as that of %q", m.reason, d.Effect.Reason)
		case m.reason != "" && bos.MarkOf(m.reason) == "":
			m.t.Errorf("the drain of somebody else (%q) is given the reason %q", m.reason, d.Effect.Reason)
		default:
			m.reason = d.Effect.Reason
		}
		m.r = SettleWorkload(m.r, d.Effect, bos.CallResult{}, m.now)
	default:
		if m.jobs {
			m.t.Errorf("%s while jobs run on it", kind)
		}
		m.resets++
		m.r = Settle(m.r, d.Effect, bos.CallResult{}, m.now)
		if m.stuck {
			break
		}
		m.power = bos.PowerStateOff
		if kind == bos.EffectPowerOn {
			m.power = bos.PowerStateOn
		}
		if kind == bos.EffectPowerOn && !m.dumb {
			m.r.ActualState = bos.ActualState{BootArtifacts: m.r.DesiredState.BootArtifacts, BSSToken: "t"}
		}
	}
	m.now = m.now.Add(15 * time.Second)
	return d
}

func (m *managed) steps(n int) *managed {
	m.t.Helper()
	for range n {
		m.step()
	}
	return m
}

func TestANodeIsDrainedBeforeItIsRebootedAndReturnedAfterwards(t *testing.T) {
	m := newManaged(t, bos.GoalBoot)
	m.jobs = true
	m.steps(20)
	if m.resets != 0 || len(m.effects) != 1 || m.effects[0] != bos.EffectDrain || !strings.HasPrefix(m.reason, "bos:s ") {
		t.Fatalf("with jobs on it: %v, drained for %q", m.effects, m.reason)
	}
	if m.r.Work.Waiting.For != bos.WaitDrain || m.r.EventStats != (bos.EventStats{}) || m.r.DesiredState.BSSToken != "" {
		t.Fatalf("it waits for %q, %+v, token %q; want no attempt and no boot parameters", m.r.Work.Waiting.For, m.r.EventStats, m.r.DesiredState.BSSToken)
	}
	m.jobs = false
	m.steps(8)
	if m.r.Enabled || m.r.DeriveStatus() != bos.StatusStable || m.resets != 2 || m.reason != "" {
		t.Fatalf("%s, enabled %t, %d resets, drained for %q, by %v", m.r.DeriveStatus(), m.r.Enabled, m.resets, m.reason, m.effects)
	}
}

func TestADrainOfSomebodyElseIsWaitedForAndNeverEnded(t *testing.T) {
	for _, when := range []string{"before", "meanwhile"} {
		m := newManaged(t, bos.GoalBoot)
		m.jobs = true
		if when == "before" {
			m.reason = "bad DIMM"
		}
		m.steps(5)
		if m.reason = "bad DIMM"; m.resets != 0 {
			t.Errorf("%s: reset while jobs run", when)
		}
		m.jobs = false
		m.steps(10)
		if m.r.Enabled || m.resets != 2 || m.reason != "bad DIMM" {
			t.Errorf("%s: enabled %t, %d resets, drained for %q", when, m.r.Enabled, m.resets, m.reason)
		}
	}
}

func TestANodeThatIsGivenJobsAgainBeforeItIsTouchedIsDrainedAnew(t *testing.T) {
	m := newManaged(t, bos.GoalBoot)
	m.p.Limits = bos.PowerLimits{}
	for m.r.DesiredState.BSSToken == "" { // it is without jobs, and its boot parameters are written
		m.step()
	}
	m.reason, m.jobs = "", true
	m.steps(5)
	if m.resets != 0 || !strings.HasPrefix(m.reason, "bos:s ") {
		t.Errorf("%d resets, drained for %q", m.resets, m.reason)
	}
}

func TestANodeThatIsGivenJobsWhileItsBootIsWaitedForIsNotReset(t *testing.T) {
	m := newManaged(t, bos.GoalBoot)
	m.dumb = true
	for m.resets < 2 {
		m.step()
	}
	m.reason, m.jobs = "", true // somebody lifts the drain, as the node is up
	m.steps(600)
	if m.resets != 2 || m.r.Enabled || m.r.Work.Cause != bos.CauseStillBusy {
		t.Errorf("%d resets, enabled %t, %s: %s", m.resets, m.r.Enabled, m.r.Work.Cause, m.r.Error)
	}
}

func TestANodeThatRunsWhatItShallIsNotDrainedAndALeftDrainIsEnded(t *testing.T) {
	for reason, ends := range map[string]bool{"": true, "bos:s left": true, "bos:earlier failed": true, "bad DIMM": false, "bosun says no": false, "bos: says nobody": false} {
		m := newManaged(t, bos.GoalBoot)
		m.r.ActualState.BootArtifacts = m.r.DesiredState.BootArtifacts
		m.reason, m.jobs = reason, true
		m.steps(6)
		if m.r.Enabled || m.resets != 0 || (m.reason == "") != ends {
			t.Errorf("drained for %q: enabled %t, %d resets, now %q, by %v", reason, m.r.Enabled, m.resets, m.reason, m.effects)
		}
	}
}

func TestWhatBecomesOfANodeWhoseJobsDoNotEndIsTheSitesToSay(t *testing.T) {
	for not, want := range map[bos.NotIdle]string{bos.NotIdleFail: bos.StatusFailed, bos.NotIdleExclude: bos.StatusExcluded} {
		m := newManaged(t, bos.GoalBoot)
		m.p.Workload.NotIdle, m.jobs = not, true
		m.steps(300)
		is := m.r.DeriveStatus()
		if m.r.Excluded() {
			is = bos.StatusExcluded
		}
		if m.r.Enabled || m.resets != 0 || is != want || m.r.Work.Cause != bos.CauseStillBusy {
			t.Errorf("%s: enabled %t, %d resets, %s, %s", not, m.r.Enabled, m.resets, is, m.r.Work.Cause)
		}
		if fails := not == bos.NotIdleFail; fails != (m.reason != "") || fails && !strings.HasPrefix(m.reason, "bos:s failed (jobs_still_running)") {
			t.Errorf("%s: drained for %q", not, m.reason)
		}
	}
	m := newManaged(t, bos.GoalBoot)
	m.p.Workload.NotIdle, m.jobs = bos.NotIdleReboot, true
	for m.r.DesiredState.BSSToken == "" {
		m.step()
	}
	if waited := m.now.Sub(noon); waited < time.Hour {
		t.Errorf("it goes on after %s", waited)
	}
}

func TestAFailedNodeStaysDrainedForASessionAndItsCause(t *testing.T) {
	m := newManaged(t, bos.GoalBoot)
	m.stuck = true
	m.steps(200)
	if m.r.Enabled || m.r.Work.Cause != bos.CausePowerOffTimeout || !strings.HasPrefix(m.reason, "bos:s failed (power_off_timeout): ") {
		t.Errorf("enabled %t, %s, drained for %q", m.r.Enabled, m.r.Work.Cause, m.reason)
	}
}

func TestANodeThatIsShutDownStaysDrainedAndSaysSo(t *testing.T) {
	m := newManaged(t, bos.GoalOff)
	m.steps(10)
	if m.r.Enabled || m.power != bos.PowerStateOff || m.reason != "bos:s shut down" {
		t.Errorf("enabled %t, power %s, drained for %q", m.r.Enabled, m.power, m.reason)
	}
}

func TestANodeIsReturnedOnceItIsHealthyAndItsManagerHearsFromIt(t *testing.T) {
	m := newManaged(t, bos.GoalBoot)
	m.p.Health = bos.HealthPolicy{On: true, Deadline: time.Hour}
	m.unwell, m.deaf = "lustre is not mounted", true
	m.steps(20)
	if m.r.Work.Waiting.For != bos.WaitHealth || !strings.Contains(m.r.Error, "lustre is not mounted") || !m.r.Enabled {
		t.Fatalf("it waits for %q: %s", m.r.Work.Waiting.For, m.r.Error)
	}
	m.unwell = ""
	m.steps(5)
	if m.r.Work.Waiting.For != bos.WaitReturn || m.reason == "" || !m.r.Enabled {
		t.Fatalf("it waits for %q, drained for %q", m.r.Work.Waiting.For, m.reason)
	}
	m.deaf = false
	m.steps(5)
	if m.r.Enabled || m.reason != "" || m.resets != 2 {
		t.Errorf("enabled %t, drained for %q, %d resets", m.r.Enabled, m.reason, m.resets)
	}
}

func TestTheTimeOfARolloutBeginsWhenTheJobsHaveEnded(t *testing.T) {
	m := newManaged(t, bos.GoalBoot)
	m.jobs, m.r.Work.Batch, m.r.Work.Admitted = true, 1, noon
	o := func() Observation {
		g := Gate{Deadline: m.r.Work.Admitted.Add(10 * time.Minute)}
		return Observation{Gate: g, Power: bos.PowerReading{ID: m.r.ID, State: m.power, Asked: m.now}, Workload: m.reading()}
	}
	for range 60 {
		d := Decide(m.r, o(), m.p, m.now)
		if m.r = d.Next; d.Effect.Kind == bos.EffectDrain {
			m.reason = d.Effect.Reason
		}
		m.now = m.now.Add(30 * time.Second)
	}
	m.jobs = false
	if m.r = Decide(m.r, o(), m.p, m.now).Next; !m.r.Enabled || !m.r.Work.Admitted.Equal(m.now) {
		t.Errorf("after its jobs: enabled %t (%s), admitted %s", m.r.Enabled, m.r.Error, m.r.Work.Admitted.Sub(noon))
	}
}

func TestNothingIsDoneToANodeUnlessItsManagerSaysThatNoJobsRunOnIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, o, p := drawRecord(t), drawObservation(t), bos.DefaultOptions().Policy()
		p.Configures = rapid.Bool().Draw(t, "configures")
		p.Workload = bos.WorkloadPolicy{On: true, Deadline: 1000 * time.Hour, ReturnDeadline: time.Hour, NotIdle: bos.NotIdleFail, Unmanaged: bos.UnmanagedFail}
		o.Workload = bos.WorkloadReading{
			ID: r.ID, State: rapid.SampledFrom([]bos.WorkloadState{bos.WorkloadUnknown, bos.WorkloadAbsent, bos.WorkloadInService, bos.WorkloadDrained, bos.WorkloadForeign}).Draw(t, "state"),
			Jobs: rapid.Bool().Draw(t, "jobs"), Asked: noon.Add(-rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "age")),
		}
		if o.Workload.State == bos.WorkloadDrained {
			o.Workload.Mark = rapid.SampledFrom([]string{bos.DrainMark(r.Key()), "bos:other"}).Draw(t, "mark")
		}
		d := Decide(r, o, p, noon)
		idle := !o.Workload.Jobs && o.Workload.Asked.Equal(noon) &&
			(o.Workload.State == bos.WorkloadForeign || o.Workload.State == bos.WorkloadDrained && o.Workload.Mark == bos.DrainMark(r.Key()))
		ours := o.Power.State == bos.PowerStateOff && r.Work.Attempt.Kind != bos.EffectNone
		if kind := d.Effect.Kind; !ours && (kind.PowerOp() != "" || kind == bos.EffectWriteBoot) && !idle {
			t.Fatalf("%s although the manager says %+v", kind, o.Workload)
		}
	})
}

// TestTheReasonOfADrainIsOneLine: the workload managers tell of nodes by lines, in which a
// reason of two is a node of somebody else.
func TestTheReasonOfADrainIsOneLine(t *testing.T) {
	r := bos.Record{Component: bos.Component{ID: "x1", Session: "s"}}
	reason := drainReason(&r, "failed (bmc): 502\r\nNodeName=x2 State=IDLE\x1b[0m\u2028\tetc.")
	if reason != "bos:s failed (bmc): 502 NodeName=x2 State=IDLE [0m etc." {
		t.Errorf("the reason is %q", reason)
	}
}

func TestADrainThatIsNotTakenEndsAtItsDeadline(t *testing.T) {
	for _, policy := range []bos.NotIdle{bos.NotIdleFail, bos.NotIdleReboot} {
		for name, seen := range map[string]bos.WorkloadReading{
			"in service":      {State: bos.WorkloadInService, Heard: true},
			"another session": {State: bos.WorkloadDrained, Mark: "bos:before", Heard: true},
		} {
			m := newManaged(t, bos.GoalBoot)
			m.p.Workload.NotIdle = policy
			seen.ID = m.r.ID
			for end := m.now.Add(m.p.Workload.Deadline + m.p.Workload.ReturnDeadline + 10*time.Minute); m.r.Enabled && m.now.Before(end); m.now = m.now.Add(15 * time.Second) {
				seen.Asked, seen.Answered = m.now, m.now
				d := Decide(m.r, Observation{Power: bos.PowerReading{ID: m.r.ID, State: bos.PowerStateOn, Asked: m.now, Answered: m.now}, Workload: seen, Wall: m.now}, m.p, m.now)
				m.r = d.Next
				if d.Effect.Kind.PowerOp() != "" {
					t.Fatalf("%s: %s of a node that is not drained for its session", name, d.Effect.Kind)
				}
				if d.Effect.Kind != bos.EffectNone {
					m.r = SettleWorkload(m.r, d.Effect, bos.CallResult{Outcome: bos.CallDone}, m.now)
				}
			}
			if m.r.Enabled || m.r.Status.StatusOverride != bos.StatusFailed {
				t.Errorf("%s, %s: it still waits for %q: %s", name, policy, m.r.Work.Waiting.For, m.r.Error)
			}
		}
	}
}
