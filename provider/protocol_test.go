package provider_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/provider"
)

// newerCore speaks the plugin protocol as a Terraform does that knows lists,
// actions and identities, in the process of the test.
type newerCore struct {
	t        *testing.T
	endpoint string
	server   tfprotov6.ProviderServer
	schema   *tfprotov6.GetProviderSchemaResponse
}

func newNewerCore(t *testing.T, s site) *newerCore {
	t.Helper()
	return coreAt(t, s.URL())
}

func coreAt(t *testing.T, endpoint string) *newerCore {
	t.Helper()
	core := &newerCore{t: t, server: newServer(), endpoint: endpoint}
	var err error
	if core.schema, err = core.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{}); err != nil {
		t.Fatal(err)
	}
	core.clean(core.schema.Diagnostics)
	core.configure()
	return core
}

func (c *newerCore) configure() {
	c.t.Helper()
	config := c.value(c.schema.Provider, map[string]any{"endpoint": c.endpoint})
	resp, err := c.server.ConfigureProvider(c.t.Context(), &tfprotov6.ConfigureProviderRequest{TerraformVersion: "1.14.0", Config: config})
	if err != nil {
		c.t.Fatal(err)
	}
	c.clean(resp.Diagnostics)
}

// clean fails the test if there is an error.
func (c *newerCore) clean(diags []*tfprotov6.Diagnostic) {
	c.t.Helper()
	for _, d := range diags {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			c.t.Fatalf("%s: %s", d.Summary, d.Detail)
		}
	}
}

// value is an object of a schema; what is not given is null.
func (c *newerCore) value(schema *tfprotov6.Schema, given map[string]any) *tfprotov6.DynamicValue {
	c.t.Helper()
	object, ok := schema.ValueType().(tftypes.Object)
	if !ok {
		c.t.Fatal("the schema is no object")
	}
	attributes := make(map[string]tftypes.Value)
	for name, kind := range object.AttributeTypes {
		value := given[name]
		if words, ok := value.([]string); ok {
			var list []tftypes.Value
			for _, word := range words {
				list = append(list, tftypes.NewValue(tftypes.String, word))
			}
			value = list
		}
		if texts, ok := value.(map[string]string); ok {
			members := make(map[string]tftypes.Value)
			for name, text := range texts {
				members[name] = tftypes.NewValue(tftypes.String, text)
			}
			value = members
		}
		attributes[name] = tftypes.NewValue(kind, value)
	}
	dynamic, err := tfprotov6.NewDynamicValue(object, tftypes.NewValue(object, attributes))
	if err != nil {
		c.t.Fatal(err)
	}
	return &dynamic
}

