package provider_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// change is one argument that changes, from left to right.
type change struct{ from, to string }

// inPlace and replacing are the arguments of each resource by what their change
// does. Names and tenants are given whole, since the resource needs them.
var (
	sessionReplaces = map[string]change{
		"name":             {`name = "monday"`, `name = "tuesday"`},
		"tenant":           {"", `tenant = "blue"`},
		"limit":            {"", `limit = "x1000c0s[0-1]b0n0"`},
		"stage":            {"", "stage = true"},
		"include_disabled": {"", "include_disabled = true"},
		"triggers":         {`triggers = { run = "1" }`, `triggers = { run = "2" }`},
		"operation":        {`operation = "reboot"`, `operation = "shutdown"`},
		"template_name":    {`template_name = "compute"`, `template_name = "other"`},
	}
	sessionStays = map[string]change{
		"wait_for_completion": {"", "wait_for_completion = false"},
		"poll_interval":       {"", `poll_interval = "3s"`},
		"on_failure":          {"", `on_failure = "error"`},
		"max_failed":          {"", `max_failed = "2%"`},
		"on_destroy":          {"", `on_destroy = "cancel"`},
		"timeouts":            {"", `timeouts = { create = "3h" }`},
		"triggers":            {"", "triggers = {}"},
	}
	templateReplaces = map[string]change{
		"name":   {"", `name = "another"`},
		"tenant": {"", `tenant = "blue"`},
	}
	templateStays = map[string]change{
		"description": {"", `description = "what it is"`},
		"enable_cfs":  {"enable_cfs = false", "enable_cfs = true\ncfs = { configuration = \"main\" }"},
		"boot_sets":   {"", `boot_sets = { other = { path = "s3://b/2/manifest.json", node_list = ["x1000c0s0b0n0"] } }`},
	}
	componentReplaces = map[string]change{"xname": {"", `xname = "x1000c0s1b0n0"`}}
	componentStays    = map[string]change{
		"enabled":             {"", "enabled = true"},
		"desired_state":       {"", `desired_state = { boot_artifacts = { kernel = "s3://k" } }`},
		"staged_state":        {"", `staged_state = { configuration = "next" }`},
		"retry_policy":        {"", "retry_policy = 7"},
		"wait_for_completion": {"", "wait_for_completion = true"},
		"timeouts":            {"", `timeouts = { update = "3h" }`},
	}
	stagedApplyReplaces = map[string]change{
		"tenant":   {"", `tenant = "blue"`},
		"xnames":   {"", `xnames = ["x1000c0s1b0n0"]`},
		"triggers": {"", `triggers = { run = "2" }`},
	}
	stagedApplyStays = map[string]change{
		"wait_for_completion": {"", "wait_for_completion = false"},
		"poll_interval":       {"", `poll_interval = "3s"`},
		"timeouts":            {"", `timeouts = { update = "3h" }`},
		"triggers":            {"triggers = {}", ""},
	}
	optionsStay = map[string]change{"one of them": {"clear_stage = true", "clear_stage = false"}}
)

// defaults are the arguments of each resource unless a change gives others.
var defaults = map[string]map[string]string{
	"bos_session":          {"operation": `operation = "reboot"`, "template_name": `template_name = "compute"`},
	"bos_session_template": {"name": `name = "mine"`, "boot_sets": `boot_sets = { compute = { path = "s3://b/manifest.json", node_roles_groups = ["Compute"] } }`},
	"bos_component":        {"xname": `xname = "x1000c0s0b0n0"`},
	"bos_staged_apply":     {"xnames": `xnames = ["x1000c0s0b0n0"]`},
	"bos_options":          {},
}

// with is a resource with one argument given.
func with(kind, name, argument string) string {
	arguments := maps.Clone(defaults[kind])
	if argument != "" {
		arguments[name] = argument
	}
	return "resource \"" + kind + "\" \"it\" {\n" + strings.Join(slices.Sorted(maps.Values(arguments)), "\n") + "\n}\n"
}

