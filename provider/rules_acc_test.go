package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The rules of this provider's design, each with a test of its own. Where a
// rule has more to it, other tests say so in more detail.

func TestRule1NothingThatHappensAfterASessionWasAcceptedTaintsIt(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Break("x1000c0s0b0n0")
	// What became of the nodes cannot be read either.
	fake.HangUp(func(_, path string) bool { return strings.HasSuffix(path, "/components") })
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(rolling, `on_failure = "error"`))
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Warning: Outcome of BOS session is not known")
	if _, tainted := w.instance("bos_session.boot"); tainted {
		t.Error("the session is tainted")
	}
	fake.HangUp(nil)
	w.plan().says(t, "Warning: 1 node failed to reboot")
	w.apply().exits(t, 0)
	sessions(t, fake, 1)
}

func TestRule2ARecordThatIsGoneStaysInState(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	expire(t, fake)
	w.plan().exits(t, 0)
	w.terraform("apply", "-no-color", "-refresh-only", "-auto-approve").exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["record_expired"] != true || got["status"] != "complete" {
		t.Errorf("state has %v", got)
	}
	w.apply("-destroy").exits(t, 0)
	sessions(t, fake, 1)
}

func TestRule3NodesAreNeverInSets(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake))
	schema := w.terraform("providers", "schema", "-json")
	schema.exits(t, 0)
	for _, set := range []string{`["set",`, `"nesting_mode":"set"`} {
		if strings.Contains(schema.out, set) {
			t.Errorf("the schema has a set: %s", set)
		}
	}
	if !strings.Contains(schema.out, `"bos_session"`) {
		t.Errorf("that is no schema: %s", schema.out)
	}
}

func TestRule4ARefreshCostsAHandfulOfRequestsHoweverManyComponentsThereAre(t *testing.T) {
	t.Parallel()
	var nodes []string
	for i := range 64 {
		nodes = append(nodes, fmt.Sprintf("x%dc%ds%db0n0", 1000+i/64, i/8%8, i%8))
	}
	fake := startFake(t.Cleanup, nodes...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), `
resource "bos_component" "all" {
  for_each = toset(provider::bos::xname_expand("`+bos.Fold(nodes)+`"))
  xname    = each.key
}
data "bos_components" "failed" { status = ["failed"] }`)
	w.apply().exits(t, 0)
	before := fake.Requests("GET", "")
	w.plan().exits(t, 0)
	if n := fake.Requests("GET", "") - before; n > 5 {
		t.Errorf("the refresh took %d requests", n)
	}
}

func TestRule5WhatBOSKeepsForItselfIsNoDrift(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), component("enabled = true\n"+`desired_state = { boot_artifacts = { kernel = "s3://k" } }`))
	w.apply().exits(t, 0)
	fake.Change(node, func(c *bos.Component) {
		c.Enabled, c.LastAction.Action, c.EventStats.PowerOnAttempts, c.Status.Phase = false, bos.ActionPoweringOn, 2, bos.PhaseConfiguring
		c.ActualState.BootArtifacts.Kernel, c.Error = "s3://k", "a passing one"
	})
	w.plan().exits(t, 0)
	fake.Change(node, func(c *bos.Component) { c.DesiredState.BootArtifacts.Kernel, c.Session = "s3://other", "takeover" })
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "takeover")
}

func TestRule6AnInterruptEndsTheWaitAndTheNextApplyResumesIt(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	asked := seen(fake, "GET /v2/sessions/", 1)
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(rolling))
	w.interrupted(asked)
	if attributes, tainted := w.instance("bos_session.boot"); attributes["status"] != "running" || tainted {
		t.Errorf("the session is %v (tainted: %t)", attributes["status"], tainted)
	}
	fake.Release()
	w.apply().exits(t, 0)
	sessions(t, fake, 1)
}

func TestRule7ASessionIsPostedOnceUnderANameThatWasChosenBefore(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.HangUp(func(method, path string) bool {
		return method == http.MethodPost && strings.HasSuffix(path, "/sessions")
	})
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	sessions(t, fake, 1)
	if names := fake.Sessions(); len(names) != 1 || !strings.HasPrefix(names[0], "terraform-") {
		t.Errorf("the sessions are %v", names)
	}
}

func TestRule8DestroyNeverTouchesPower(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(rolling), component("enabled = true"), `resource "bos_options" "o" { clear_stage = true }`)
	w.apply().exits(t, 0)
	writes := func() (n int) {
		for _, method := range []string{"PUT", "PATCH", "POST"} {
			n += fake.Requests(method, "")
		}
		return n
	}
	before := writes()
	w.apply("-destroy").exits(t, 0)
	if n := writes() - before; n != 0 {
		t.Errorf("destroying wrote %d times", n)
	}
	if fake.Requests("DELETE", "/v2/sessiontemplates/compute") != 1 || len(fake.Sessions()) != 0 {
		t.Errorf("sessions %v are left", fake.Sessions())
	}
}

// pinned is a session that is held to a preview of the same template, which
// comes from locals.
const pinned = `
locals {
  boot_sets = { compute = { path = "s3://b/manifest.json", node_roles_groups = ["Compute"] } }
}
resource "bos_session_template" "compute" {
  name      = "compute"
  boot_sets = local.boot_sets
}
data "bos_session_preview" "now" {
  operation = "reboot"
  template  = { boot_sets = local.boot_sets }
}
resource "bos_session" "boot" {
  operation     = "reboot"
  template_name = bos_session_template.compute.name
  pin           = data.bos_session_preview.now.pin
  triggers      = { template = bos_session_template.compute.revision }
}
`

