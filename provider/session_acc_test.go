package provider_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// sessions fails the test unless the site has accepted so many.
func sessions(t *testing.T, s site, want int) {
	t.Helper()
	if got := s.Requests("POST", "/sessions"); got != want {
		t.Errorf("the site got %d requests for a session instead of %d", got, want)
	}
}

func results(status string, failed int64) []statecheck.StateCheck {
	at := func(name string, check knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("bos_session.boot", tfjsonpath.New(name), check)
	}
	return []statecheck.StateCheck{at("status", knownvalue.StringExact(status)), at("failed_count", knownvalue.Int64Exact(failed))}
}

func TestASessionBootsTheTemplatesNodesAndTheNextPlanIsEmpty(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	config := providerBlock(bos) + template("quiet") + session(rolling)
	run(t,
		resource.TestStep{
			Config: config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectKnownValue("bos_session.boot", tfjsonpath.New("planned_nodes"), knownvalue.StringExact("x1000c0s[0-3]b0n0")),
				plancheck.ExpectKnownValue("bos_session.boot", tfjsonpath.New("planned_count"), knownvalue.Int64Exact(4)),
				plancheck.ExpectKnownValue("bos_session.boot", tfjsonpath.New("planned_roles"), knownvalue.MapExact(map[string]knownvalue.Check{
					"Compute": knownvalue.StringExact("x1000c0s[0-3]b0n0"),
				})),
				plancheck.ExpectUnknownValue("bos_session.boot", tfjsonpath.New("status")),
			}},
			ConfigStateChecks: append(results("complete", 0),
				statecheck.ExpectKnownValue("bos_session.boot", tfjsonpath.New("nodes"), knownvalue.StringExact("x1000c0s[0-3]b0n0")),
				statecheck.ExpectKnownValue("bos_session.boot", tfjsonpath.New("name"), knownvalue.StringRegexp(regexp.MustCompile("^terraform-"))),
				statecheck.ExpectKnownValue("bos_session.boot", tfjsonpath.New("retry_limit"), knownvalue.StringExact("")),
				statecheck.ExpectKnownValue("bos_session.boot", tfjsonpath.New("error"), knownvalue.StringExact("")),
				statecheck.ExpectKnownValue("bos_session.boot", tfjsonpath.New("succeeded"), knownvalue.Bool(true)),
			),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}},
	)
	sessions(t, bos, 1)
}

func TestAPlanThatReplacesASessionSaysItAsWell(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.write(providerBlock(bos, "applying = terraform.applying"), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	w.write(providerBlock(bos, "applying = terraform.applying"), template("quiet hugepages=16"), session(rolling))
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "Warning: This will reboot 4 nodes")
	if n := strings.Count(plan.out, "This will reboot"); n != 1 {
		t.Errorf("it says so %d times", n)
	}
}

func TestAChangedTemplateRunsTheSessionAgainExactlyOnce(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	changed := providerBlock(bos) + template("quiet console=ttyS0") + session(rolling)
	run(t,
		resource.TestStep{Config: providerBlock(bos) + template("quiet") + session(rolling)},
		resource.TestStep{
			Config: changed,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction("bos_session_template.compute", plancheck.ResourceActionUpdate),
				plancheck.ExpectResourceAction("bos_session.boot", plancheck.ResourceActionReplace),
			}},
			ConfigStateChecks: results("complete", 0),
		},
		resource.TestStep{Config: changed, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}},
	)
	sessions(t, bos, 2)
}

func TestTheOrderOfNodesAndTheDescriptionRunNothing(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	config := func(description, list string) string {
		return providerBlock(bos) + fmt.Sprintf(`
resource "bos_session_template" "compute" {
  name        = "compute"
  description = %q
  boot_sets   = { a = { path = "s3://b/manifest.json", node_list = [%s] } }
}`, description, list) + session(rolling)
	}
	run(t,
		resource.TestStep{Config: config("first", `"x1000c0s0b0n0", "x1000c0s1b0n0"`)},
		resource.TestStep{
			Config:           config("first", `"X1000c0s1b0n0", "x1000c0s0b0n0"`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
		},
		resource.TestStep{
			Config: config("second", `"x1000c0s1b0n0", "x1000c0s0b0n0"`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction("bos_session_template.compute", plancheck.ResourceActionUpdate),
				plancheck.ExpectResourceAction("bos_session.boot", plancheck.ResourceActionNoop),
			}},
		},
	)
	sessions(t, bos, 1)
}

