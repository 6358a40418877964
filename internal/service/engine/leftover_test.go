package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// left is an engine with a node that session s had drained and that was taken out of it, as
// it is stored then.
func left(t *testing.T) (engine.Settings, bos.Record) {
	t.Helper()
	r := armed(drainedNode)
	r.Work.Drain = bos.Drain{Since: start, Ours: true}
	s := bos.SessionRecord{Session: bos.Session{Name: "s", Status: bos.SessionStatus{Status: bos.SessionRunning}}}
	owned := []bos.Record{r}
	if err := bos.Cancel(&s, owned, bos.Tally{}, "", start); err != nil {
		t.Fatal(err)
	}
	return engine.Settings{NoInventory: true, Workload: bos.WorkloadPolicy{On: true, Deadline: time.Hour, ReturnDeadline: 5 * time.Minute}}, owned[0]
}

// manager answers the calls and questions of an engine about one node.
type manager struct {
	t *testing.T
	e *engine.Engine
	// refuses are the returns that it refuses, loses those that it takes and does not carry
	// out; foreign says that somebody else drains the node meanwhile.
	refuses, loses int
	foreign        bool
	returns        []time.Duration
	events         []bos.Event
	stored         bos.Record
}

// until steps the engine until it wants nothing any more, and answers at once.
func (m *manager) until(in engine.Inputs, end time.Duration) {
	m.t.Helper()
	drained, now := true, start
	for range 200 {
		out := m.e.Step(now, in)
		in = engine.Inputs{}
		m.events = append(m.events, out.Commit.Events...)
		for _, r := range out.Commit.Components {
			m.stored = r
			m.stored.Revision++
			in.Committed = &bos.Committed{Revision: m.stored.Revision}
		}
		for _, b := range out.Effects {
			m.returns = append(m.returns, now.Sub(start))
			res := bos.CallResult{ID: drainedNode}
			switch {
			case b.Effect != bos.Effect{Kind: bos.EffectReturn, Reason: "bos:s"}:
				m.t.Fatalf("effect %+v", b.Effect)
			case len(m.returns) <= m.refuses:
				res.Outcome, res.Cause, res.Detail = bos.CallRefused, bos.CauseWorkloadManager, "Invalid node state specified"
			case len(m.returns) > m.refuses+m.loses:
				drained = false
			}
			in.Results = append(in.Results, engine.Result{Effect: b.Effect, CallResult: res})
		}
		for range out.WorkloadProbes {
			r := bos.WorkloadReading{ID: drainedNode, State: bos.WorkloadInService, Asked: now, Answered: now}
			if drained {
				r.State, r.Mark = bos.WorkloadDrained, "bos:s"
			}
			if m.foreign {
				r.State, r.Mark, r.Detail = bos.WorkloadForeign, "", "a bad DIMM"
			}
			in.Workloads = append(in.Workloads, r)
		}
		switch {
		case len(in.Results)+len(in.Workloads) > 0 || in.Committed != nil:
		case out.Wake.IsZero() || !out.Wake.After(now):
			return
		default:
			now = out.Wake
		}
		if now.Sub(start) > end {
			return
		}
	}
	m.t.Fatal("it never ends")
}

func (m *manager) told(kind string) (all []string) {
	for _, e := range m.events {
		if e.Kind == kind {
			all = append(all, e.Detail)
		}
	}
	return all
}

func TestACancelledNodeIsReturnedToItsWorkloadManagerHoweverOftenThatFailsAtFirst(t *testing.T) {
	for name, m := range map[string]manager{"at once": {}, "refused": {refuses: 4}, "taken and not carried out": {loses: 3}, "both": {refuses: 2, loses: 2}} {
		settings, r := left(t)
		m.t, m.e = t, engine.New(settings)
		m.until(engine.Inputs{Records: []bos.Record{r}}, 10*time.Minute)
		if want := m.refuses + m.loses + 1; len(m.returns) != want {
			t.Errorf("%s: %d returns at %v, want %d", name, len(m.returns), m.returns, want)
		}
		for i := 2; i < len(m.returns); i++ {
			if m.returns[i]-m.returns[i-1] <= m.returns[i-1]-m.returns[i-2] {
				t.Errorf("%s: returns at %v, want longer and longer waits", name, m.returns)
			}
		}
		if m.stored.Work.Left != (bos.Leftover{}) || len(m.told("drain_given_back")) != 1 {
			t.Errorf("%s: stored is %+v, the history tells %+v", name, m.stored.Work.Left, m.events)
		}
		if refused := m.told("drain_give_back_refused"); (m.refuses > 0) != (len(refused) == 1) {
			t.Errorf("%s: the history tells %q of refusals, want the first", name, refused)
		}
	}
}

