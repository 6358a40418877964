package provider_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// refuses has the BMCs of nodes refuse to power them on, until it is lifted.
func (r *realBOS) refuses(t *testing.T, ids ...string) (lift func()) {
	t.Helper()
	rule := fault.Rule{Name: "refuses", Fault: fault.Refuse, Form: "400", Resets: "on", Nodes: strings.Join(ids, ",")}
	if err := r.room.Room().AddFaults(time.Now(), rule); err != nil {
		t.Fatal(err)
	}
	return func() { r.room.Room().LiftFaults("refuses") }
}

// resetsOf are the resets of each of some nodes.
func (r *realBOS) resetsOf(ids ...string) (counts []int) {
	for _, id := range ids {
		counts = append(counts, len(r.room.Room().Resets(id)))
	}
	return counts
}

// tell tells the rollout of a session something.
func (r *realBOS) tell(t *testing.T, session any, verb string) {
	t.Helper()
	name, ok := session.(string)
	if !ok {
		t.Fatalf("the session is called %v", session)
	}
	send(t, http.MethodPost, r.url+"/x/v1/sessions/"+name+"/"+verb, strings.NewReader("{}"))
}

func rolloutStatus(t *testing.T, attributes map[string]any) map[string]any {
	t.Helper()
	status, ok := attributes["rollout_status"].(map[string]any)
	if !ok {
		t.Fatalf("there is no rollout_status in %v", attributes)
	}
	return status
}

// booting is a session that boots, with more settings.
func booting(more ...string) string {
	return strings.Replace(session(more...), `"reboot"`, `"boot"`, 1)
}

const oneFirst = `rollout = {
    canary  = 1
    batches = [2]
  }`

func TestARolloutShowsItsBatchesWaitsForItsPromotionAndIsGoneOnWith(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	ids := r.nodes()
	w := newWorkspace(t)
	w.write(r.block("applying = terraform.applying"), template("quiet"), booting(rolling, oneFirst))
	plan := w.plan("-out=reviewed")
	plan.exits(t, 2)
	plan.says(t, "Warning: This will boot 4 nodes in 3 batches", "canary: 1 node, "+ids[0], "batch 1: 2 nodes, "+bos.Fold(ids[1:3]), "batch 2: 1 node, "+ids[3],
		"After the canary it waits until somebody promotes it.", "It halts when more than 1 node failed, or one of the canary did.", `+ name = "batch 2"`)
	applied := w.terraform("apply", "-no-color", "-input=false", "reviewed")
	applied.exits(t, 0)
	got, tainted := w.instance("bos_session.boot")
	applied.says(t, "Warning: The canary of session", "is healthy; the other batches wait for its promotion", "terraform-provider-bos rollout promote "+got["name"].(string))
	status := rolloutStatus(t, got)
	if tainted || got["status"] != "running" || got["succeeded"] != false || status["held_by"] != "promotion" || status["done"] != 1.0 || status["waiting"] != 3.0 || status["batch_number"] != 1.0 || status["batch_count"] != 3.0 {
		t.Errorf("the session is %v", got)
	}
	// Neither a plan nor an apply decides.
	again := w.apply()
	again.exits(t, 0)
	again.says(t, "; starts nothing", "wait for its promotion", "0 added, 1 changed, 0 destroyed")
	if n := resets(r); n != 1 {
		t.Errorf("nodes were reset %d times before the promotion", n)
	}
	r.tell(t, got["name"], "promote")
	w.apply().exits(t, 0)
	got = w.attributes("bos_session.boot")
	if got["status"] != "complete" || got["succeeded"] != true || rolloutStatus(t, got)["phase"] != "complete" || rolloutStatus(t, got)["done"] != 4.0 {
		t.Errorf("the session is %v", got)
	}
	if n := resets(r); n != 4 {
		t.Errorf("nodes were reset %d times", n)
	}
	w.plan().exits(t, 0)
}

