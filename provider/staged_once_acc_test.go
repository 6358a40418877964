package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// staging has a session stage a reboot of all nodes, and returns its name.
func (r *realBOS) staging(t *testing.T) string {
	t.Helper()
	r.aTemplate(t, "quiet")
	w := newWorkspace(t)
	w.write(r.block(), aSession("stage = true"))
	w.apply().exits(t, 0)
	name, _ := w.attributes("bos_session.boot")["name"].(string)
	return name
}

func nowApplied(names string, more ...string) string {
	return "resource \"bos_staged_apply\" \"now\" {\n  xnames = [" + names + "]\n  poll_interval = \"100ms\"\n  " + strings.Join(more, "\n  ") + "\n}\n"
}

// actedOnce fails the test unless each node had so many power actions.
func actedOnce(t *testing.T, r *realBOS, times int) {
	t.Helper()
	for _, id := range r.nodes() {
		if n := len(r.room.Room().Resets(id)); n != times {
			t.Errorf("%s had %d power actions instead of %d", id, n, times)
		}
	}
}

func TestASavedPlanThatAppliedStagedStateDoesNotDoSoAgain(t *testing.T) {
	t.Parallel()
	whetherItAppliesIsToldOrNot(t, func(t *testing.T, applying string) {
		r := startReal(t, 50*time.Millisecond)
		r.staging(t)
		w := newWorkspace(t)
		w.write(r.block(applying), nowApplied(`"`+bos.Fold(r.nodes())+`"`))
		w.terraform("plan", "-out=p").exits(t, 0)
		w.terraform("apply", "p").exits(t, 0)
		before := resets(r)
		w.killed()
		again := w.terraform("apply", "p")
		if applying != "" {
			again.exits(t, 0)
			again.says(t, "Applied before, and not again: 4 nodes")
			if got := w.attributes("bos_staged_apply.now"); got["succeeded"] != true || got["applied_count"] != 4.0 {
				t.Errorf("state has %v", got)
			}
			w.plan().exits(t, 0)
		} else {
			again.exits(t, 1)
			again.says(t, "inconsistent final plan")
		}
		if n := resets(r); n != before {
			t.Errorf("%d power actions after %d", n, before)
		}
		// Who plans again, and means it, has it applied once more, and once.
		w.killed()
		plan := w.terraform("plan", "-out=q")
		plan.exits(t, 0)
		plan.says(t, "This configuration has applied it at", "it is applied once more")
		w.terraform("apply", "q").exits(t, 0)
		after := resets(r)
		if after == before {
			t.Error("it was not applied once more")
		}
		w.plan().exits(t, 0)
		for _, file := range []string{"p", "q"} {
			w.killed()
			w.terraform("apply", file)
			if n := resets(r); n != after && (applying != "" || file == "p") {
				t.Errorf("%s brought %d power actions more", file, n-after)
			}
		}
	})
}

func TestAPlanThatKnewNoNodesDoesNotApplyStagedStateTwice(t *testing.T) {
	t.Parallel()
	whetherItAppliesIsToldOrNot(t, func(t *testing.T, applying string) {
		r := startReal(t, 50*time.Millisecond)
		r.staging(t)
		w := newWorkspace(t)
		w.write(r.block(applying), "resource \"terraform_data\" \"names\" {\n  input = \""+bos.Fold(r.nodes())+"\"\n}\n", nowApplied("terraform_data.names.output"))
		w.terraform("plan", "-out=p").exits(t, 0)
		w.terraform("apply", "p").exits(t, 0)
		before := resets(r)
		w.killed()
		again := w.terraform("apply", "p")
		again.exits(t, 0)
		again.says(t, "Applied before, and not again: 4 nodes")
		if n := resets(r); n != before {
			t.Errorf("%d power actions after %d", n, before)
		}
	})
}

func TestWhatIsStagedAnewIsAppliedByTheSameConfiguration(t *testing.T) {
	t.Parallel()
	whetherItAppliesIsToldOrNot(t, stagedAnewIsApplied)
}

func stagedAnewIsApplied(t *testing.T, applying string) {
	t.Helper()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	w := newWorkspace(t)
	w.write(r.block(applying), strings.Replace(aSession("stage = true"), `"boot"`, `"stage"`, 1), nowApplied(`"`+bos.Fold(r.nodes())+`"`, "depends_on = [bos_session.stage]"))
	w.apply().exits(t, 0)
	actedOnce(t, r, 1)
	again := w.apply("-replace=bos_session.stage", "-replace=bos_staged_apply.now")
	again.exits(t, 0)
	if got := w.attributes("bos_staged_apply.now"); got["succeeded"] != true || got["applied_count"] != 4.0 {
		t.Errorf("state has %v\n%s", got, again.out)
	}
	if n := resets(r); n <= 4 {
		t.Errorf("%d power actions", n)
	}
	w.plan().exits(t, 0)
}