func TestAPlanSaysWhatASessionIsGoingToDo(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	bos.Disable("x1000c0s2b0n0")
	w := newWorkspace(t)
	w.write(providerBlock(bos, "applying = terraform.applying"), template("quiet"), session(rolling))
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "Warning: This will reboot 3 nodes", `Reboot of template "compute": 3 nodes of role Compute x1000c0s[0-1,3]b0n0`, "x1000c0s2b0n0")
	sessions(t, bos, 0)
}

func TestNodesThatFailWarnDoNotTaintAndAreNamedForARetry(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	bos.Break("x1000c0s1b0n0")
	bos.Break("x1000c0s2b0n0")
	w := newWorkspace(t)
	block := providerBlock(bos, "applying = terraform.applying")
	w.write(block, template("quiet"), session(rolling))
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Warning: 2 nodes failed to reboot", "x1000c0s[1-2]b0n0: its BMC does not answer", `limit = "x1000c0s[1-2]b0n0"`)
	attributes, tainted := w.instance("bos_session.boot")
	if tainted {
		t.Error("the session is tainted, so the next apply would reboot every node")
	}
	if attributes["failed_nodes"] != "x1000c0s[1-2]b0n0" || attributes["failed_count"] != 2.0 || attributes["node_count"] != 4.0 {
		t.Errorf("state has failed nodes %v (%v of %v)", attributes["failed_nodes"], attributes["failed_count"], attributes["node_count"])
	}

	plan := w.plan()
	plan.exits(t, 0)
	plan.says(t, "No changes", "Warning: 2 nodes failed to reboot", `limit = "x1000c0s[1-2]b0n0"`)
	sessions(t, bos, 1)

	bos.Mend("x1000c0s1b0n0")
	bos.Mend("x1000c0s2b0n0")
	w.write(block, template("quiet"), session(rolling, fmt.Sprintf("limit = %q", attributes["retry_limit"])))
	again := w.apply()
	again.exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["nodes"] != "x1000c0s[1-2]b0n0" || got["failed_count"] != 0.0 {
		t.Errorf("the retry acted on %v and %v failed", got["nodes"], got["failed_count"])
	}
	sessions(t, bos, 2)
}

func TestAPlanThatOnlyWaitsSaysThatItStartsNothing(t *testing.T) {
	t.Parallel()
	r := startReal(t, time.Hour)
	w := newWorkspace(t)
	stage := strings.Replace(session("stage = true"), "boot", "stage", 1)
	now := func(waits string) string {
		return "resource \"bos_staged_apply\" \"now\" {\n  xnames = [bos_session.stage.planned_nodes]\n  " + waits + "\n}\n"
	}
	later := "wait_for_completion = false"
	w.write(r.block("applying = terraform.applying"), template("quiet"), stage, now(later))
	w.apply().exits(t, 0)
	w.write(r.block("applying = terraform.applying"), template("quiet"), stage, now(""))
	plan := w.plan()
	plan.says(t, "Warning: Waits for nodes whose staged state was applied; applies nothing: x1000c0s0b[0-1]n[0-1]", "0 to add, 1 to change, 0 to destroy")
	w.write(r.block("applying = terraform.applying"), template("quiet"), session(later, `overlap = "take_over"`))
	w.apply().exits(t, 0)
	w.write(r.block("applying = terraform.applying"), template("quiet"), session())
	plan = w.plan()
	plan.says(t, "Warning: Waits for session terraform-", "; starts nothing", "0 to add, 1 to change, 0 to destroy")
	if strings.Contains(plan.out, "This will") {
		t.Errorf("to go on waiting starts nothing:\n%s", plan.out)
	}
}