func TestARolloutThatHaltsNamesNodesAndCausesAndIsResumedWithoutWhatIsDone(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	ids := r.nodes()
	lift := r.refuses(t, ids[1])
	w := newWorkspace(t)
	const two = `rollout = { canary = 2, auto_promote = true, healthy_deadline = "10m" }`
	config := []string{r.block("applying = terraform.applying"), template("quiet"), booting(rolling, two, `on_failure = "error"`)}
	w.write(config...)
	halted := w.apply()
	halted.exits(t, 0) // an error would have Terraform run it again for all
	got, tainted := w.instance("bos_session.boot")
	name := got["name"].(string)
	halted.says(t, "Warning: The rollout of session "+name+" has halted, as 1 node failed to boot: "+ids[1], "1 of the 2 nodes of the canary failed",
		ids[1]+": ", "refused", "terraform-provider-bos rollout resume "+name, "rollout resume "+name+" --skip-failed", "what is done is not done again")
	status := rolloutStatus(t, got)
	if tainted || got["status"] != "running" || status["phase"] != "halted" || status["failed_nodes"] != ids[1] || status["waiting"] != 2.0 {
		t.Errorf("the session is %v", got)
	}
	if n := r.resetsOf(ids[2:]...); n[0]+n[1] != 0 {
		t.Errorf("nodes behind the canary were reset %v times", n)
	}
	still := w.apply()
	still.exits(t, 1)
	still.says(t, "Error: The rollout of session "+name+" has halted", "rollout resume "+name)
	w.plan().says(t, "Its rollout is halted in canary", "rollout resume "+name)
	before := r.resetsOf(ids[0])
	lift()
	r.tell(t, name, "resume")
	w.apply().exits(t, 0)
	got = w.attributes("bos_session.boot")
	if got["name"] != name || got["status"] != "complete" || got["succeeded"] != true {
		t.Errorf("the session is %v", got)
	}
	if after := r.resetsOf(ids[0]); after[0] != before[0] {
		t.Errorf("%s was done and was reset again", ids[0])
	}
	w.plan().exits(t, 0)
}

func TestAChangedRolloutRunsNothingAndOneUnderWayIsKept(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	w := newWorkspace(t)
	block := r.block("applying = terraform.applying")
	w.write(block, template("quiet"), booting(rolling, oneFirst))
	w.apply().exits(t, 0)
	name := w.attributes("bos_session.boot")["name"]
	w.write(block, template("quiet"), booting(rolling, `rollout = { canary = 1, batches = [3] }`))
	changed := w.plan()
	changed.exits(t, 2)
	changed.says(t, "keeps the rollout that it has", "0 to add, 1 to change, 0 to destroy")
	r.tell(t, name, "promote")
	w.apply().exits(t, 0)
	w.write(block, template("quiet"), booting(rolling, `rollout = { max_in_flight = "50%" }`))
	changed = w.apply()
	changed.exits(t, 0)
	changed.says(t, "0 added, 1 changed, 0 destroyed")
	w.write(block, template("quiet"), booting(rolling))
	w.apply().says(t, "0 added, 1 changed, 0 destroyed")
	w.plan().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["name"] != name || got["succeeded"] != true {
		t.Errorf("the session is %v", got)
	}
	if n := resets(r); n != 4 {
		t.Errorf("nodes were reset %d times", n)
	}
}

func TestARolloutIsAnErrorAtPlanWhereTheBOSHasNone(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	r.plain.Store(true)
	w := newWorkspace(t)
	w.write(r.block(), template("quiet"), booting(oneFirst))
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "Error: This BOS has no rollouts", "is a plain BOS v2", "would start all nodes of the session at once", "leave rollout out")
	if n := resets(r); n != 0 {
		t.Errorf("nodes were reset %d times", n)
	}
}

