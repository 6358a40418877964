package bos

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func rebooting(configuration string, excluded ...Exclusion) SessionRecord {
	template := SessionTemplate{BootSets: map[string]BootSet{"compute": {}, "login": {}}}
	if configuration != "" {
		template.CFS = &CFS{Configuration: configuration}
	}
	return SessionRecord{Session: Session{Name: "s", Operation: OperationReboot}, Template: template, Excluded: excluded}
}

// in says in which category a node is of each step of a boot set.
func in(t *testing.T, sets []SetStatus, set, id string) (categories []Category) {
	t.Helper()
	for _, s := range sets {
		if s.BootSet != set {
			continue
		}
		for _, step := range s.Steps {
			for _, c := range Categories() {
				if slices.Contains(step.Nodes[c], id) {
					categories = append(categories, c)
				}
			}
		}
	}
	return categories
}

func TestEveryNodeIsInTheCategoryOfEachStepThatItsPhaseSays(t *testing.T) {
	node := func(n NodeOutcome) NodeOutcome { n.ID, n.BootSet = "x1", "compute"; return n }
	for name, c := range map[string]struct {
		node NodeOutcome
		want []Category
	}{
		"nothing has begun":              {NodeOutcome{Status: StatusOnHold}, []Category{CategoryNotStarted, CategoryNotStarted, CategoryNotStarted}},
		"it is to be powered off":        {NodeOutcome{Status: StatusPowerOffPending, Phase: PhasePoweringOff}, []Category{CategoryNotStarted, CategoryNotStarted, CategoryNotStarted}},
		"it is being powered off":        {NodeOutcome{Status: StatusPowerOffGracefullyCalled, Phase: PhasePoweringOff}, []Category{CategoryInProgress, CategoryNotStarted, CategoryNotStarted}},
		"it boots":                       {NodeOutcome{Status: StatusPowerOnCalled, Phase: PhasePoweringOn}, []Category{CategorySucceeded, CategoryInProgress, CategoryNotStarted}},
		"it is configured":               {NodeOutcome{Status: StatusConfiguring, Phase: PhaseConfiguring}, []Category{CategorySucceeded, CategorySucceeded, CategoryInProgress}},
		"it is done":                     {NodeOutcome{Status: StatusStable}, []Category{CategorySucceeded, CategorySucceeded, CategorySucceeded}},
		"it never powered off":           {NodeOutcome{Status: StatusFailed, Phase: PhasePoweringOff}, []Category{CategoryFailed, CategoryExcluded, CategoryExcluded}},
		"it never booted, and was taken": {NodeOutcome{Status: StatusFailed, At: PhasePoweringOn}, []Category{CategorySucceeded, CategoryFailed, CategoryExcluded}},
		"its configuration failed":       {NodeOutcome{Status: StatusFailed, Phase: PhaseConfiguring}, []Category{CategorySucceeded, CategorySucceeded, CategoryFailed}},
		"it was taken over while it boots": {
			NodeOutcome{Status: StatusTakenOver, At: PhasePoweringOn},
			[]Category{CategorySucceeded, CategoryExcluded, CategoryExcluded},
		},
	} {
		sets := SetStatuses(rebooting("c"), []NodeOutcome{node(c.node)})
		if got := in(t, sets, "compute", "x1"); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestWhatTheSetupLeftOutIsExcludedWithTheReasonInEachStep(t *testing.T) {
	sets := SetStatuses(rebooting("", Exclusion{BootSet: "login", Reason: "locked in the inventory", Count: 2, Nodes: "x[8-9]"}),
		[]NodeOutcome{{ID: "x1", BootSet: "compute", Status: StatusStable}})
	if len(sets) != 2 || !sets[0].Complete() || !sets[1].Complete() {
		t.Fatalf("%+v", sets)
	}
	for _, step := range sets[1].Steps {
		if !slices.Equal(step.Nodes[CategoryExcluded], []string{"x8", "x9"}) || !slices.Equal(step.Reasons["locked in the inventory"], []string{"x8", "x9"}) {
			t.Errorf("%s: %+v", step.Step, step)
		}
	}
	if got := in(t, sets, "compute", "x1"); !slices.Equal(got, []Category{CategorySucceeded, CategorySucceeded, CategoryExcluded}) {
		t.Errorf("a node of which no configuration is wanted is in %v", got)
	}
}

func TestANodeIsInExactlyOneCategoryOfEachStepWhateverBecameOfIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec := rebooting(rapid.SampledFrom([]string{"", "c"}).Draw(t, "configuration"))
		rec.Operation = rapid.SampledFrom([]Operation{OperationBoot, OperationReboot, OperationShutdown, OperationConfigure}).Draw(t, "operation")
		phase := rapid.SampledFrom([]Phase{PhaseNone, PhasePoweringOff, PhasePoweringOn, PhaseConfiguring})
		var nodes []NodeOutcome
		failed := 0
		for i := range rapid.IntRange(1, 9).Draw(t, "nodes") {
			n := NodeOutcome{ID: fmt.Sprint("x", i), BootSet: "compute", Status: rapid.SampledFrom(OutcomeWords()).Draw(t, "status"), Phase: phase.Draw(t, "phase"), At: phase.Draw(t, "at")}
			if n.Status == StatusFailed {
				failed++
			}
			nodes = append(nodes, n)
		}
		for _, set := range SetStatuses(rec, nodes) {
			if got := len(set.Failed()); got != failed {
				t.Errorf("%d failed, want %d", got, failed)
			}
			for _, step := range set.Steps {
				seen := make(map[string]int)
				for c, ids := range step.Nodes {
					for _, id := range ids {
						seen[id]++
						if why := slices.Concat(slices.Collect(func(yield func([]string) bool) {
							for _, ids := range step.Reasons {
								if !yield(ids) {
									return
								}
							}
						})...); (c == CategoryFailed || c == CategoryExcluded) != slices.Contains(why, id) {
							t.Errorf("%s is %s of %s, and the reasons are %v", id, c, step.Step, step.Reasons)
						}
					}
				}
				for _, n := range nodes {
					if seen[n.ID] != 1 {
						t.Errorf("%s is in %d categories of %s", n.ID, seen[n.ID], step.Step)
					}
				}
			}
		}
	})
}