// invoke invokes an action and returns its messages and diagnostics.
func (c *newerCore) invoke(action string, given map[string]any) (messages []string, diags []*tfprotov6.Diagnostic) {
	c.t.Helper()
	actions, ok := c.server.(tfprotov6.ActionServer)
	if !ok {
		c.t.Fatal("the provider has no actions")
	}
	config := c.value(c.schema.ActionSchemas[action].Schema, given)
	checked, err := actions.ValidateActionConfig(c.t.Context(), &tfprotov6.ValidateActionConfigRequest{ActionType: action, Config: config})
	if err != nil {
		c.t.Fatal(err)
	}
	c.clean(checked.Diagnostics)
	planned, err := actions.PlanAction(c.t.Context(), &tfprotov6.PlanActionRequest{ActionType: action, Config: config})
	if err != nil {
		c.t.Fatal(err)
	}
	c.clean(planned.Diagnostics)
	diags = append(diags, planned.Diagnostics...)
	stream, err := actions.InvokeAction(c.t.Context(), &tfprotov6.InvokeActionRequest{ActionType: action, Config: config})
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

func summaries(diags []*tfprotov6.Diagnostic) string {
	var all []string
	for _, d := range diags {
		all = append(all, d.Severity.String()+" "+d.Summary+" "+d.Detail)
	}
	return strings.Join(all, "\n")
}

// list lists resources of a type, by display name; full also wants the
// resources themselves.
func (c *newerCore) list(kind string, given map[string]any, limit int64, full bool) (names []string, found []tfprotov6.ListResourceResult) {
	c.t.Helper()
	lists, ok := c.server.(tfprotov6.ListResourceServer)
	if !ok {
		c.t.Fatal("the provider lists nothing")
	}
	config := c.value(c.schema.ListResourceSchemas[kind], given)
	stream, err := lists.ListResource(c.t.Context(), &tfprotov6.ListResourceRequest{TypeName: kind, Config: config, Limit: limit, IncludeResource: full})
	if err != nil {
		c.t.Fatal(err)
	}
	for result := range stream.Results {
		c.clean(result.Diagnostics)
		names, found = append(names, result.DisplayName), append(found, result)
	}
	return names, found
}

// filled is a site with a template, a session of four nodes of which one
// failed, and the same template for a tenant.
func filled(t *testing.T) *fakeBOS {
	t.Helper()
	fake := startFake(t.Cleanup, room...)
	fake.Break("x1000c0s2b0n0")
	put(t, fake.URL()+"/v2/sessiontemplates/compute", `{"boot_sets":{"a":{"path":"s3://b/manifest.json","type":"s3","node_roles_groups":["Compute"]}}}`)
	send(t, "POST", fake.URL()+"/v2/sessions", strings.NewReader(`{"name":"monday","operation":"reboot","template_name":"compute"}`))
	return fake
}

func TestTerraformQueryListsWhatThereIsToImport(t *testing.T) {
	t.Parallel()
	core := newNewerCore(t, filled(t))
	for kind, c := range map[string]struct {
		given map[string]any
		limit int64
		want  []string
	}{
		"bos_session_template": {nil, 10, []string{"compute"}},
		"bos_session":          {map[string]any{"status": "complete"}, 10, []string{"monday"}},
		"bos_component":        {map[string]any{"status": "failed"}, 10, []string{"x1000c0s2b0n0"}},
		"bos_options":          {nil, 10, []string{"options"}},
	} {
		names, found := core.list(kind, c.given, c.limit, true)
		if !slices.Equal(names, c.want) {
			t.Errorf("%s lists %v", kind, names)
			continue
		}
		if found[0].Identity == nil || found[0].Resource == nil {
			t.Errorf("%s lists a result without identity or resource", kind)
		}
	}
	if names, _ := core.list("bos_component", nil, 3, false); len(names) != 3 {
		t.Errorf("asked for 3 components, it lists %v", names)
	}
}

func TestWhatAQueryFindsIsImportedByItsIdentity(t *testing.T) {
	t.Parallel()
	core := newNewerCore(t, filled(t))
	for kind, want := range map[string]string{"bos_session_template": "compute", "bos_session": "monday", "bos_component": "x1000c0s0b0n0", "bos_options": "options"} {
		_, found := core.list(kind, nil, 1, false)
		imported, err := core.server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: kind, Identity: found[0].Identity})
		if err != nil {
			t.Fatal(err)
		}
		core.clean(imported.Diagnostics)
		resource := imported.ImportedResources[0]
		read, err := core.server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
			TypeName: kind, CurrentState: resource.State, CurrentIdentity: resource.Identity, Private: resource.Private,
		})
		if err != nil {
			t.Fatal(err)
		}
		core.clean(read.Diagnostics)
		state, err := read.NewState.Unmarshal(core.schema.ResourceSchemas[kind].ValueType())
		if err != nil {
			t.Fatal(err)
		}
		var attributes map[string]tftypes.Value
		var id string
		if err := state.As(&attributes); err != nil {
			t.Fatal(err)
		}
		if err := attributes["id"].As(&id); err != nil || id != want {
			t.Errorf("%s was imported as %q (%v)", kind, id, err)
		}
	}
}

// What a query finds for another tenant than the provider's is imported as that one's,
// and what a provider with a tenant finds is found by it again.
func TestAComponentIsImportedByItsIdentityWithTheTenantThatItWasFoundFor(t *testing.T) {
	t.Parallel()
	core := newNewerCore(t, filled(t))
	for asked, want := range map[string]string{"": "", "blue": "blue"} {
		given := map[string]any{"status": "failed"}
		if asked != "" {
			given["tenant"] = asked
		}
		_, found := core.list("bos_component", given, 1, false)
		imported, err := core.server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: "bos_component", Identity: found[0].Identity})
		if err != nil {
			t.Fatal(err)
		}
		core.clean(imported.Diagnostics)
		resource := imported.ImportedResources[0]
		read, err := core.server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
			TypeName: "bos_component", CurrentState: resource.State, CurrentIdentity: resource.Identity, Private: resource.Private,
		})
		if err != nil {
			t.Fatal(err)
		}
		core.clean(read.Diagnostics)
		state, err := read.NewState.Unmarshal(core.schema.ResourceSchemas["bos_component"].ValueType())
		if err != nil {
			t.Fatal(err)
		}
		if got := textIn(t, state, "tenant"); got != want {
			t.Errorf("found for tenant %q, it was imported for %q", asked, got)
		}
	}
}