func TestASavedPlanThatWasCarriedOutDoesNotApplyWhatSomebodyStagedSince(t *testing.T) {
	t.Parallel()
	whetherItAppliesIsToldOrNot(t, func(t *testing.T, applying string) {
		r := startReal(t, 50*time.Millisecond)
		r.staging(t)
		w := newWorkspace(t)
		w.write(r.block(applying), nowApplied(`"`+bos.Fold(r.nodes())+`"`))
		w.terraform("plan", "-out=p").exits(t, 0)
		w.terraform("apply", "p").exits(t, 0)
		before := resets(r)
		w.killed()
		theirs := r.staging(t)
		again := w.terraform("apply", "p")
		again.exits(t, 1)
		again.says(t, "inconsistent final plan")
		if n := resets(r); n != before {
			t.Errorf("%d power actions after %d", n, before)
		}
		// A plan that is made now has reviewed it.
		plan := w.terraform("plan", "-out=q")
		plan.exits(t, 0)
		plan.says(t, "Staged by session "+theirs, "something else was staged since: that is applied now")
		w.terraform("apply", "q").exits(t, 0)
		if n := resets(r); n <= before {
			t.Error("it was not applied")
		}
		w.plan().exits(t, 0)
	})
}

func TestOnAPlainBOSASavedPlanOfStagedStateIsRefusedTheSecondTime(t *testing.T) {
	t.Parallel()
	// One boot and the next are seconds apart, as on any site: the times of a plain BOS
	// are whole seconds, and nothing else tells them apart.
	r := startReal(t, 1100*time.Millisecond)
	session := r.staging(t)
	r.plain.Store(true)
	w := newWorkspace(t)
	names := `"` + bos.Fold(r.nodes()) + `"`
	w.write(r.block(), nowApplied(names))
	plan := w.terraform("plan", "-out=p")
	plan.says(t, "does not remember what was applied by which plan", "plan again")
	w.terraform("apply", "p").exits(t, 0)
	before := resets(r)
	refused := func(file string) {
		t.Helper()
		w.killed()
		again := w.terraform("apply", file)
		again.exits(t, 1)
		again.says(t, "inconsistent final plan")
		if n := resets(r); n != before {
			t.Errorf("%d power actions after %d", n, before)
		}
	}
	refused("p")
	// Without a session nothing tells whether it was meant: nothing is touched.
	w.plan().says(t, "4 nodes have taken it before, and are left alone", "give session")
	w.apply().exits(t, 0)
	if n := resets(r); n != before {
		t.Errorf("%d power actions after %d", n, before)
	}
	w.killed()
	w.write(r.block(), nowApplied(names, fmt.Sprintf("session = %q", session)))
	w.terraform("plan", "-out=q").says(t, "4 nodes have taken it before, and are brought to it once more")
	w.terraform("apply", "q").exits(t, 0)
	if n := resets(r); n == before {
		t.Error("it was not applied once more")
	}
	before = resets(r)
	refused("q")
}

func TestAnActionAppliesStagedStateOnceByOnePlan(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.staging(t)
	core := coreAt(t, r.url)
	given := map[string]any{"xnames": []string{bos.Fold(r.nodes())}}
	core.invoke("bos_staged_apply", given)
	actedOnce(t, r, 1)
	if messages, diags := core.again("bos_staged_apply", given); !strings.Contains(summaries(diags), "Applied before, and not again: 4 nodes") {
		t.Errorf("it said %q and %s", messages, summaries(diags))
	}
	actedOnce(t, r, 1)
	actions := resets(r)
	core.configure() // another plan
	core.planned("bos_staged_apply", given)
	core.configure()
	core.again("bos_staged_apply", given)
	if n := resets(r); n == actions {
		t.Error("another plan did not apply it once more")
	}
}

func TestAppliedStagedStateIsImportedAndNotAppliedAgain(t *testing.T) {
	t.Parallel()
	for name, clear := range map[string]string{"what is staged stays": "false", "it is cleared": "true"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startReal(t, 50*time.Millisecond)
			send(t, "PATCH", r.url+"/v2/options", strings.NewReader(`{"clear_stage":`+clear+`}`))
			session := r.staging(t)
			w := newWorkspace(t)
			names := bos.Fold(r.nodes())
			now := nowApplied(`"`+names+`"`, `session = "`+session+`"`, `triggers = { week = "3" }`)
			w.write(r.block(), now)
			w.apply().exits(t, 0)
			before := resets(r)
			w.killed()
			w.write(r.block(), now, "import {\n  to = bos_staged_apply.now\n  id = \""+names+"\"\n}\n")
			w.plan().says(t, "1 to import, 0 to add", "0 to destroy")
			w.apply().exits(t, 0)
			if got := w.attributes("bos_staged_apply.now"); got["succeeded"] != true || got["applied_nodes"] != names || got["status"] != "complete" {
				t.Errorf("state has %v", got)
			}
			w.plan().exits(t, 0)
			if n := resets(r); n != before {
				t.Errorf("%d power actions after %d", n, before)
			}
			w.write(r.block(), strings.Replace(now, `"3"`, `"4"`, 1))
			w.plan().says(t, "1 to add, 0 to change, 1 to destroy")
		})
	}
}

func TestOnlyWhatWasAppliedIsImported(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	w := newWorkspace(t)
	w.write(r.block(), nowApplied(`"`+r.nodes()[0]+`"`))
	for id, says := range map[string]string{
		r.nodes()[0]:  "Nothing that a session has staged was applied to " + r.nodes()[0],
		"x1000c0s[":   "neither a list of nodes nor tenant/nodes",
		"/" + room[0]: "neither a list of nodes nor tenant/nodes",
	} {
		result := w.terraform("import", "-no-color", "-input=false", "bos_staged_apply.now", id)
		result.exits(t, 1)
		result.says(t, says)
	}
	if n := resets(r); n != 0 {
		t.Errorf("%d power actions", n)
	}
}