func TestEachChangeReplacesOrStaysInPlaceAsTheDocsSay(t *testing.T) {
	t.Parallel()
	for kind, changes := range map[string]struct{ replaces, stays map[string]change }{
		"bos_session":          {sessionReplaces, sessionStays},
		"bos_session_template": {templateReplaces, templateStays},
		"bos_component":        {componentReplaces, componentStays},
		"bos_staged_apply":     {stagedApplyReplaces, stagedApplyStays},
		"bos_options":          {nil, optionsStay},
	} {
		for name, c := range changes.replaces {
			t.Run(kind+" "+name, func(t *testing.T) { changed(t, kind, name, c, "1 added, 0 changed, 1 destroyed") })
		}
		for name, c := range changes.stays {
			t.Run(kind+" "+name, func(t *testing.T) { changed(t, kind, name, c, "0 added, 1 changed, 0 destroyed") })
		}
	}
}

// changed applies one change, wants it done so, and nothing planned after it.
func changed(t *testing.T, kind, name string, c change, want string) {
	t.Helper()
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	for _, template := range []string{"compute", "other"} {
		put(t, fake.URL()+"/v2/sessiontemplates/"+template, `{"boot_sets":{"a":{"path":"s3://b/manifest.json","type":"s3","node_roles_groups":["Compute"]}}}`)
	}
	fake.AsTenant("blue", "compute")
	w := newWorkspace(t)
	w.write(providerBlock(fake), with(kind, name, c.from))
	w.apply().exits(t, 0)
	before := fake.Requests("POST", "/sessions")
	w.write(providerBlock(fake), with(kind, name, c.to))
	w.apply().says(t, want)
	w.plan().exits(t, 0)
	ran, replaced := fake.Requests("POST", "/sessions")-before, strings.HasPrefix(want, "1 added")
	if kind == "bos_session" && replaced != (ran == 1) || ran > 1 {
		t.Errorf("it ran %d sessions more", ran)
	}
}

func TestALimitThatIsWrittenInAnotherWayRunsNothing(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	put(t, fake.URL()+"/v2/sessiontemplates/compute", `{"boot_sets":{"a":{"path":"s3://b/manifest.json","type":"s3","node_roles_groups":["Compute"]}}}`)
	w := newWorkspace(t)
	w.write(providerBlock(fake), with("bos_session", "limit", `limit = "x1000c0s0b0n0,x1000c0s1b0n0"`))
	w.apply().exits(t, 0)
	for _, same := range []string{"x1000c0s1b0n0,x1000c0s0b0n0", "X1000c0s00b0n0, x1000c0s1b0n0", "x1000c0s[0-1]b0n0"} {
		w.write(providerBlock(fake), with("bos_session", "limit", fmt.Sprintf("limit = %q", same)))
		w.plan().exits(t, 0)
	}
	w.write(providerBlock(fake), with("bos_session", "limit", `limit = "x1000c0s0b0n0,!x1000c0s1b0n0"`))
	w.plan().exits(t, 2)
}

func TestWhatIsReadAfterASessionThatNobodyWaitsForIsOfAfterIt(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	put(t, fake.URL()+"/v2/sessiontemplates/compute", `{"boot_sets":{"a":{"path":"s3://b/manifest.json","type":"s3","node_roles_groups":["Compute"]}}}`)
	w := newWorkspace(t)
	w.write(providerBlock(fake), `
resource "terraform_data" "first" {}
data "bos_component" "before" {
  xname      = "x1000c0s0b0n0"
  depends_on = [terraform_data.first]
}
resource "bos_session" "this" {
  operation           = "reboot"
  template_name       = "compute"
  wait_for_completion = false
  depends_on          = [data.bos_component.before]
}
data "bos_component" "after" {
  xname      = "x1000c0s0b0n0"
  depends_on = [bos_session.this]
}
`)
	w.apply().exits(t, 0)
	if n := fake.Requests("GET", "/components"); n < 2 {
		t.Errorf("BOS was asked for components %d times: what was read before the session stands for what is so after it", n)
	}
}