func TestAReminderOfFailuresEndsOnceTheNodesRunWhatTheSessionSet(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	broken := []string{"x1000c0s1b0n0", "x1000c0s2b0n0"}
	for _, id := range broken {
		bos.Break(id)
	}
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	again := func(name, operation string) {
		send(t, "POST", bos.URL()+"/v2/sessions", strings.NewReader(`{"name":"`+name+`","template_name":"compute","operation":"`+operation+`","limit":"`+strings.Join(broken, ",")+`"}`))
	}
	bos.Mend(broken[0])
	again("a", "boot")
	w.plan().says(t, "Warning: 2 nodes failed to reboot", "2 failed then, 1 of them now: "+broken[1])
	bos.Mend(broken[1])
	again("b", "shutdown")
	w.plan().says(t, "Warning: 2 nodes failed to reboot", "2 failed then, 2 of them now")
	again("c", "boot")
	if plan := w.plan(); strings.Contains(plan.out, "failed") {
		t.Errorf("the nodes run what they are to run, and it says\n%s", plan.out)
	}
}

func TestOnFailureErrorFailsAnApplyThatResumesButNeverTheOneThatCreates(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	bos.Break("x1000c0s1b0n0")
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"), session(`on_failure = "error"`))
	w.apply().exits(t, 0)

	bos.Hold()
	w.write(providerBlock(bos), template("quiet"), session(`on_failure = "error"`, `triggers = { run = 2 }`, "wait_for_completion = false"))
	w.apply().exits(t, 0)
	w.write(providerBlock(bos), template("quiet"), session(`on_failure = "error"`, `triggers = { run = 2 }`, `timeouts = { update = "1m" }`))
	// The first look is the plan's, the second the wait's.
	waiting := seen(bos, "GET /v2/sessions/", 2)
	go func() {
		<-waiting
		bos.Release()
	}()
	resumed := w.apply()
	resumed.exits(t, 1)
	attributes, tainted := w.instance("bos_session.boot")
	if tainted || attributes["failed_count"] != 1.0 {
		t.Errorf("after the resumed apply the session is tainted: %t, with %v failed nodes", tainted, attributes["failed_count"])
	}
	resumed.says(t, "Error: 1 node failed to reboot")
	plan := w.plan()
	plan.exits(t, 0)
	plan.says(t, "Warning: 1 node failed to reboot")
	w.apply("-destroy").exits(t, 0)
	sessions(t, bos, 2)
}

func TestFailuresWithinMaxFailedAreOnlyMentioned(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	bos.Break("x1000c0s1b0n0")
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"), session(`max_failed = "25%"`))
	w.apply().says(t, "within max_failed")
	plan := w.plan()
	plan.exits(t, 0)
	if strings.Contains(plan.out, "failed to reboot") {
		t.Errorf("the plan still complains about tolerated failures:\n%s", plan.out)
	}
}

func TestAWaitThatWasInterruptedGoesOnWithoutANewSession(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	bos.Hold()
	asked := seen(bos, "GET /v2/sessions/", 1)
	w := newWorkspace(t)
	w.write(providerBlock(bos, "applying = terraform.applying"), template("quiet"), session(rolling))
	w.interrupted(asked).says(t, "Stopped waiting for BOS session")
	attributes, tainted := w.instance("bos_session.boot")
	if attributes["status"] != "running" || tainted {
		t.Fatalf("after the interrupt the session is %v (tainted: %t)", attributes["status"], tainted)
	}
	name := attributes["name"]

	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "will be updated in-place", "0 to add, 1 to change, 0 to destroy")

	bos.Release()
	w.apply().exits(t, 0)
	attributes = w.attributes("bos_session.boot")
	if attributes["status"] != "complete" || attributes["name"] != name {
		t.Errorf("the session is %v and called %v instead of %v", attributes["status"], attributes["name"], name)
	}
	w.plan().exits(t, 0)
	sessions(t, bos, 1)
}

