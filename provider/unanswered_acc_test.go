package provider_test

import (
	"strings"
	"testing"
)

func TestAWriteWithoutAnAnswerIsNotSaidToHaveFailed(t *testing.T) {
	t.Parallel()
	const unsure = "BOS may have carried this out all the same"
	for name, c := range map[string]struct{ method, path, before, after string }{
		"adopting a component":   {"PATCH", "/components/" + node, "", component("enabled = true\n" + wantsKernel)},
		"changing a component":   {"PATCH", "/components/" + node, component("retry_policy = 3"), component("enabled = true\n" + wantsKernel)},
		"setting options":        {"PATCH", "/options", "", `resource "bos_options" "o" { polling_frequency = 20 }`},
		"deleting a template":    {"DELETE", "/sessiontemplates/compute", template("quiet"), ""},
		"cancelling a session":   {"POST", "/cancel", template("quiet") + session("wait_for_completion = false", `on_destroy = "cancel"`), template("quiet")},
		"deleting its record":    {"DELETE", "/sessions/", template("quiet") + session("wait_for_completion = false", `on_destroy = "cancel"`), template("quiet")},
		"a gateway's own answer": {"GATEWAY", "/components/" + node, "", component("enabled = true\n" + wantsKernel)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			fake.Hold()
			w := newWorkspace(t)
			w.write(providerBlock(fake), c.before)
			w.apply().exits(t, 0)
			if c.method == "GATEWAY" {
				fake.Gateway(gatewaySays(504, "PATCH", c.path))
			} else {
				fake.HangUp(func(method, path string) bool { return method == c.method && strings.Contains(path, c.path) })
			}
			w.write(providerBlock(fake), c.after)
			apply := w.apply()
			apply.exits(t, 1)
			apply.says(t, unsure)
			fake.HangUp(nil)
			fake.Gateway(nil)
			w.apply().exits(t, 0)
			w.plan().exits(t, 0)
		})
	}
}

func TestAReadWithoutAnAnswerAndARefusalAreNoWritesThatMayHaveTakenEffect(t *testing.T) {
	t.Parallel()
	for name, gateway := range map[string]func(string, string) int{
		"a read":    gatewaySays(502, "GET", "/components"),
		"a refusal": gatewaySays(403, "PATCH", "/components"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			w := newWorkspace(t)
			w.write(providerBlock(fake), component("retry_policy = 3"))
			fake.Gateway(gateway)
			w.apply()
			w.write(providerBlock(fake), component("enabled = true"))
			if apply := w.apply(); strings.Contains(apply.out, "BOS may have carried") {
				t.Errorf("it says %s", apply.out)
			}
		})
	}
}

func TestAnEmptyFilterIsNotToBeLeftOut(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), `data "bos_components" "none" { xnames = [] }`)
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "without the list everything is found")
	if strings.Contains(plan.out, "Leave the list out") {
		t.Errorf("it says %s", plan.out)
	}
}