func TestWhatIsWrongWithARolloutIsSaidAtPlanByTheRulesOfTheService(t *testing.T) {
	t.Parallel()
	r := startReal(t, time.Hour)
	w := newWorkspace(t)
	for rollout, says := range map[string]string{
		`canary = 1, canary_nodes = "x1000c0s0b0n0"`: "canary: and canary_nodes are both given",
		`canary = "many"`:           `"many" is not a number of nodes such as 20`,
		`max_unavailable = 0`:       "max_unavailable: 0 is no node, so none would ever start",
		`auto_promote = true`:       "auto_promote: is given without a canary",
		`strategy = "fixed"`:        "initial_batch: is missing",
		`batches = [0]`:             "batches: 0 is a batch without a node",
		`healthy_deadline = "soon"`: `"soon" is not a length of time`,
		`window = { start_time = "25:00", length_minutes = 60 }`:                       `start_time: "25:00" is no time of a day`,
		`window = { start_time = "22:00", length_minutes = 60, time_zone = "Mars" }`:   `time_zone: "Mars" is no time zone`,
		`freeze = [{ from = "2026-12-24T12:00:00Z", until = "2026-12-24T12:00:00Z" }]`: "is no time; give one that ends after it begins",
		`canary_nodes = "x9000c0s0b0n0"`:                                               "x9000c0s0b0n0 is not among the nodes that the session begins with",
		`boot_ordinal = { nobody = 1 }`:                                                `"nobody" is no boot set of template`,
		`by = "rack"`:                                                                  "cabinet",
		`canary = 1 }` + "\n  stage = true\n  timeouts = { create = \"1h\"":            "and stage are both given",
	} {
		t.Run(rollout, func(t *testing.T) {
			w.write(r.block(), template("quiet"), booting("rollout = { "+rollout+" }"))
			plan := w.plan()
			plan.exits(t, 1)
			plan.says(t, says)
		})
	}
}

func TestARolloutThatIsNotKnownAtPlanIsHeldToWhatTheApplyKnows(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	w := newWorkspace(t)
	w.write(r.block("applying = terraform.applying"), template("quiet"), "resource \"terraform_data\" \"size\" {\n  input = \"1\"\n}\n",
		booting(`rollout = { canary = terraform_data.size.output, auto_promote = true }`))
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "Cannot say which nodes", "the argument rollout is not known yet")
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["succeeded"] != true || rolloutStatus(t, got)["batch_count"] != 2.0 {
		t.Errorf("the session is %v", got)
	}
}

func TestASessionWithARolloutIsImportedWithItAndDestroyedWhileItIsHeld(t *testing.T) {
	t.Parallel()
	for _, destroy := range []string{"forget", "cancel"} {
		t.Run(destroy, func(t *testing.T) {
			t.Parallel()
			r := startReal(t, 100*time.Millisecond)
			put(t, r.url+"/v2/sessiontemplates/compute", `{"enable_cfs":false,"boot_sets":{"compute":{"path":"s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json","type":"s3","node_roles_groups":["Compute"]}}}`)
			send(t, http.MethodPost, r.url+"/x/v1/sessions", strings.NewReader(`{"name":"s","operation":"boot","template_name":"compute","rollout":{"canary":1,"min_healthy_time":"1m","failure_budget":"10%"}}`))
			w := newWorkspace(t)
			w.write(r.block(), `
import {
  to = bos_session.s
  id = "s"
}

resource "bos_session" "s" {
  name                = "s"
  operation           = "boot"
  template_name       = "compute"
  wait_for_completion = false
  on_destroy          = "`+destroy+`"
  rollout             = { canary = 1, min_healthy_time = "1m", failure_budget = "10%" }
}
`)
			imported := w.apply()
			imported.exits(t, 0)
			imported.says(t, "1 imported, 0 added")
			if got := w.attributes("bos_session.s"); rolloutStatus(t, got)["batch_count"] != 2.0 {
				t.Errorf("the session is %v", got)
			}
			destroyed := w.apply("-destroy")
			destroyed.exits(t, 0)
			var list []bos.Session
			if err := json.Unmarshal([]byte(request(t, http.MethodGet, r.url+"/v2/sessions")), &list); err != nil {
				t.Fatal(err)
			}
			if destroy == "cancel" {
				destroyed.says(t, "BOS session cancelled")
				if len(list) != 0 {
					t.Errorf("the sessions are %+v", list)
				}
				return
			}
			destroyed.says(t, "BOS session s runs on", "Its rollout is ")
			if len(list) != 1 || list[0].Status.Status != bos.SessionRunning {
				t.Errorf("the sessions are %+v", list)
			}
		})
	}
}