func TestAWaitThatTakesTooLongIsResumedInPlace(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	bos.Hold()
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"), session(rolling, `timeouts = { create = "300ms", update = "1m" }`))
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Warning: Stopped waiting for BOS session", "is still running after 300ms")
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "1 to change")
	bos.Break("x1000c0s3b0n0")
	bos.Release()
	w.apply().exits(t, 0)
	plan = w.plan()
	plan.exits(t, 0)
	plan.says(t, "1 node failed to reboot", "x1000c0s3b0n0")
	sessions(t, bos, 1)
}

func TestASessionThatNoLongerFitsItsPlanIsRefusedAndTouchesNothing(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.write(providerBlock(bos, "applying = terraform.applying"), template("quiet"), session(rolling))
	w.plan("-out=reviewed").exits(t, 2)
	bos.Disable("x1000c0s0b0n0")
	apply := w.terraform("apply", "-no-color", "-input=false", "reviewed")
	apply.exits(t, 1)
	apply.says(t, "Error: Plan is out of date", "x1000c0s[1-3]b0n0")
	if names := bos.Sessions(); len(names) != 0 {
		t.Errorf("sessions %v were created", names)
	}
	if got := w.attributes("bos_session.boot"); got != nil {
		t.Errorf("state has a session: %v", got)
	}
}

func TestWithoutApplyingAnOutdatedPlanIsRefusedByTerraformBesideOurWarning(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"), session(rolling))
	w.plan("-out=reviewed").exits(t, 2)
	bos.Disable("x1000c0s0b0n0")
	apply := w.terraform("apply", "-no-color", "-input=false", "reviewed")
	apply.exits(t, 1)
	apply.says(t, "inconsistent final plan", "If nodes or images change before the apply")
	if names := bos.Sessions(); len(names) != 0 {
		t.Errorf("sessions %v were created", names)
	}
}

func TestASavedPlanIsAppliedAsItWasReviewed(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]string{"pinned by terraform.applying": "applying = terraform.applying", "not told about applying": ""} {
		t.Run(name, func(t *testing.T) {
			bos := startBOS(t)
			w := newWorkspace(t)
			w.write(providerBlock(bos, settings), template("quiet"), session(rolling))
			w.plan("-out=reviewed").exits(t, 2)
			w.terraform("apply", "-no-color", "-input=false", "reviewed").exits(t, 0)
			w.plan().exits(t, 0)
			sessions(t, bos, 1)
		})
	}
}

func TestARecordThatExpiredStaysInStateAndRunsNothing(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	config := providerBlock(bos) + template("quiet") + session(rolling)
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig:         func() { expire(t, bos) },
			Config:            config,
			ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			ConfigStateChecks: append(results("complete", 0), statecheck.ExpectKnownValue("bos_session.boot", tfjsonpath.New("record_expired"), knownvalue.Bool(true))),
		},
	)
	sessions(t, bos, 1)
}

// expire deletes the records of all sessions, as BOS does when they are old.
func expire(t *testing.T, s site) {
	t.Helper()
	for _, name := range s.Sessions() {
		request(t, "DELETE", s.URL()+"/v2/sessions/"+name)
	}
}

