package provider_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

func TestDataSourcesShowWhatBOSHas(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Break("x1000c0s1b0n0")
	value := func(address, name string, check knownvalue.Check) statecheck.StateCheck {
		at := tfjsonpath.New(name)
		if first, rest, ok := strings.Cut(name, "."); ok {
			at = tfjsonpath.New(first).AtMapKey(rest)
		}
		return statecheck.ExpectKnownValue("data."+address, at, check)
	}
	text, count := knownvalue.StringExact, knownvalue.Int64Exact
	run(t, resource.TestStep{
		Config: providerBlock(fake) + template("quiet") + session(`name = "monday"`) + `
data "bos_session" "s" { name = bos_session.boot.name }
data "bos_sessions" "all" { depends_on = [bos_session.boot] }
data "bos_sessions" "running" {
  status     = "running"
  max_age    = "2d"
  depends_on = [bos_session.boot]
}
data "bos_session_template" "t" { name = bos_session_template.compute.name }
data "bos_session_templates" "all" { depends_on = [bos_session_template.compute] }
data "bos_component" "c" {
  xname      = "X1000c0s01b0n0"
  depends_on = [bos_session.boot]
}
data "bos_options" "o" {}
data "bos_service" "b" {}
data "bos_session_preview" "p" {
  template_name = bos_session_template.compute.name
  operation     = "reboot"
  limit         = "x1000c0s[0-1]b0n0"
}
data "bos_session_preview" "inline" {
  operation = "shutdown"
  template  = { boot_sets = { a = { path = "s3://b/manifest.json", node_list = ["x1000c0s3b0n0"] } } }
}
`,
		ConfigStateChecks: []statecheck.StateCheck{
			value("bos_session.s", "operation", text("reboot")), value("bos_session.s", "status", text("complete")),
			value("bos_session.s", "node_count", count(4)), value("bos_session.s", "retry_limit", text("x1000c0s1b0n0")),
			value("bos_session.s", "percent_failed", knownvalue.Float64Exact(25)), value("bos_session.s", "limit", knownvalue.Null()),
			value("bos_sessions.all", "names", knownvalue.ListExact([]knownvalue.Check{text("monday")})),
			value("bos_sessions.running", "names", knownvalue.ListSizeExact(0)),
			value("bos_session_template.t", "valid", knownvalue.Bool(true)), value("bos_session_template.t", "enable_cfs", knownvalue.Bool(false)),
			value("bos_session_templates.all", "names", knownvalue.ListExact([]knownvalue.Check{text("compute")})),
			value("bos_component.c", "status", text("failed")), value("bos_component.c", "session", text("monday")),
			value("bos_options.o", "max_boot_wait_time", count(1200)), value("bos_options.o", "logging_level", text("INFO")),
			value("bos_service.b", "api_version", text("2.5.1")), value("bos_service.b", "healthy", knownvalue.Bool(true)), value("bos_service.b", "service", text("fake")),
			value("bos_session_preview.p", "nodes", text("x1000c0s[0-1]b0n0")), value("bos_session_preview.p", "node_count", count(2)),
			value("bos_session_preview.p", "roles.Compute", text("x1000c0s[0-1]b0n0")),
			value("bos_session_preview.inline", "nodes", text("x1000c0s3b0n0")), value("bos_session_preview.inline", "available", knownvalue.Bool(true)),
		},
	})
}

func TestDataSourcesSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Plain()
	fake.Sicken()
	w := newWorkspace(t)
	w.write(providerBlock(fake), `
data "bos_session" "s" { name = "gone" }
data "bos_session_template" "t" { name = "gone" }
data "bos_component" "c" { xname = "x9c9s9b9n9" }
data "bos_service" "b" {}
data "bos_session_preview" "p" {
  operation = "boot"
  template  = { boot_sets = { a = { path = "s3://b/manifest.json", node_list = ["x1000c0s3b0n0"] } } }
}`)
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "BOS knows no such session", "BOS has no such session template", "BOS knows no such component", "Warning: BOS is not well", "this BOS has no previews")
}