func TestAnEngineThatStartsGoesOnWithTheReturnsOfTheOneBefore(t *testing.T) {
	settings, r := left(t)
	first := manager{t: t, e: engine.New(settings), refuses: 100}
	first.until(engine.Inputs{Records: []bos.Record{r}}, 20*time.Second)
	tried := first.stored.Work.Left.Tries
	if tried == 0 || !first.stored.Work.Left.Waits() {
		t.Fatalf("stored is %+v", first.stored.Work.Left)
	}
	next := manager{t: t, e: engine.New(settings)}
	next.until(engine.Inputs{Records: []bos.Record{first.stored}}, time.Minute)
	if len(next.returns) != 1 || next.stored.Work.Left != (bos.Leftover{}) {
		t.Errorf("%d returns, stored is %+v", len(next.returns), next.stored.Work.Left)
	}
}

func TestAReturnThatNeverHoldsIsGivenUpAndSaysSo(t *testing.T) {
	settings, r := left(t)
	m := manager{t: t, e: engine.New(settings), refuses: 1000}
	m.until(engine.Inputs{Records: []bos.Record{r}}, time.Hour)
	const says = "Invalid node state specified"
	last := m.told("drain_left")
	if len(last) != 1 || !strings.Contains(last[0], says) || !strings.Contains(last[0], "State=RESUME") {
		t.Errorf("the history tells %q", last)
	}
	if !strings.Contains(m.stored.Error, says) || !strings.Contains(m.stored.Error, "session s was cancelled") || m.stored.Work.Left.State != bos.LeftGivenUp {
		t.Errorf("stored is %+v, %q", m.stored.Work.Left, m.stored.Error)
	}
	if end := m.returns[len(m.returns)-1]; end < settings.Workload.ReturnDeadline || end > settings.Workload.ReturnDeadline+5*time.Minute {
		t.Errorf("given up after %s, the manager has %s to take a node back", end, settings.Workload.ReturnDeadline)
	}
}

func TestANodeThatSomebodyElseHasDrainedMeanwhileIsNotAskedBack(t *testing.T) {
	settings, r := left(t)
	m := manager{t: t, e: engine.New(settings), refuses: 1, foreign: true}
	m.until(engine.Inputs{Records: []bos.Record{r}}, time.Hour)
	if len(m.returns) != 1 || m.stored.Work.Left != (bos.Leftover{}) || !strings.Contains(strings.Join(m.told("drain_given_back"), ""), "somebody else") {
		t.Errorf("%d returns, stored is %+v, the history tells %+v", len(m.returns), m.stored.Work.Left, m.events)
	}
}

func TestAPauseOfTheSiteKeepsAReturnBackAndCostsItNoTry(t *testing.T) {
	settings, r := left(t)
	m := manager{t: t, e: engine.New(settings)}
	m.until(engine.Inputs{Records: []bos.Record{r}, SitePause: &bos.SitePause{Brake: bos.NewBrake("power work", "alice", start)}}, time.Hour)
	if len(m.returns) != 0 {
		t.Fatalf("%d returns while the site is paused", len(m.returns))
	}
	m.until(engine.Inputs{SitePause: &bos.SitePause{}}, time.Hour)
	if len(m.returns) != 1 || m.stored.Work.Left != (bos.Leftover{}) {
		t.Errorf("%d returns, stored is %+v", len(m.returns), m.stored.Work.Left)
	}
}
