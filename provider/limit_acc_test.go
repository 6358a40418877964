package provider_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// after is a session that runs after the one called boot, with one argument more.
func after(argument string) string {
	return strings.Replace(session(argument, "depends_on = [bos_session.boot]"), `"boot"`, `"second"`, 1)
}

func TestALimitThatTurnsOutToSelectNothingTouchesNoNode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ limit, says string }{
		"the retry_limit of a session in which nothing failed": {"limit = bos_session.boot.retry_limit", `limit = "all"`},
		"null where nothing failed":                            {"limit = bos_session.boot.failed_count > 0 ? bos_session.boot.retry_limit : null", "every node of the template, for limit is null"},
		"its failed nodes":                                     {"limit = bos_session.boot.failed_nodes", "Empty limit"},
	} {
		for _, applying := range []string{"", "applying = terraform.applying"} {
			t.Run(name+" "+applying, func(t *testing.T) {
				bos := startBOS(t)
				w := newWorkspace(t)
				w.write(providerBlock(bos, applying), template("quiet"), session(), after(c.limit))
				w.plan().says(t, "the argument limit is not known yet, since it comes from something that is not created yet")
				apply := w.apply()
				apply.exits(t, 1)
				apply.says(t, c.says)
				sessions(t, bos, 1)
			})
		}
	}
}

func TestALimitThatTurnsOutToNameNodesIsActedOn(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	bos.Break("x1000c0s1b0n0")
	w := newWorkspace(t)
	w.write(providerBlock(bos, "applying = terraform.applying"), template("quiet"), session(), after("limit = bos_session.boot.retry_limit"))
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.second")["nodes"]; got != "x1000c0s1b0n0" {
		t.Errorf("the second session acted on %v", got)
	}
	sessions(t, bos, 2)
	w.plan().exits(t, 0)
}

func TestNodesThatAPlainBOSCannotForetellAreNoLimit(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	fake.Plain()
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session())
	w.terraform("import", "-no-color", "bos_session_template.compute", "compute").exits(t, 0)
	w.apply().exits(t, 0)
	for _, limit := range []string{"bos_session.boot.planned_nodes", "data.bos_session_preview.p.nodes"} {
		w.write(providerBlock(fake), template("quiet"), session(), `
data "bos_session_preview" "p" {
  operation     = "reboot"
  template_name = "compute"
}`, after("limit = "+limit))
		plan := w.plan()
		plan.exits(t, 1)
		plan.says(t, "Empty limit")
	}
}

func TestAllIsEveryNodeOfTheTemplate(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"), session(`limit = "all"`))
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot")["node_count"]; got != 4.0 {
		t.Errorf("it acted on %v nodes", got)
	}
}

func TestNoPreviewIsMadeForAnEmptyLimit(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	w := newWorkspace(t)
	w.write(providerBlock(fake), `
data "bos_components" "waiting" { status = ["power_on_pending"] }
data "bos_session_preview" "p" {
  operation     = "reboot"
  template_name = "compute"
  limit         = data.bos_components.waiting.nodes
}`)
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "Empty limit", `limit = "all"`)
	if n := fake.Requests("POST", "/previews"); n != 0 {
		t.Errorf("%d previews were made", n)
	}
}

// errorsOf is the errors of planning and of invoking an action whose arguments
// were not known when its configuration was validated.
func (c *newerCore) errorsOf(action string, given map[string]any) (plan, invoke string) {
	c.t.Helper()
	actions, ok := c.server.(tfprotov6.ActionServer)
	if !ok {
		c.t.Fatal("the provider has no actions")
	}
	config := c.value(c.schema.ActionSchemas[action].Schema, given)
	planned, err := actions.PlanAction(c.t.Context(), &tfprotov6.PlanActionRequest{ActionType: action, Config: config})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, value := range given {
		if value == tftypes.UnknownValue {
			return errorsIn(planned.Diagnostics), ""
		}
	}
	stream, err := actions.InvokeAction(c.t.Context(), &tfprotov6.InvokeActionRequest{ActionType: action, Config: config})
	if err != nil {
		c.t.Fatal(err)
	}
	for event := range stream.Events {
		if done, ok := event.Type.(tfprotov6.CompletedInvokeActionEventType); ok {
			invoke = errorsIn(done.Diagnostics)
		}
	}
	return errorsIn(planned.Diagnostics), invoke
}

func errorsIn(diags []*tfprotov6.Diagnostic) string {
	var all []string
	for _, d := range diags {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			all = append(all, d.Summary+" "+d.Detail)
		}
	}
	return strings.Join(all, "\n")
}

func TestArgumentsOfActionsThatWereUnknownAtFirstAreValidatedWhenTheyArePlannedAndInvoked(t *testing.T) {
	t.Parallel()
	run := func(name string, value any) map[string]any {
		given := map[string]any{"operation": "reboot", "template_name": "compute"}
		given[name] = value
		return given
	}
	for name, c := range map[string]struct {
		action string
		given  map[string]any
		says   string
	}{
		"an empty limit":          {"bos_session_run", run("limit", ""), `limit = "all"`},
		"a limit of a blank":      {"bos_session_run", run("limit", " "), `limit = "all"`},
		"a limit with an error":   {"bos_session_run", run("limit", "x1,,x2"), "Invalid limit"},
		"an empty tenant":         {"bos_session_run", run("tenant", ""), "tenant"},
		"an unknown operation":    {"bos_session_run", run("operation", "explode"), "operation"},
		"a timeout without unit":  {"bos_session_run", run("timeouts", map[string]string{"invoke": "7"}), "Invalid duration"},
		"max_failed of words":     {"bos_session_run", run("max_failed", "some"), "must be a count"},
		"no node to apply for":    {"bos_staged_apply", map[string]any{"xnames": []string{""}}, "It names no node"},
		"a session without name":  {"bos_session_cancel", map[string]any{"name": ""}, "name"},
		"a pin that cannot be so": {"bos_session_run", run("pin", "?"), "must be the pin"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := filled(t)
			before := fake.Requests("POST", "")
			plan, invoke := newNewerCore(t, fake).errorsOf(c.action, c.given)
			if !strings.Contains(plan, c.says) || !strings.Contains(invoke, c.says) {
				t.Errorf("planning says %q and invoking %q", plan, invoke)
			}
			if n := fake.Requests("POST", "") - before; n != 0 {
				t.Errorf("%d requests were posted", n)
			}
		})
	}
}

func TestAnActionWhoseLimitIsNotKnownAtPlanIsRefused(t *testing.T) {
	t.Parallel()
	plan, _ := newNewerCore(t, filled(t)).errorsOf("bos_session_run", map[string]any{"operation": "reboot", "template_name": "compute", "limit": tftypes.UnknownValue})
	if !strings.Contains(plan, "limit is not known at plan") {
		t.Errorf("planning says %q", plan)
	}
}
