package provider_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// board is a component with more arguments.
func board(xname string, more ...string) string {
	return "resource \"bos_component\" \"board\" {\n  xname = \"" + xname + "\"\n  " + strings.Join(more, "\n  ") + "\n}\n"
}

const boardIsOut = `hold = { reason = "board is out" }`

// holds is what BOS answers to who is held.
func holds(t *testing.T, url string) string {
	t.Helper()
	return request(t, http.MethodGet, url+"/x/v1/holds")
}

func TestASessionLeavesAHeldNodeAloneAndTheNodeStartsWhenTheHoldGoes(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	nodes := r.nodes()
	w := newWorkspace(t)
	over := session("depends_on = [bos_component.board]")
	w.write(r.block("applying = terraform.applying"), board(nodes[0], boardIsOut))
	w.apply().exits(t, 0)
	if got := holds(t, r.url); !strings.Contains(got, `"reason":"board is out"`) || !strings.Contains(got, nodes[0]) {
		t.Fatalf("the holds are %s", got)
	}
	w.plan().exits(t, 0)
	w.write(r.block("applying = terraform.applying"), board(nodes[0], boardIsOut), template("quiet"), over)
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "This will reboot 3 nodes", "held: board is out", nodes[0])
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["succeeded"] != true || got["nodes"] != bos.Fold(nodes[1:]) {
		t.Errorf("the session is %v", got)
	}
	if n := len(r.room.Room().Resets(nodes[0])); n != 0 {
		t.Errorf("the held node was reset %d times", n)
	}
	w.plan().exits(t, 0)

	// What the other nodes run is asked of it as well: it waits for the hold.
	same := []string{"enabled = true", "wait_for_completion = true", "desired_state = { boot_artifacts = data.bos_component.other.desired_state.boot_artifacts }"}
	other := "data \"bos_component\" \"other\" {\n  xname = \"" + nodes[1] + "\"\n}\n"
	w.write(r.block("applying = terraform.applying"), board(nodes[0], append(same, boardIsOut)...), other, template("quiet"), over)
	w.plan().says(t, "BOS will act on nodes once their hold is lifted")
	w.apply().exits(t, 0)
	if n := len(r.room.Room().Resets(nodes[0])); n != 0 {
		t.Errorf("the held node was reset %d times", n)
	}
	w.plan().exits(t, 0)
	w.write(r.block("applying = terraform.applying"), board(nodes[0], same...), other, template("quiet"), over)
	w.plan().says(t, "BOS may act on nodes whose hold is lifted", nodes[0]+": its hold (board is out) is lifted")
	w.apply().exits(t, 0)
	if got := w.attributes("bos_component.board"); got["status"] != "stable" || got["held"] != "" || got["hold"] != nil {
		t.Errorf("the node is %v", got)
	}
	if n := len(r.room.Room().Resets(nodes[0])); n != 1 {
		t.Errorf("once its hold was lifted the node was reset %d times", n)
	}
	if got := holds(t, r.url); strings.Contains(got, nodes[0]) {
		t.Errorf("the holds are %s", got)
	}
	w.plan().exits(t, 0)
}

func TestAHoldIsRefusedAtPlanByABOSWithoutHolds(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Plain()
	w := newWorkspace(t)
	w.write(providerBlock(fake), component(boardIsOut))
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "Error: This BOS has no holds", "HSM")
	w.apply().exits(t, 1)
	if n := fake.Requests("PATCH", ""); n != 0 {
		t.Errorf("%d requests wrote something", n)
	}
	w.write(providerBlock(fake), component("retry_policy = 3"))
	w.apply().exits(t, 0)
	if got := w.attributes("bos_component.n0"); got["held"] != "" {
		t.Errorf("held is %v", got["held"])
	}
}

