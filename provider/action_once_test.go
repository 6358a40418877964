package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// again invokes an action once more by the plan that there is.
func (c *newerCore) again(action string, given map[string]any) (messages []string, diags []*tfprotov6.Diagnostic) {
	c.t.Helper()
	actions, ok := c.server.(tfprotov6.ActionServer)
	if !ok {
		c.t.Fatal("the provider has no actions")
	}
	stream, err := actions.InvokeAction(c.t.Context(), &tfprotov6.InvokeActionRequest{ActionType: action, Config: c.value(c.schema.ActionSchemas[action].Schema, given)})
	if err != nil {
		c.t.Fatal(err)
	}
	for event := range stream.Events {
		switch event := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			messages = append(messages, event.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			diags = append(diags, event.Diagnostics...)
		}
	}
	return messages, diags
}

func TestAnActionIsRunOnceByOnePlanAndAgainByAnother(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	core := coreAt(t, r.url)
	given := map[string]any{"template_name": "compute", "operation": "reboot", "reason": "CAST-9"}
	core.invoke("bos_session_run", given)
	before := resets(r)
	messages, diags := core.again("bos_session_run", given)
	if all := r.sessions(t); len(all) != 1 || resets(r) != before || !strings.Contains(summaries(diags), "no other was started") {
		t.Errorf("%d sessions, %d power actions after %d; it said %q and %s", len(all), resets(r), before, messages, summaries(diags))
	}
	core.configure()
	core.invoke("bos_session_run", given)
	if all := r.sessions(t); len(all) != 2 {
		t.Errorf("by another plan, %d sessions", len(all))
	}
}

func TestAnActionFollowsTheSessionThatItStoppedWaitingFor(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	r.aTemplate(t, "quiet")
	letGo, core := r.inFlight(t), coreAt(t, r.url)
	given := map[string]any{"template_name": "compute", "operation": "reboot", "wait_for_completion": false}
	core.invoke("bos_session_run", given)
	given["wait_for_completion"] = true
	r.after("POST /x/v1/sessions$", letGo)
	messages, diags := core.invoke("bos_session_run", given)
	if all := r.sessions(t); len(all) != 1 {
		t.Errorf("%d sessions; it said %q and %s", len(all), messages, summaries(diags))
	}
	if text := strings.Join(messages, "\n"); !strings.Contains(text, "complete: 4 nodes, 0 failed") {
		t.Errorf("%s\n%s", text, summaries(diags))
	}
}

func TestAnActionGoesBeyondNoGuard(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	core := coreAt(t, r.url)
	config := core.value(core.schema.Provider, map[string]any{"endpoint": r.url, "max_nodes": int64(3)})
	if resp, err := core.server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{TerraformVersion: "1.14.0", Config: config}); err != nil || len(resp.Diagnostics) > 0 {
		t.Fatal(err, summaries(resp.Diagnostics))
	}
	given := map[string]any{"template_name": "compute", "operation": "reboot"}
	actions, _ := core.server.(tfprotov6.ActionServer)
	planned, err := actions.PlanAction(t.Context(), &tfprotov6.PlanActionRequest{ActionType: "bos_session_run", Config: core.value(core.schema.ActionSchemas["bos_session_run"].Schema, given)})
	if err != nil || !strings.Contains(summaries(planned.Diagnostics), "max_nodes allows 3") {
		t.Error(err, summaries(planned.Diagnostics))
	}
	if _, diags := core.again("bos_session_run", given); !strings.Contains(summaries(diags), "Beyond a guard") {
		t.Error(summaries(diags))
	}
	if all := r.sessions(t); len(all) != 0 {
		t.Errorf("%d sessions", len(all))
	}
}
