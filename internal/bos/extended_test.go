package bos

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func owned(i int, change func(*Record)) Record {
	r := Record{Component: Component{ID: fmt.Sprintf("x1000c0s%db0n0", i), Session: "s", Enabled: true, LastAction: LastAction{Action: ActionPoweringOn}, Status: ComponentStatus{Phase: PhasePoweringOn}}}
	change(&r)
	return r
}

func TestOneNodeOfVeryManyIsNotRoundedAway(t *testing.T) {
	var tally Tally
	tally.Count(99_999, StatusStable, PhaseNone, false, false)
	tally.Count(1, StatusFailed, PhaseNone, false, false)
	e := tally.Extended(SessionRecord{}, time.Time{})
	if e.PercentSuccessful != 99.99 || e.PercentFailed != 0.01 || e.Phases.PercentComplete != 100 {
		t.Errorf("%+v", e)
	}
	if none := (Tally{}).Extended(SessionRecord{}, time.Time{}); none.PercentSuccessful != 0 || none.Phases.PercentComplete != 0 {
		t.Errorf("of nobody: %+v", none)
	}
}

func TestNodesThatFailedOrAreOnHoldAreInNoPhase(t *testing.T) {
	var managed []Record
	for i := range 8 {
		managed = append(managed, owned(i, func(r *Record) {
			switch i {
			case 0, 1:
				r.Status.StatusOverride = StatusOnHold
			case 2, 3:
				r.Enabled, r.Status.StatusOverride = false, StatusFailed
			}
		}))
	}
	e := Extended(SessionRecord{Session: Session{Name: "s"}}, managed, time.Time{})
	if e.Phases.PercentPoweringOn != 50 || e.PercentFailed != 25 || e.Phases.PercentComplete != 25 || e.PercentSuccessful != 0 {
		t.Errorf("%+v", e)
	}
}

func TestAStageThatWasAppliedAndTakenOverIsNotCountedAsStaged(t *testing.T) {
	staged := func(i int, session, applied string) Record {
		return owned(i, func(r *Record) {
			r.Session, r.StagedState.Session, r.Work.Applied = session, "s", applied
		})
	}
	e := Extended(SessionRecord{Session: Session{Name: "s"}}, []Record{
		staged(0, "", ""),         // waits
		staged(1, "s", "s"),       // was applied
		staged(2, "newer", "s"),   // was applied, and another session has taken it
		staged(3, "newer", "old"), // waits, whatever was applied before
	}, time.Time{})
	if e.ManagedComponentsCount != 3 || e.PercentStaged != 66.67 || e.Phases.PercentPoweringOn != 33.33 {
		t.Errorf("%+v", e)
	}
}

func TestAnErrorNamesTenNodesAndCountsAll(t *testing.T) {
	var managed []Record
	for i := range 13 {
		managed = append(managed, owned(12-i, func(r *Record) { r.Error = "it broke" }))
	}
	e := Extended(SessionRecord{Session: Session{Name: "s"}}, managed, time.Time{})
	want := ErrorComponents{Count: 13, List: "x1000c0s0b0n0,x1000c0s1b0n0,x1000c0s2b0n0,x1000c0s3b0n0,x1000c0s4b0n0,x1000c0s5b0n0,x1000c0s6b0n0,x1000c0s7b0n0,x1000c0s8b0n0,x1000c0s9b0n0..."}
	if got := e.ErrorSummary["it broke"]; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestEveryCauseHasASentenceThatSaysWhereToLook(t *testing.T) {
	for _, c := range Causes() {
		if len(c.Sentence()) < 40 {
			t.Errorf("%s is explained as %q", c, c.Sentence())
		}
	}
}

func TestASessionIsBusyWhileItWorksOnANodeOrOneWaitsForItsStage(t *testing.T) {
	disabled := func(session, staged, applied string) Record {
		return owned(0, func(r *Record) {
			r.Enabled, r.Session, r.StagedState.Session, r.Work.Applied = false, session, staged, applied
		})
	}
	for name, test := range map[string]struct {
		record Record
		busy   bool
	}{
		"works on it":                     {owned(0, func(*Record) {}), true},
		"works on it, on hold":            {owned(0, func(r *Record) { r.Status.StatusOverride = StatusOnHold }), true},
		"is done with it":                 {disabled("s", "", ""), false},
		"staged it":                       {disabled("", "s", ""), true},
		"staged it anew":                  {disabled("s", "s", ""), true},
		"staged it, applied":              {disabled("s", "s", "s"), false},
		"staged it, applied, taken over":  {disabled("newer", "s", "s"), false},
		"another session is at work here": {owned(0, func(r *Record) { r.Session = "newer" }), false},
	} {
		if got := TallyOf("s", []Record{test.record}).Busy; got != test.busy {
			t.Errorf("%s: busy %t, want %t", name, got, test.busy)
		}
	}
}

// TestErrorsOfManyNodesThatNameTheirBMCsAreToldAsOne: in an outage each node's error
// has the address of its BMC, and a summary of thousands of texts is none.
func TestErrorsOfManyNodesThatNameTheirBMCsAreToldAsOne(t *testing.T) {
	var managed []Record
	for i := range 30 {
		managed = append(managed, owned(i, func(r *Record) {
			r.Error = fmt.Sprintf("waiting: no connection to the BMC for GET https://10.0.0.%d/redfish/v1/Systems/Self: connection refused", i)
		}))
	}
	managed = append(managed, owned(40, func(r *Record) { r.Error = "it broke" }))
	got := Extended(SessionRecord{Session: Session{Name: "s"}}, managed, time.Now()).ErrorSummary
	if len(got) != 2 || got["it broke"].Count != 1 {
		t.Fatalf("the summary has %d errors, want 2: %v", len(got), got)
	}
	for text, of := range got {
		if text != "it broke" && (of.Count != 30 || !strings.Contains(text, "https://10.0.0.0/") || !strings.Contains(text, "29 more errors")) {
			t.Errorf("%d nodes have %q", of.Count, text)
		}
	}
	few := Extended(SessionRecord{Session: Session{Name: "s"}}, managed[:5], time.Now()).ErrorSummary
	if len(few) != 5 {
		t.Errorf("five errors are told as %d, want each", len(few))
	}
}
