package provider_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// killed is what a runner leaves behind that is killed before its state is saved.
func (w *workspace) killed() {
	w.t.Helper()
	for _, file := range []string{"terraform.tfstate", "terraform.tfstate.backup"} {
		if err := os.Remove(filepath.Join(w.dir, file)); err != nil && !os.IsNotExist(err) {
			w.t.Fatal(err)
		}
	}
}

// sessions are those that the service has.
func (r *realBOS) sessions(t *testing.T) (all []bos.Session) {
	t.Helper()
	if err := json.Unmarshal([]byte(request(t, "GET", r.url+"/v2/sessions")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// aTemplate stores a template of all nodes.
func (r *realBOS) aTemplate(t *testing.T, parameters string) {
	t.Helper()
	put(t, r.url+"/v2/sessiontemplates/compute", `{"enable_cfs":false,"boot_sets":{"compute":{"type":"s3","path":"s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json","kernel_parameters":"`+parameters+`","node_roles_groups":["Compute"]}}}`)
}

func aSession(more ...string) string {
	return "resource \"bos_session\" \"boot\" {\n  template_name = \"compute\"\n  operation = \"reboot\"\n  poll_interval = \"100ms\"\n  " + strings.Join(more, "\n  ") + "\n}\n"
}

func TestAnApplyThatWasKilledIsGoneOnWithAndNotRepeated(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	r.aTemplate(t, "quiet")
	letGo, w := r.inFlight(t), newWorkspace(t)
	w.write(r.block(), aSession("wait_for_completion = false", `reason = "CAST-1"`))
	w.apply().exits(t, 0)
	first := r.sessions(t)
	w.killed()

	w.write(r.block(), aSession(`reason = "CAST-1"`))
	plan := w.plan()
	plan.says(t, "goes on with session "+first[0].Name, "CAST-1", "starts no other")
	r.after("POST /x/v1/sessions$", letGo)
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "BOS session "+first[0].Name+" goes on, and no other was started")
	if all := r.sessions(t); len(all) != 1 {
		t.Errorf("%d sessions ran", len(all))
	}
	if got := w.attributes("bos_session.boot"); got["name"] != first[0].Name || got["succeeded"] != true || got["node_count"] != 4.0 {
		t.Errorf("the session is %v", got)
	}
	w.plan().says(t, "No changes")
}

// TestAPlanThatGoesOnWithASessionStartsNoOtherOnceThatOneIsOver: without applying, no
// Terraform before 1.16 tells in an apply by which plan.
func TestAPlanThatGoesOnWithASessionStartsNoOtherOnceThatOneIsOver(t *testing.T) {
	t.Parallel()
	r := startReal(t, time.Hour)
	r.aTemplate(t, "quiet")
	w := toldWorkspace(t)
	w.write(r.block(), aSession("wait_for_completion = false"))
	w.apply().exits(t, 0)
	first := r.sessions(t)[0].Name
	w.killed()
	plan := w.terraform("plan", "-no-color", "-input=false", "-out=p")
	plan.exits(t, 0)
	plan.says(t, "goes on with session "+first, "starts no other", "Plan: 1 to add")
	r.tell(t, first, "cancel")
	before := resets(r)
	late := w.terraform("apply", "-no-color", "-input=false", "p")
	if tells() { // it takes over the session that its plan went on with
		late.exits(t, 0)
		late.says(t, "BOS session "+first+" goes on, and no other was started")
	} else {
		late.exits(t, 1)
	}
	if all := r.sessions(t); len(all) != 1 || resets(r) != before {
		t.Errorf("%d sessions ran, with %d power actions after %d", len(all), resets(r), before)
	}
	var more []string
	if tells() {
		more = []string{"-replace=bos_session.boot"}
	}
	w.apply(more...).exits(t, 0)
	others := slices.DeleteFunc(r.sessions(t), func(s bos.Session) bool { return s.Name == first })
	if len(others) != 1 {
		t.Errorf("after another plan %d other sessions ran", len(others))
	}
	w.plan().says(t, "No changes")
}

func TestASavedPlanThatWasKilledIsNotRepeatedEvenOnceItsSessionIsOver(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	w := newWorkspace(t)
	w.write(r.block("applying = terraform.applying"), aSession())
	w.terraform("plan", "-out=p").exits(t, 0)
	w.terraform("apply", "p").exits(t, 0)
	before := resets(r)
	w.killed()
	again := w.terraform("apply", "p")
	again.exits(t, 0)
	again.says(t, "goes on, and no other was started")
	if all := r.sessions(t); len(all) != 1 || resets(r) != before {
		t.Errorf("%d sessions ran, with %d power actions after %d", len(all), resets(r), before)
	}
	// Who plans again after it is over, and means it, gets another.
	w.killed()
	w.apply().exits(t, 0)
	if all := r.sessions(t); len(all) != 2 {
		t.Errorf("%d sessions ran", len(all))
	}
}

func TestASavedPlanThatWasCarriedOutIsNotRepeatedAlthoughSomebodyPlannedSince(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	w := newWorkspace(t)
	w.write(r.block("applying = terraform.applying"), aSession())
	w.terraform("plan", "-out=p").exits(t, 0)
	w.plan().exits(t, 2) // before it is carried out anybody may look
	w.terraform("apply", "p").exits(t, 0)
	first, before := r.sessions(t), resets(r)
	w.killed()
	planned := w.plan()
	planned.exits(t, 2)
	planned.says(t, "has run session "+first[0].Name, "it is over", "import")
	again := w.terraform("apply", "p")
	again.exits(t, 1)
	again.says(t, "inconsistent final plan", "again, after session", first[0].Name)
	if all := r.sessions(t); len(all) != 1 || resets(r) != before {
		t.Errorf("%d sessions ran, with %d power actions after %d", len(all), resets(r), before)
	}
	// The plan that says that it runs it again does.
	w.terraform("plan", "-out=q").exits(t, 0)
	w.terraform("apply", "q").exits(t, 0)
	if all := r.sessions(t); len(all) != 2 {
		t.Errorf("%d sessions ran", len(all))
	}
	w.plan().says(t, "No changes")
	w.apply("-replace=bos_session.boot").exits(t, 0)
	w.plan().says(t, "No changes")
}

func TestStagedStateThatBOSIsBringingNodesToIsNotAppliedAgain(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	r.aTemplate(t, "quiet")
	stage, w := newWorkspace(t), newWorkspace(t)
	stage.write(r.block(), aSession("stage = true"))
	stage.apply().exits(t, 0)
	two, all := bos.Fold(r.nodes()[:2]), bos.Fold(r.nodes())
	now := func(nodes string, more ...string) string {
		return "resource \"bos_staged_apply\" \"now\" {\n  xnames = [\"" + nodes + "\"]\n  " + strings.Join(more, "\n  ") + "\n}\n"
	}
	letGo := r.inFlight(t)
	w.write(r.block(), now(two, "wait_for_completion = false"))
	w.apply().exits(t, 0)
	w.killed()

	w.write(r.block(), now(all))
	w.plan().says(t, "BOS is bringing 2 nodes to what session", "it is not applied to them again: "+two)
	r.after("POST /x/v1/applystaged$", letGo)
	again := w.apply()
	again.exits(t, 0)
	again.says(t, "BOS goes on with 2 nodes: "+two)
	if got := w.attributes("bos_staged_apply.now"); got["succeeded"] != true || got["applied_nodes"] != all || got["applied_count"] != 4.0 {
		t.Errorf("state has %v", got)
	}
	for _, id := range r.nodes() {
		if n := len(r.room.Room().Resets(id)); n != 1 {
			t.Errorf("%s had %d power actions", id, n)
		}
	}
	w.plan().says(t, "No changes")
	w.killed()
	w.plan().says(t, "4 nodes have taken it before", "and are brought to it once more")
}

func TestASessionIsRunAgainWhileItIsInFlightIfThatIsAskedFor(t *testing.T) {
	t.Parallel()
	r := startReal(t, 20*time.Second)
	r.aTemplate(t, "quiet")
	w := newWorkspace(t)
	w.write(r.block(), aSession("wait_for_completion = false"))
	w.apply().exits(t, 0)
	w.apply("-replace=bos_session.boot").exits(t, 0)
	if all := r.sessions(t); len(all) != 2 {
		t.Errorf("after -replace %d sessions ran", len(all))
	}
	w.write(r.block(), aSession("wait_for_completion = false", `triggers = { again = "1" }`))
	w.plan().says(t, "busy with session", "which this replaces and takes them from")
	w.apply().exits(t, 0)
	if all := r.sessions(t); len(all) != 3 {
		t.Errorf("after another trigger %d sessions ran", len(all))
	}
}

func TestAPlanNamesTheSessionThatIsAtWorkOnItsNodes(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	r.inFlight(t)
	send(t, http.MethodPost, r.url+"/x/v1/sessions", strings.NewReader(`{"name":"theirs","template_name":"compute","operation":"reboot","limit":"`+strings.Join(r.nodes()[:2], ",")+`","reason":"night shift"}`))
	r.running(t, "theirs")
	w := newWorkspace(t)
	w.write(r.block(), aSession(`overlap = "take_over"`))
	w.plan().says(t, "2 nodes are busy with session theirs", "night shift", "which this takes them from: "+bos.Fold(r.nodes()[:2]))
}

func TestANamedSessionOfAKilledApplyIsGoneOnWithAndATakenNameIsSaidAtPlan(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	r.aTemplate(t, "quiet")
	letGo, w := r.inFlight(t), newWorkspace(t)
	w.write(r.block(), aSession(`name = "nightly"`, "wait_for_completion = false"))
	w.apply().exits(t, 0)
	w.killed()
	w.write(r.block(), aSession(`name = "nightly"`))
	r.after("POST /x/v1/sessions$", letGo)
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["name"] != "nightly" || got["succeeded"] != true {
		t.Errorf("the session is %v", got)
	}
	w.killed()
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "The name of BOS session nightly is taken", "import")
	if all := r.sessions(t); len(all) != 1 {
		t.Errorf("%d sessions ran", len(all))
	}
}