func TestOptionsAreManagedOneByOne(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	config := func(options string) string {
		return providerBlock(fake) + "resource \"bos_options\" \"o\" {\n" + options + "\n}"
	}
	some := "logging_level = \"debug\"\n max_boot_wait_time = 600\n clear_stage = true"
	w := newWorkspace(t)
	w.write(config(some))
	w.apply().exits(t, 0)
	if fake.Option("max_boot_wait_time") != 600.0 || fake.Option("clear_stage") != true || fake.Option("polling_frequency") != 15.0 {
		t.Errorf("the options are %v", fake.options)
	}
	fake.SetOption("polling_frequency", 3)
	fake.SetOption("logging_level", "DEBUG")
	w.plan().exits(t, 0)
	fake.SetOption("max_boot_wait_time", 700)
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "max_boot_wait_time", "700 -> 600", "1 to change")
	fake.SetOption("max_boot_wait_time", 600.0)
	w.write(config(some + "\n bss_read_timeout = 30"))
	fake.SetOption("bss_read_timeout", nil)
	w.apply().says(t, "BOS does not know this option")
	w.write(config(some))
	w.apply().exits(t, 0)
	writes := fake.Requests("PATCH", "/options")
	w.apply("-destroy").exits(t, 0)
	if fake.Requests("PATCH", "/options") != writes || fake.Option("max_boot_wait_time") != 600.0 {
		t.Error("destroying changed options")
	}
	run(t, resource.TestStep{Config: config(some)}, resource.TestStep{
		ResourceName: "bos_options.o", ImportState: true, ImportStateId: "options", ImportStateVerify: true, ImportStateVerifyIgnore: []string{"logging_level"},
	})
	w.write(config("max_boot_wait_time = -1"))
	w.plan().says(t, "Error: Invalid option", "max_boot_wait_time", "-1 is out of range")
}

func stagedApply(more ...string) string {
	return "resource \"bos_staged_apply\" \"now\" {\n  xnames = [bos_session.boot.planned_nodes]\n  triggers = { session = bos_session.boot.id }\n  poll_interval = \"100ms\"\n" + strings.Join(more, "\n") + "\n}\n"
}

func TestWhatASessionStagedIsAppliedOnceAndFailuresAreNamed(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Break("x1000c0s2b0n0")
	w := newWorkspace(t)
	w.write(providerBlock(fake, "applying = terraform.applying"), template("quiet"), session("stage = true", rolling), stagedApply())
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "Warning: This will apply the staged state of 4 nodes", "Nothing is staged yet for 4 nodes")
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Warning: 1 node failed after their staged state was applied", `limit = "x1000c0s2b0n0"`)
	got, tainted := w.instance("bos_staged_apply.now")
	if tainted || got["status"] != "complete" || got["applied_nodes"] != "x1000c0s[0-3]b0n0" || got["failed_nodes"] != "x1000c0s2b0n0" || got["ignored_count"] != 0.0 {
		t.Errorf("tainted: %t, state has %v", tainted, got)
	}
	w.plan().exits(t, 0)
	if n := fake.Requests("POST", "/applystaged"); n != 1 {
		t.Errorf("staged state was applied %d times", n)
	}
	w.apply("-destroy").exits(t, 0)
}

func TestAnInterruptedStagedApplyGoesOnWithoutApplyingAgain(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session("stage = true", rolling), stagedApply(`timeouts = { create = "300ms" }`))
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Stopped waiting for staged state")
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "0 to add, 1 to change, 0 to destroy")
	fake.Release()
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
	if n := fake.Requests("POST", "/applystaged"); n != 1 {
		t.Errorf("staged state was applied %d times", n)
	}
}

func TestAStagedApplyThatGotNoAnswerIsLookedUpAndNotSentAgain(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.HangUp(func(_, path string) bool { return strings.HasSuffix(path, "/applystaged") })
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session("stage = true", rolling), stagedApply())
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "BOS did not say whether it applied the staged state")
	got, tainted := w.instance("bos_staged_apply.now")
	if tainted || got["applied_count"] != 4.0 || got["status"] != "complete" {
		t.Errorf("tainted: %t, state has %v", tainted, got)
	}
	if n := fake.Requests("POST", "/applystaged"); n != 1 {
		t.Errorf("staged state was applied %d times", n)
	}
}

// stagedFor has a session stage something for all nodes, and returns a resource
// that applies it.
func stagedFor(t *testing.T, fake *fakeBOS) string {
	t.Helper()
	put(t, fake.URL()+"/v2/sessiontemplates/compute", `{"boot_sets":{"a":{"path":"s3://b/manifest.json","type":"s3","node_roles_groups":["Compute"]}}}`)
	send(t, "POST", fake.URL()+"/v2/sessions", strings.NewReader(`{"name":"staged","operation":"reboot","template_name":"compute","stage":true}`))
	return "resource \"bos_staged_apply\" \"now\" {\n  xnames = [\"x1000c0s[0-3]b0n0\"]\n}\n"
}