func TestAPinFromThePreviewHoldsASavedPlanToWhatWasReviewed(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), pinned)
	w.plan("-out=reviewed").exits(t, 2)
	fake.Disable("x1000c0s0b0n0")
	apply := w.terraform("apply", "-no-color", "-input=false", "reviewed")
	apply.exits(t, 1)
	apply.says(t, "Error: Plan is out of date", "x1000c0s[1-3]b0n0")
	if names := fake.Sessions(); len(names) != 0 {
		t.Errorf("sessions %v were created", names)
	}
	w.plan("-out=reviewed").exits(t, 2)
	w.terraform("apply", "-no-color", "-input=false", "reviewed").exits(t, 0)
	fake.Disable("x1000c0s1b0n0")
	// Another preview is no reason to run a session again.
	w.plan().exits(t, 0)
	if names := fake.Sessions(); len(names) != 1 {
		t.Errorf("the sessions are %v", names)
	}
}

func TestAPlanAsJSONSaysWhatPoliciesGoBy(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Disable("x1000c0s3b0n0")
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(rolling))
	w.plan("-out=reviewed").exits(t, 2)
	var plan struct {
		ResourceChanges []struct {
			Type   string
			Change struct{ After map[string]any }
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(w.terraform("show", "-json", "reviewed").out), &plan); err != nil {
		t.Fatal(err)
	}
	for _, change := range plan.ResourceChanges {
		if change.Type != "bos_session" {
			continue
		}
		after := change.Change.After
		for name, want := range map[string]any{
			"operation": "reboot", "planned_count": 3.0, "planned_nodes": "x1000c0s[0-2]b0n0",
			"planned_roles": map[string]any{"Compute": "x1000c0s[0-2]b0n0"}, "skipped": map[string]any{"disabled in the inventory": "x1000c0s3b0n0"},
		} {
			if fmt.Sprint(after[name]) != fmt.Sprint(want) {
				t.Errorf("%s is %v instead of %v", name, after[name], want)
			}
		}
		if sets, ok := after["planned_boot_sets"].(map[string]any); !ok || len(sets) != 1 {
			t.Errorf("planned_boot_sets is %v", after["planned_boot_sets"])
		}
		return
	}
	t.Error("the plan has no session")
}

func TestATenantSeesAndChangesItsOwnOnly(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	blue, red := newWorkspace(t), newWorkspace(t)
	blue.write(providerBlock(fake, `tenant = "blue"`), template("quiet"), session(rolling, `name = "monday"`))
	blue.apply().exits(t, 0)
	red.write(providerBlock(fake, `tenant = "red"`), template("loud"), session(rolling, `name = "monday"`), "data \"bos_session_templates\" \"mine\" {\n  depends_on = [bos_session_template.compute]\n}")
	red.apply().exits(t, 0)
	if got := red.attributes("bos_session.boot"); got["tenant"] != "red" || got["id"] != "red/monday" {
		t.Errorf("the session of red is %v", got["id"])
	}
	red.plan().exits(t, 0)
	if got := red.attributes("bos_session_templates.mine"); got != nil && fmt.Sprint(got["names"]) != "[compute]" {
		t.Errorf("red sees %v", got["names"])
	}
	red.apply("-destroy").exits(t, 0)
	blue.plan().exits(t, 0)
	if names := fake.Sessions(); !slices.Equal(names, []string{"monday"}) {
		t.Errorf("the sessions are %v", names)
	}
}

func TestATemplateThatATenantHasNotIsSaidWithTheTenant(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	blue, red := newWorkspace(t), newWorkspace(t)
	blue.write(providerBlock(fake, `tenant = "blue"`), template("quiet"))
	blue.apply().exits(t, 0)
	literal := strings.Replace(session(), "bos_session_template.compute.name", `"compute"`, 1)
	for tenant, says := range map[string]string{`tenant = "red"`: `BOS has no template "compute" for tenant "red" yet`, "": `BOS has no template "compute" yet`} {
		red.write(providerBlock(fake, tenant), literal)
		plan := red.plan()
		plan.exits(t, 2)
		plan.says(t, says)
	}
}

func TestAServiceThatIsDownIsNamedAndChangesNothing(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	block := strings.Replace(providerBlock(fake), "max_retries = 1", "max_retries = 0", 1)
	w.write(block, template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	fake.HangUp(func(string, string) bool { return true })
	for name, run := range map[string]func() result{
		"plan":    func() result { return w.plan() },
		"destroy": func() result { return w.apply("-destroy", "-refresh=false") },
	} {
		down := run()
		down.exits(t, 1)
		down.says(t, "got no answer", "check the endpoint and that the service runs")
		if w.attributes("bos_session.boot") == nil {
			t.Errorf("after the %s the session is gone from state", name)
		}
	}
	fake.HangUp(nil)
	w.plan().exits(t, 0)
}

func TestAServiceThatIsDownForAWhileDuringTheWaitIsWaitedFor(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	// Each look is tried once more by the client: the outage covers both.
	outage := 0
	fake.HangUp(func(method, path string) bool {
		if method != http.MethodGet || !strings.HasPrefix(path, "/v2/sessions/terraform-") || strings.HasSuffix(path, "/status") {
			return false
		}
		outage++
		return outage > 1 && outage < 8
	})
	asked := seen(fake, "GET /v2/sessions/terraform-", 12)
	go func() {
		<-asked
		fake.Release()
	}()
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(rolling))
	apply := w.apply()
	apply.exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["status"] != "complete" {
		t.Errorf("the session is %v", got["status"])
	}
	sessions(t, fake, 1)
}
