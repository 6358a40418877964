package bos

import (
	"testing"
	"time"
)

// TestHoweverADrainedNodeIsTakenOutOfItsWorkItIsStoredForWhomItIsDrained: with the write
// that takes it out, so that nothing forgets it.
func TestHoweverADrainedNodeIsTakenOutOfItsWorkItIsStoredForWhomItIsDrained(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	no, yes, other := false, true, "other"
	patched := func(p ComponentPatch) func(*Record) {
		return func(r *Record) { p.Apply(r, nil, now) }
	}
	for name, take := range map[string]func(*Record){
		"cancelled": func(r *Record) {
			owned := []Record{*r}
			s := SessionRecord{Session: Session{Name: "s", Tenant: TenantRef("red"), Status: SessionStatus{Status: SessionRunning}}}
			if err := Cancel(&s, owned, Tally{}, "", now); err != nil {
				t.Error(err)
			}
			*r = owned[0]
		},
		"disabled":        patched(ComponentPatch{Enabled: &no}),
		"armed by hand":   patched(ComponentPatch{Enabled: &yes}),
		"given away":      patched(ComponentPatch{Session: &other}),
		"made anew":       func(r *Record) { ComponentPatch{Enabled: &yes}.Replace(r, nil, now) },
		"its stage taken": func(r *Record) { r.StagedState.Session = "t"; ApplyStaged(r, nil, true, now) },
	} {
		for what, r := range map[string]Record{
			"drained":             {Work: Work{Drain: Drain{Since: now, Ours: true}}},
			"booted":              {Work: Work{Drain: Drain{Since: now, Ours: true, Ready: true}, Attempt: Attempt{Kind: EffectPowerOn, At: now}}},
			"left by another one": {Work: Work{Left: Leftover{State: LeftWaits, Session: "s", Tenant: "red"}}},
			"not drained":         {},
			"drained for good":    {Work: Work{Drain: Drain{Since: now, Ours: true, Told: true}}},
		} {
			r.ID, r.Session, r.Tenant, r.Enabled, r.Goal = "x1", "s", "red", true, GoalBoot
			want := Leftover{State: LeftWaits, Session: "s", Tenant: "red", Booted: what == "booted"}
			if what == "not drained" || what == "drained for good" {
				want = Leftover{}
			}
			if take(&r); r.Work.Left != want || r.Work.Drain.Ours {
				t.Errorf("%s and %s: left is %+v, %+v, want %+v", what, name, r.Work.Left, r.Work.Drain, want)
			}
		}
	}
}

func TestWhatANodeSaysThatIsInNoWorkForgetsNoTryOfItsReturn(t *testing.T) {
	for _, state := range []LeftState{LeftWaits, LeftGivenUp} {
		want := Leftover{State: state, Session: "s", Tries: 5, Detail: "exit 1"}
		r := Record{Component: Component{ID: "x1"}, Work: Work{Left: want}}
		text := "seen"
		ComponentPatch{Error: &text}.Apply(&r, nil, time.Now())
		if r.Work.Left != want {
			t.Errorf("left is %+v, want %+v", r.Work.Left, want)
		}
	}
}