func TestAStagedApplyThatNobodyCanTellOfIsUnconfirmedUntilTheNextPlan(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	resource := stagedFor(t, fake)
	sent := false
	fake.HangUp(func(_, path string) bool {
		sent = sent || strings.HasSuffix(path, "/applystaged")
		return sent
	})
	w := newWorkspace(t)
	w.write(strings.Replace(providerBlock(fake), "max_retries = 1", "max_retries = 0", 1), resource)
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Warning: Staged state may or may not be applied", "The next plan looks at them")
	if got, tainted := w.instance("bos_staged_apply.now"); tainted || got["status"] != "unconfirmed" || got["applied_count"] != nil {
		t.Errorf("tainted: %t, state has %v", tainted, got)
	}
	fake.HangUp(nil)
	w.apply().exits(t, 0)
	if got := w.attributes("bos_staged_apply.now"); got["status"] != "complete" || got["applied_count"] != 4.0 {
		t.Errorf("state has %v", got)
	}
	w.plan().exits(t, 0)
	if n := fake.Requests("POST", "/applystaged"); n != 1 {
		t.Errorf("staged state was applied %d times", n)
	}
}

func TestAStagedApplyThatNeverArrivedIsPlannedAgain(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	resource := stagedFor(t, fake)
	lost := false
	fake.Lose(func(_, path string) bool {
		lost = lost || strings.HasSuffix(path, "/applystaged")
		return lost
	})
	w := newWorkspace(t)
	w.write(strings.Replace(providerBlock(fake), "max_retries = 1", "max_retries = 0", 1), resource)
	w.apply().says(t, "Warning: Staged state may or may not be applied")
	fake.Lose(nil)
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "1 to add, 0 to change, 0 to destroy")
	w.apply().exits(t, 0)
	if got := w.attributes("bos_staged_apply.now"); got["status"] != "complete" || got["applied_count"] != 4.0 {
		t.Errorf("state has %v", got)
	}
}

func TestTheFunctionsTakeXnamesAndLimitsApart(t *testing.T) {
	t.Parallel()
	run(t,
		resource.TestStep{
			Config: `
output "place" { value = provider::bos::xname_parse("X3000c0s019b1n0") }
output "limit" { value = [for t in provider::bos::limit_parse("Compute, !x3000c0s[1-2]b0n0,&blue") : "${t.operator} ${join("+", t.names)}"] }
output "none" { value = length(provider::bos::limit_parse("")) }
`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("place", knownvalue.ObjectExact(map[string]knownvalue.Check{
					"cabinet": knownvalue.Int64Exact(3000), "chassis": knownvalue.Int64Exact(0), "slot": knownvalue.Int64Exact(19), "bmc": knownvalue.Int64Exact(1), "node": knownvalue.Int64Exact(0),
					"xname": knownvalue.StringExact("x3000c0s19b1n0"), "bmc_xname": knownvalue.StringExact("x3000c0s19b1"), "chassis_xname": knownvalue.StringExact("x3000c0"),
				})),
				statecheck.ExpectKnownOutputValue("limit", knownvalue.TupleExact([]knownvalue.Check{
					knownvalue.StringExact("union Compute"), knownvalue.StringExact("difference x3000c0s1b0n0+x3000c0s2b0n0"), knownvalue.StringExact("intersection blue"),
				})),
				statecheck.ExpectKnownOutputValue("none", knownvalue.Int64Exact(0)),
			},
		},
		resource.TestStep{Config: `output "bad" { value = provider::bos::xname_parse("nid000001") }`, ExpectError: regexp.MustCompile("is not the xname of a node")},
		resource.TestStep{Config: `output "bad" { value = provider::bos::limit_parse("a,,b") }`, ExpectError: regexp.MustCompile("term 2")},
	)
}

func TestATemplateThatBOSFindsFaultWithIsStoredWithAWarning(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), strings.Replace(template("quiet"), "s3://boot-images/", missingImage+"/", 1))
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Warning: BOS finds something wrong with the session template", "no such image")
	if got := w.attributes("bos_session_template.compute"); got["valid"] != false {
		t.Errorf("valid is %v", got["valid"])
	}
	w.plan().exits(t, 0)
}

func TestAnOptionThatIsNotKnownAtPlanIsSetAtApply(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	options := func(seconds string) string {
		return "resource \"terraform_data\" \"later\" { input = " + seconds + " }\n" +
			"resource \"bos_options\" \"all\" {\n  polling_frequency = terraform_data.later.output\n  logging_level = terraform_data.later.output > 20 ? \"debug\" : \"info\"\n  clear_stage = terraform_data.later.output > 20\n}\n"
	}
	for _, seconds := range []string{"15", "25"} {
		w.write(providerBlock(fake), options(seconds))
		w.apply().exits(t, 0)
		w.plan().exits(t, 0)
	}
	if got := []any{fake.Option("polling_frequency"), fake.Option("logging_level"), fake.Option("clear_stage")}; got[0] != 25.0 || got[1] != "debug" || got[2] != true {
		t.Errorf("BOS has the options %v", got)
	}
}