func TestTheActionThatRunsASessionSaysWhatItDoesAndFailsWithNodes(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	core := newNewerCore(t, fake)
	messages, diags := core.invoke("bos_session_run", map[string]any{"operation": "reboot", "template_name": "compute", "limit": "x1000c0s[0-1]b0n0"})
	said := strings.Join(messages, "\n")
	if !strings.Contains(said, "was accepted: reboot") || !strings.Contains(said, "is complete: 2 nodes, 0 failed") {
		t.Errorf("the messages are\n%s", said)
	}
	if all := summaries(diags); !strings.Contains(all, "WARNING This will reboot 2 nodes") || strings.Contains(all, "ERROR") {
		t.Errorf("the diagnostics are\n%s", all)
	}
	_, diags = core.invoke("bos_session_run", map[string]any{"operation": "reboot", "template_name": "compute"})
	if all := summaries(diags); !strings.Contains(all, "ERROR 1 node failed to reboot") || !strings.Contains(all, `limit = "x1000c0s2b0n0"`) {
		t.Errorf("the diagnostics are\n%s", all)
	}
	if _, diags = core.invoke("bos_session_run", map[string]any{"operation": "reboot", "template_name": "compute", "max_failed": "25%"}); strings.Contains(summaries(diags), "ERROR") {
		t.Errorf("the diagnostics are\n%s", summaries(diags))
	}
	_, diags = core.invoke("bos_session_run", map[string]any{"operation": "reboot", "template_name": "compute", "name": "monday"})
	if all := summaries(diags); !strings.Contains(all, "No node was touched") {
		t.Errorf("the diagnostics are\n%s", all)
	}
}

func TestTheActionThatWaitsTellsHowFarTheSessionIs(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	fake.Hold()
	status := seen(fake, "GET /v2/sessions/tuesday/status", 1)
	go func() {
		<-status
		fake.Release()
	}()
	core := newNewerCore(t, fake)
	messages, _ := core.invoke("bos_session_run", map[string]any{"operation": "reboot", "template_name": "compute", "name": "tuesday", "limit": "x1000c0s0b0n0"})
	if said := strings.Join(messages, "\n"); !strings.Contains(said, "session tuesday: running, 0 of 1 node done, 0 failed, 1 powering on") {
		t.Errorf("the messages are\n%s", said)
	}
}

func TestTheActionThatAppliesStagedState(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	send(t, "POST", fake.URL()+"/v2/sessions", strings.NewReader(`{"name":"staged","operation":"reboot","template_name":"compute","stage":true}`))
	core := newNewerCore(t, fake)
	messages, diags := core.invoke("bos_staged_apply", map[string]any{"xnames": []string{"x1000c0s[0-2]b0n0"}})
	if said := strings.Join(messages, "\n"); !strings.Contains(said, "applied for 3 nodes") || !strings.Contains(said, "complete: 1 failed") {
		t.Errorf("the messages are\n%s", said)
	}
	if all := summaries(diags); !strings.Contains(all, "ERROR Nodes failed") {
		t.Errorf("the diagnostics are\n%s", all)
	}
}

func TestTheActionAppliesTheStagedStateOfMoreNodesThanOneRequestTakes(t *testing.T) {
	t.Parallel()
	all := manyNodes(bos.MaxStagedXnames + 1)
	fake := startFake(t.Cleanup, all...)
	stagedFor(t, fake)
	messages, diags := newNewerCore(t, fake).invoke("bos_staged_apply", map[string]any{"xnames": []string{bos.Fold(all)}, "wait_for_completion": false})
	if said := strings.Join(messages, "\n"); !strings.Contains(said, "applied for 32769 nodes") {
		t.Errorf("the messages are\n%s\n%s", said, summaries(diags))
	}
	if n := fake.Requests("POST", "/applystaged"); n != 2 {
		t.Errorf("it took %d requests", n)
	}
}