func TestAnEmbeddedBOSWantsARolloutThatPromotesItself(t *testing.T) {
	t.Parallel()
	r := startRoom(t, 100*time.Millisecond, "http://"+freeAddress(t))
	block := "provider \"bos\" {\n  embedded = {\n    config   = \"" + r.settings + "\"\n    database = \"" + filepath.Join(filepath.Dir(r.settings), "tf.db") + "\"\n  }\n}\n"
	w := newProcessWorkspace(t)
	w.write(block, template("quiet"), booting(oneFirst))
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "Error: Nobody could promote the canary", "auto_promote = true")
	w.write(block, template("quiet"), booting(strings.Replace(oneFirst, "canary ", "auto_promote = true\n    canary ", 1)))
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["succeeded"] != true || rolloutStatus(t, got)["phase"] != "complete" {
		t.Errorf("the session is %v", got)
	}
}

func TestASessionWhoseTemplateHasAnOrderIsFollowedAsARollout(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	ids := r.nodes()
	image := `"path":"s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json","type":"s3"`
	put(t, r.url+"/v2/sessiontemplates/ordered", `{"enable_cfs":false,"boot_sets":{"first":{`+image+`,"node_list":["`+ids[0]+`"]},"then":{`+image+`,"node_list":["`+strings.Join(ids[1:], `","`)+`"]}}}`)
	put(t, r.url+"/x/v1/sessiontemplates/ordered/sequence", `{"boot_ordinal":{"first":0,"then":1}}`)
	lift := r.refuses(t, ids[0])
	w := newWorkspace(t)
	w.write(r.block("applying = terraform.applying"), strings.Replace(booting(), "bos_session_template.compute.name", `"ordered"`, 1))
	halted := w.apply()
	halted.exits(t, 0)
	halted.says(t, "This will boot 4 nodes in 2 batches", "has halted, as 1 node failed to boot: "+ids[0], "rollout resume")
	got := w.attributes("bos_session.boot")
	if rolloutStatus(t, got)["phase"] != "halted" || got["status"] != "running" {
		t.Errorf("the session is %v", got)
	}
	lift()
	r.tell(t, got["name"], "resume")
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["succeeded"] != true || rolloutStatus(t, got)["done"] != 4.0 {
		t.Errorf("the session is %v", got)
	}
	w.plan().exits(t, 0)
}

func TestAnOrderOfATemplateThatNoPlanCouldSeeIsFollowedByTheApply(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	ids := r.nodes()
	image := `"path":"s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json","type":"s3"`
	put(t, r.url+"/v2/sessiontemplates/ordered", `{"enable_cfs":false,"boot_sets":{"first":{`+image+`,"node_list":["`+ids[0]+`"]},"then":{`+image+`,"node_list":["`+strings.Join(ids[1:], `","`)+`"]}}}`)
	put(t, r.url+"/x/v1/sessiontemplates/ordered/sequence", `{"boot_ordinal":{"first":0,"then":1}}`)
	w := newWorkspace(t)
	w.write(r.block(), "resource \"terraform_data\" \"nodes\" {\n  input = \""+strings.Join(ids[:2], ",")+"\"\n}\n",
		strings.Replace(booting("limit = terraform_data.nodes.output"), "bos_session_template.compute.name", `"ordered"`, 1))
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "Cannot say which nodes", "the argument limit is not known yet")
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["succeeded"] != true || rolloutStatus(t, got)["batch_count"] != 2.0 {
		t.Errorf("the session is %v", got)
	}
	w.plan().exits(t, 0)
}
