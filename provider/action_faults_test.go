package provider_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

var runAll = map[string]any{"operation": "reboot", "template_name": "compute"}

func runWith(name string, value any) map[string]any {
	given := map[string]any{name: value}
	for k, v := range runAll {
		given[k] = v
	}
	return given
}

func TestAnActionWhosePOSTGotNoAnswerDoesNotSayThatNoNodeWasTouched(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	fake.HangUp(lost)
	core := newNewerCore(t, fake)
	_, invoke := core.errorsOf("bos_session_run", runAll)
	if !strings.Contains(invoke, "may or may not run") || strings.Contains(invoke, "No node was touched") || !strings.Contains(invoke, "starts another session") {
		t.Errorf("the error is %s", invoke)
	}
}

func TestAnActionThatStopsWaitingFailsAndPromisesNothing(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	fake.Hold()
	core := newNewerCore(t, fake)
	_, invoke := core.errorsOf("bos_session_run", runWith("timeouts", map[string]string{"invoke": "1s"}))
	if !strings.Contains(invoke, "Stopped waiting for BOS session") || !strings.Contains(invoke, "invoking it again starts another session") || !strings.Contains(invoke, "Raise timeouts to wait longer") || strings.Contains(invoke, "next apply") {
		t.Errorf("the error is %s", invoke)
	}
}

func TestAnActionThatStopsWaitingForStagedStateFailsAndPromisesNothing(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	send(t, "POST", fake.URL()+"/v2/sessions", strings.NewReader(`{"name":"staged","operation":"reboot","template_name":"compute","stage":true}`))
	fake.Hold()
	_, invoke := newNewerCore(t, fake).errorsOf("bos_staged_apply", map[string]any{"xnames": []string{"x1000c0s[0-2]b0n0"}, "timeouts": map[string]string{"invoke": "1s"}})
	if !strings.Contains(invoke, "Stopped waiting for staged state") || strings.Contains(invoke, "next apply") || !strings.Contains(invoke, "remembers nothing") {
		t.Errorf("the error is %s", invoke)
	}
}

func TestTheWayOutOfAnActionIsNoneOfAResource(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	_, invoke := newNewerCore(t, fake).errorsOf("bos_session_run", runAll)
	if !strings.Contains(invoke, `limit = "x1000c0s2b0n0"`) || strings.Contains(invoke, "triggers") || strings.Contains(invoke, "on this bos_session") {
		t.Errorf("the error is %s", invoke)
	}
}

func TestAnActionOverNoNodesFails(t *testing.T) {
	t.Parallel()
	_, invoke := newNewerCore(t, filled(t)).errorsOf("bos_session_run", runWith("limit", "x9c0s0b0n0"))
	if !strings.Contains(invoke, "No nodes were found to act upon") {
		t.Errorf("the error is %s", invoke)
	}
}

// planned plans an action as a walk of its own, and forgets it.
func (c *newerCore) planned(action string, given map[string]any) string {
	c.t.Helper()
	actions, ok := c.server.(tfprotov6.ActionServer)
	if !ok {
		c.t.Fatal("the provider has no actions")
	}
	resp, err := actions.PlanAction(c.t.Context(), &tfprotov6.PlanActionRequest{ActionType: action, Config: c.value(c.schema.ActionSchemas[action].Schema, given)})
	if err != nil {
		c.t.Fatal(err)
	}
	c.clean(resp.Diagnostics)
	return summaries(resp.Diagnostics)
}

func (c *newerCore) invoked(action string, given map[string]any) string {
	c.t.Helper()
	actions, ok := c.server.(tfprotov6.ActionServer)
	if !ok {
		c.t.Fatal("the provider has no actions")
	}
	stream, err := actions.InvokeAction(c.t.Context(), &tfprotov6.InvokeActionRequest{ActionType: action, Config: c.value(c.schema.ActionSchemas[action].Schema, given)})
	if err != nil {
		c.t.Fatal(err)
	}
	var diags []*tfprotov6.Diagnostic
	for event := range stream.Events {
		if done, ok := event.Type.(tfprotov6.CompletedInvokeActionEventType); ok {
			diags = done.Diagnostics
		}
	}
	return summaries(diags)
}

func TestAnActionIsHeldToTheNodesOfItsPlan(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	told := newNewerCore(t, fake).planned("bos_session_run", runAll)
	if strings.Contains(told, "inconsistent final plan") || !strings.Contains(told, "runs another session") {
		t.Errorf("the plan says %s", told)
	}
	fake.Disable("x1000c0s0b0n0")
	before := len(fake.Sessions())
	if told := newNewerCore(t, fake).invoked("bos_session_run", runAll); !strings.Contains(told, "ERROR Plan is out of date") {
		t.Errorf("invoking says %s", told)
	}
	if n := len(fake.Sessions()) - before; n != 0 {
		t.Errorf("%d sessions were run", n)
	}
}

func TestAnActionIsHeldToThePinItIsGiven(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	core := newNewerCore(t, fake)
	plan, invoke := core.errorsOf("bos_session_run", runWith("pin", "another"))
	if !strings.Contains(plan, "Plan is out of date") || !strings.Contains(invoke, "Plan is out of date") {
		t.Errorf("planning says %q and invoking %q", plan, invoke)
	}
	if names := fake.Sessions(); len(names) != 1 {
		t.Errorf("the sessions are %v", names)
	}
}

func TestAnActionWhosePreviewFailsRunsNothing(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	core := newNewerCore(t, fake)
	fake.Gateway(gatewaySays(http.StatusForbidden, "POST", "/previews"))
	plan, invoke := core.errorsOf("bos_session_run", runAll)
	if !strings.Contains(plan, "Cannot say which nodes") || !strings.Contains(invoke, "Cannot say which nodes") || len(fake.Sessions()) != 1 {
		t.Errorf("planning says %q and invoking %q; sessions are %v", plan, invoke, fake.Sessions())
	}
}

func TestAnActionRunsOnAPlainBOS(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	fake.Plain()
	fake.Mend("x1000c0s2b0n0")
	if told := newNewerCore(t, fake).invoked("bos_session_run", runAll); strings.Contains(told, "ERROR") {
		t.Errorf("invoking says %s", told)
	}
	if got := fake.Component("x1000c0s2b0n0").Session; !strings.HasPrefix(got, "terraform-") {
		t.Errorf("the node belongs to %q", got)
	}
}