func TestDestroyDeletesARecordThatIsOverAndForgetsASessionThatRuns(t *testing.T) {
	t.Parallel()
	t.Run("a session that is over", func(t *testing.T) {
		bos := startBOS(t)
		w := newWorkspace(t)
		w.write(providerBlock(bos), template("quiet"), session())
		w.apply().exits(t, 0)
		w.apply("-destroy").exits(t, 0)
		if names := bos.Sessions(); len(names) != 0 {
			t.Errorf("sessions %v are still there", names)
		}
		untouched(t, bos)
	})
	t.Run("a session that runs", func(t *testing.T) {
		bos := startBOS(t)
		bos.Hold()
		w := newWorkspace(t)
		w.write(providerBlock(bos), template("quiet"), session("wait_for_completion = false"))
		w.apply().exits(t, 0)
		destroy := w.apply("-destroy")
		destroy.exits(t, 0)
		destroy.says(t, "Warning: BOS session "+bos.Sessions()[0]+" runs on")
		if names := bos.Sessions(); len(names) != 1 {
			t.Errorf("sessions are %v; the running one should be left alone", names)
		}
		untouched(t, bos)
	})
	t.Run("a session that is over, of who may not delete records", func(t *testing.T) {
		bos := startFake(t.Cleanup, room...)
		w := newWorkspace(t)
		w.write(providerBlock(bos), template("quiet"), session())
		w.apply().exits(t, 0)
		bos.Gateway(func(method, path string) int {
			if strings.HasPrefix(path, "/v2/sessiontemplatesvalid/") || method == "DELETE" && strings.HasPrefix(path, "/v2/sessions/") {
				return http.StatusForbidden
			}
			return 0
		})
		destroy := w.apply("-destroy")
		destroy.exits(t, 0)
		destroy.says(t, "Warning: The record of BOS session "+bos.Sessions()[0]+" is kept", "cleanup_completed_session_ttl")
		if strings.Contains(destroy.out, "Validity of BOS session template is not known") {
			t.Errorf("it warns that a question was refused which nobody asked: %s", destroy.out)
		}
		untouched(t, bos)
	})
}

// untouched fails the test if anything but one session was asked of the nodes.
func untouched(t *testing.T, s site) {
	t.Helper()
	sessions(t, s, 1)
	for _, method := range []string{"PATCH", "PUT", "DELETE"} {
		for _, node := range room {
			if n := s.Requests(method, "/components/"+node); n != 0 {
				t.Errorf("%s was sent to %s %d times", method, node, n)
			}
		}
	}
}

func TestAnImportedSessionIsHistoryAndPlansNothing(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	config := providerBlock(bos) + template("quiet") + session(`name = "monday"`)
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			ResourceName: "bos_session.boot", ImportState: true, ImportStateId: "monday", ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"pin", "planned_nodes", "planned_count", "skipped", "skipped.%", "planned_roles", "planned_boot_sets", "poll_interval", "effect"},
		},
	)
	sessions(t, bos, 1)
}

func TestAnImportThenAPlanChangesNothing(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	first := newWorkspace(t)
	first.write(providerBlock(bos), template("quiet"), session(`name = "monday"`))
	first.apply().exits(t, 0)

	second := newWorkspace(t)
	config := []string{providerBlock(bos), template("quiet"), `
resource "bos_session" "boot" {
  name          = "monday"
  operation     = "reboot"
  template_name = bos_session_template.compute.name
}
resource "bos_component" "n0" {
  xname   = "x1000c0s0b0n0"
  enabled = true
  desired_state = { boot_artifacts = { kernel_parameters = "quiet" } }
}`}
	second.write(config...)
	for address, id := range map[string]string{"bos_session_template.compute": "compute", "bos_session.boot": "monday", "bos_component.n0": "x1000c0s0b0n0"} {
		second.terraform("import", "-no-color", "-input=false", address, id).exits(t, 0)
	}
	plan := second.plan()
	plan.says(t, "No changes")
	plan.exits(t, 0)

	config[2] = strings.Replace(config[2], "operation ", rolling+"\n  operation ", 1)
	second.write(config...)
	triggers := second.plan()
	triggers.exits(t, 2)
	triggers.says(t, "0 to add, 1 to change, 0 to destroy")
	second.apply().exits(t, 0)
	second.plan().exits(t, 0)
	sessions(t, bos, 1)
}

func TestImportingASessionThatIsNotThereFails(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	run(t, resource.TestStep{
		Config:       providerBlock(bos) + template("quiet") + session(),
		ResourceName: "bos_session.boot", ImportState: true, ImportStateId: "nobody", ExpectError: regexp.MustCompile("non-existent remote object"),
	})
}