func TestAHoldThatSomebodyChangesIsDriftAndThatOfSomebodyElseIsNeverLifted(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	node := r.nodes()[0]
	hold := func(reason string) {
		put(t, r.url+"/x/v1/components/"+node+"/hold", `{"reason":"`+reason+`"}`)
	}
	w := newWorkspace(t)
	w.write(r.block(), board(node, boardIsOut))
	w.apply().exits(t, 0)

	request(t, http.MethodDelete, r.url+"/x/v1/components/"+node+"/hold")
	w.plan().exits(t, 2)
	w.apply().exits(t, 0)
	if got := holds(t, r.url); !strings.Contains(got, "board is out") {
		t.Errorf("the hold that somebody lifted is not put on again: %s", got)
	}
	hold("leak")
	taken := w.plan()
	taken.exits(t, 2)
	taken.says(t, "Warning: Nodes are held by somebody else", node+": BOS holds it already: leak")

	w.write(r.block(), board(node))
	w.apply().exits(t, 0)
	if got := holds(t, r.url); !strings.Contains(got, "leak") {
		t.Errorf("the hold of somebody else was lifted: %s", got)
	}
	if got := w.attributes("bos_component.board")["held"]; !strings.HasPrefix(fmt.Sprint(got), "leak (") {
		t.Errorf("held is %v", got)
	}
	w.plan().exits(t, 0)
}

func TestAdoptingANodeThatSomebodyElseHoldsSaysSoBeforeItsReasonIsReplaced(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	nodes := r.nodes()
	w := newWorkspace(t)
	w.write(r.block("applying = terraform.applying"), board(nodes[1], boardIsOut))
	w.apply().exits(t, 0)
	put(t, r.url+"/x/v1/components/"+nodes[0]+"/hold", `{"reason":"power supply is open"}`)
	adopting := newWorkspace(t)
	adopting.write(r.block("applying = terraform.applying"), board(nodes[0], boardIsOut))
	plan := adopting.plan()
	plan.exits(t, 2)
	plan.says(t, "Nodes are held by somebody else", nodes[0]+": BOS holds it already: power supply is open")
	w.write(r.block("applying = terraform.applying"), board(nodes[0], boardIsOut))
	w.plan().says(t, "Nodes are held by somebody else", "power supply is open", "Nodes stay held")
	// With the same reason the hold is shared, which is to be known as well.
	put(t, r.url+"/x/v1/components/"+nodes[0]+"/hold", `{"reason":"board is out"}`)
	w.plan().says(t, "Nodes are held by somebody else", "board is out", "the hold is shared")
}

// Two workspaces hold a node for the same reason, as two that follow one ticket do.
func TestAHoldThatTwoConfigurationsShareIsLiftedByNeither(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	node := r.nodes()[0]
	first, second := newWorkspace(t), newWorkspace(t)
	first.write(r.block("applying = terraform.applying"), board(node, boardIsOut))
	first.apply().exits(t, 0)
	second.write(r.block("applying = terraform.applying"), board(node, boardIsOut))
	plan := second.plan()
	plan.exits(t, 2)
	plan.says(t, "Nodes are held by somebody else", node+": BOS holds it already: board is out", "the hold is shared")
	second.apply().exits(t, 0)
	for _, w := range []*workspace{first, second} {
		w.plan().exits(t, 0)
	}
	stays := func(w *workspace) {
		t.Helper()
		w.write(r.block("applying = terraform.applying"), board(node))
		plan := w.plan()
		plan.exits(t, 2)
		plan.says(t, "Warning: Nodes stay held", "DELETE /x/v1/components/"+node+"/hold")
		if strings.Contains(plan.out, "hold is lifted") {
			t.Errorf("the plan says %s", plan.out)
		}
		w.apply().exits(t, 0)
		if got := holds(t, r.url); !strings.Contains(got, "board is out") {
			t.Errorf("the hold of another configuration was lifted: %s", got)
		}
		if got := w.attributes("bos_component.board"); got["hold"] != nil || !strings.HasPrefix(fmt.Sprint(got["held"]), "board is out (") {
			t.Errorf("the state is %v", got)
		}
		w.plan().exits(t, 0)
	}
	stays(first)
	second.plan().exits(t, 0)
	stays(second)
}

func TestAHoldThatSomebodyElseAsksForBetweenPlanAndApplyStays(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	nodes := r.nodes()
	for name, node := range map[string]string{"for the same reason": nodes[0], "lifted before": nodes[1]} {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			w.write(r.block(), board(node, boardIsOut))
			w.apply().exits(t, 0)
			w.write(r.block(), board(node))
			w.plan("-out=lift").says(t, "hold is lifted")
			if node == nodes[1] {
				request(t, http.MethodDelete, r.url+"/x/v1/components/"+node+"/hold")
			}
			put(t, r.url+"/x/v1/components/"+node+"/hold", `{"reason":"board is out"}`)
			apply := w.terraform("apply", "-no-color", "-input=false", "lift")
			apply.exits(t, 0)
			apply.says(t, "Warning: Nodes stay held")
			if got := holds(t, r.url); !strings.Contains(got, "board is out") {
				t.Errorf("the hold of somebody else was lifted: %s", got)
			}
			w.plan().exits(t, 0)
		})
	}
}