func TestTheActionThatCancelsASession(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	fake.Hold()
	send(t, "POST", fake.URL()+"/v2/sessions", strings.NewReader(`{"name":"long","operation":"reboot","template_name":"compute"}`))
	core := newNewerCore(t, fake)
	messages, diags := core.invoke("bos_session_cancel", map[string]any{"name": "long", "reason": "maintenance"})
	if said := strings.Join(messages, "\n"); said != "session long is complete: cancelled: maintenance" {
		t.Errorf("the messages are %q with %s", said, summaries(diags))
	}
	fake.Plain()
	_, diags = newNewerCore(t, fake).invoke("bos_session_cancel", map[string]any{"name": "long"})
	if all := summaries(diags); !strings.Contains(all, "ERROR Unable to cancel BOS session") {
		t.Errorf("the diagnostics are\n%s", all)
	}
}

// TestThePlanOfAComponentThatStaysIsWhatTheFrameworkWouldAnswer compares the
// answer that is given without the framework with the framework's own.
func TestThePlanOfAComponentThatStaysIsWhatTheFrameworkWouldAnswer(t *testing.T) {
	t.Parallel()
	core := newNewerCore(t, filled(t))
	schema := core.schema.ResourceSchemas["bos_component"]
	imported, err := core.server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: "bos_component", ID: "x1000c0s0b0n0"})
	if err != nil {
		t.Fatal(err)
	}
	core.clean(imported.Diagnostics)
	resource := imported.ImportedResources[0]
	read, err := core.server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: "bos_component", CurrentState: resource.State, CurrentIdentity: resource.Identity, Private: resource.Private,
	})
	if err != nil {
		t.Fatal(err)
	}
	core.clean(read.Diagnostics)
	request := &tfprotov6.PlanResourceChangeRequest{
		TypeName: "bos_component", PriorState: read.NewState, ProposedNewState: read.NewState, PriorPrivate: read.Private, PriorIdentity: read.NewIdentity,
		Config: core.value(schema, map[string]any{"xname": "x1000c0s0b0n0"}),
	}
	short, err := core.server.PlanResourceChange(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	framework := *core
	framework.server = providerserver.NewProtocol6(provider.New("test")())()
	framework.configure()
	long, err := framework.server.PlanResourceChange(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	core.clean(long.Diagnostics)
	want, err := long.PlannedState.Unmarshal(schema.ValueType())
	if err != nil {
		t.Fatal(err)
	}
	got, err := short.PlannedState.Unmarshal(schema.ValueType())
	if err != nil || !got.Equal(want) || !bytes.Equal(short.PlannedPrivate, long.PlannedPrivate) || len(long.RequiresReplace) != 0 {
		t.Errorf("planned is %s (%v)\nand by the framework %s", got, err, want)
	}
}

// TestWhatNeedsSettingsThatAreNotKnownIsDeferredWhereTerraformCanDoSo: an existing
// resource is read in a later plan, where it was an error before.
func TestWhatNeedsSettingsThatAreNotKnownIsDeferredWhereTerraformCanDoSo(t *testing.T) {
	t.Parallel()
	for name, allowed := range map[string]bool{"it can": true, "it cannot": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			core := newNewerCore(t, startFake(t.Cleanup, room...))
			object, ok := core.schema.Provider.ValueType().(tftypes.Object)
			if !ok {
				t.Fatal("the provider's settings are no object")
			}
			settings := make(map[string]tftypes.Value)
			for setting, kind := range object.AttributeTypes {
				settings[setting] = tftypes.NewValue(kind, nil)
			}
			settings["endpoint"] = tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
			config, err := tfprotov6.NewDynamicValue(object, tftypes.NewValue(object, settings))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := core.server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
				Config: &config, ClientCapabilities: &tfprotov6.ConfigureProviderClientCapabilities{DeferralAllowed: allowed},
			}); err != nil {
				t.Fatal(err)
			}
			state := core.value(core.schema.ResourceSchemas["bos_component"], map[string]any{"xname": "x1000c0s0b0n0", "id": "x1000c0s0b0n0"})
			read, err := core.server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
				TypeName: "bos_component", CurrentState: state, ClientCapabilities: &tfprotov6.ReadResourceClientCapabilities{DeferralAllowed: allowed},
			})
			if err != nil {
				t.Fatal(err)
			}
			if allowed != (read.Deferred != nil) || allowed == strings.Contains(summaries(read.Diagnostics), "settings are not known yet") {
				t.Errorf("deferred: %v, diagnostics: %s", read.Deferred, summaries(read.Diagnostics))
			}
		})
	}
}