func TestAnotherTenantOfTheProviderBlockShowsInThePlanOfAComponentThatStays(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	w := newWorkspace(t)
	w.write(r.block(), board(r.nodes()[0]))
	w.apply().exits(t, 0)
	w.plan().says(t, "No changes")
	w.write(r.block(`tenant = "blue"`), board(r.nodes()[0]))
	w.plan().says(t, "0 to add, 1 to change, 0 to destroy", `+ tenant = "blue"`)
}

func TestAHoldThatSomebodyTakesOverBetweenPlanAndApplyStays(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	node := r.nodes()[0]
	w := newWorkspace(t)
	w.write(r.block(), board(node, boardIsOut))
	w.apply().exits(t, 0)
	w.write(r.block(), board(node))
	w.plan("-out=lift").exits(t, 2)
	put(t, r.url+"/x/v1/components/"+node+"/hold", `{"reason":"leak"}`)
	apply := w.terraform("apply", "-no-color", "-input=false", "lift")
	apply.exits(t, 0)
	apply.says(t, "Warning: Nodes stay held", "leak")
	if got := holds(t, r.url); !strings.Contains(got, "leak") {
		t.Errorf("the hold of somebody else was lifted: %s", got)
	}
	w.plan().exits(t, 0)
}

func TestDestroyingAComponentLeavesItsHoldAndSaysSo(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	nodes := r.nodes()
	w := newWorkspace(t)
	w.write(r.block(), board(nodes[0], boardIsOut))
	w.apply().exits(t, 0)
	w.write(r.block(), board(nodes[1]))
	w.plan().says(t, "must be replaced", "Warning: Nodes stay held", nodes[0]+": destroying the resource leaves its hold on")
	destroy := w.apply("-destroy")
	destroy.exits(t, 0)
	destroy.says(t, "Warning: Nodes stay held")
	if got := holds(t, r.url); !strings.Contains(got, "board is out") {
		t.Errorf("the holds are %s", got)
	}
}

func TestImportingAHeldComponentLeavesItHeldAndPlansNothing(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	node := r.nodes()[0]
	w := newWorkspace(t)
	w.write(r.block(), board(node))
	w.apply().exits(t, 0)
	w.terraform("state", "rm", "bos_component.board").exits(t, 0)
	put(t, r.url+"/x/v1/components/"+node+"/hold", `{"reason":"leak"}`)
	w.terraform("import", "-no-color", "bos_component.board", node).exits(t, 0)
	w.plan().exits(t, 0)
	w.apply().exits(t, 0)
	if got := holds(t, r.url); !strings.Contains(got, "leak") {
		t.Errorf("the holds are %s", got)
	}
}

// The first apply of the example: the hold and the session are planned together,
// and the plan that was reviewed is what is done.
func TestAPlanKnowsTheHoldsThatItPutsOnAndLifts(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	nodes := r.nodes()
	w := newWorkspace(t)
	over := session("depends_on = [bos_component.board]", "triggers = { round = var.round }", `variable "round" {}`)
	over = strings.Replace(over, "  variable \"round\" {}\n}", "}\nvariable \"round\" {}", 1)
	block := r.block("applying = terraform.applying")
	apply := func(round, says, acted string) {
		t.Helper()
		plan := w.plan("-out=p", "-var=round="+round)
		plan.exits(t, 2)
		plan.says(t, says)
		w.terraform("apply", "-no-color", "-input=false", "p").exits(t, 0)
		if got := w.attributes("bos_session.boot")["nodes"]; got != acted {
			t.Errorf("the session acted on %v instead of %s", got, acted)
		}
		w.plan("-var=round="+round).exits(t, 0)
	}
	w.write(block, board(nodes[0], boardIsOut), template("quiet"), over)
	apply("1", "Left out, held: board is out: "+nodes[0], bos.Fold(nodes[1:]))
	w.write(block, board(nodes[0]), template("quiet"), over)
	apply("2", "This will reboot 4 nodes", bos.Fold(nodes))
}
