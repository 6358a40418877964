package provider_test

import (
	"net/http"
	"strings"
	"testing"
)

// Forget removes a component's record, as BOS does when the inventory no longer
// has the node.
func (s *fakeBOS) Forget(xname string) { s.locked(func() { delete(s.nodes, xname) }) }

// Vanish removes all sessions' records and what they staged.
func (s *fakeBOS) Vanish() { s.locked(func() { clear(s.sessions) }) }

// vanishing is a kind of resource whose object somebody deletes behind
// Terraform's back, and what the next plan makes of it.
type vanishing struct {
	config string
	vanish func(*testing.T, *fakeBOS)
	exits  int
	says   string
}

func kindsThatVanish() map[string]vanishing {
	return map[string]vanishing{
		"template": {template("quiet"), func(t *testing.T, s *fakeBOS) {
			request(t, http.MethodDelete, s.URL()+"/v2/sessiontemplates/compute")
		}, 2, "1 to add, 0 to change, 0 to destroy"},
		"template of a tenant": {strings.Replace(template("quiet"), "enable_cfs", "tenant = \"blue\"\n  enable_cfs", 1), func(_ *testing.T, s *fakeBOS) {
			s.locked(func() { clear(s.templates) })
		}, 2, "1 to add, 0 to change, 0 to destroy"},
		"component": {component("retry_policy = 3"), func(_ *testing.T, s *fakeBOS) { s.Forget(node) }, 2, "1 to add, 0 to change, 0 to destroy"},
		"options":   {`resource "bos_options" "o" { polling_frequency = 20 }`, func(_ *testing.T, s *fakeBOS) { s.SetOption("polling_frequency", nil) }, 2, "0 to add, 1 to change, 0 to destroy"},
		"session": {template("quiet") + session(), func(t *testing.T, s *fakeBOS) {
			s.Vanish()
		}, 0, "No changes"},
		"applied staged state": {template("quiet") + session("stage = true") + `
resource "bos_staged_apply" "now" { xnames = [bos_session.boot.planned_nodes] }`, func(_ *testing.T, s *fakeBOS) {
			s.Vanish()
			s.Forget(node)
		}, 0, "No changes"},
	}
}

func TestWhatVanishedIsPlannedAgainAndCanBeAppliedAndDestroyed(t *testing.T) {
	t.Parallel()
	for name, kind := range kindsThatVanish() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			w := newWorkspace(t)
			w.write(providerBlock(fake), kind.config)
			w.apply().exits(t, 0)
			kind.vanish(t, fake)
			plan := w.plan()
			plan.exits(t, kind.exits)
			plan.says(t, kind.says)
			if plan.code == 2 && name != "component" { // a node that BOS does not know cannot be adopted again
				w.apply().exits(t, 0)
				kind.vanish(t, fake)
			}
			w.apply("-destroy").exits(t, 0)
		})
	}
}

func TestATenantThatTheProviderGetsLaterLosesNothingThatWasMadeWithoutOne(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session())
	w.apply().exits(t, 0)
	w.write(providerBlock(fake, `tenant = "blue"`), template("quiet"), session())
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "2 to add, 0 to change, 2 to destroy", `+ tenant = "blue"`)
	w.terraform("apply", "-refresh-only", "-auto-approve", "-no-color", "-input=false").exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["record_expired"] != false {
		t.Errorf("the session's record is said to be gone: %v", got)
	}
	w.apply("-destroy").exits(t, 0)
	if n := fake.Requests("DELETE", "/v2/sessiontemplates/compute"); n != 1 || len(fake.Sessions()) != 0 {
		t.Errorf("the template was deleted %d times, and the sessions %v are left", n, fake.Sessions())
	}
	fake.locked(func() {
		if len(fake.templates) != 0 {
			t.Errorf("the templates %v are left", fake.templates)
		}
	})
}

func TestATenantThatIsNotKnownYetReplacesNothing(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	written := func(run string) {
		w.write("resource \"terraform_data\" \"tenant\" {\n  input = \"blue\"\n  triggers_replace = ["+run+"]\n}\n",
			providerBlock(fake, "tenant = terraform_data.tenant.output"), template("quiet"),
			strings.Replace(session(), "bos_session_template.compute.name", `"compute"`, 1), component("enabled = false"), nowApplied(`"x1000c0s0b0n0"`))
	}
	written("1")
	w.apply("-target=bos_session_template.compute").exits(t, 0)
	w.apply().exits(t, 0)
	written("2")
	for _, more := range [][]string{nil, {"-refresh=false"}} {
		plan := w.plan(more...)
		plan.exits(t, 1)
		plan.says(t, "BOS provider settings are not known yet", "-target")
		for _, resource := range []string{"bos_session_template.compute", "bos_session.boot", "bos_component.n0", "bos_staged_apply.now"} {
			if !strings.Contains(plan.out, "not known yet with "+resource+",") {
				t.Errorf("%v: it is not said of %s", more, resource)
			}
		}
		if strings.Contains(plan.out, "bos_session.boot must be replaced") {
			t.Errorf("%v: a session is planned to be run again:\n%s", more, plan.out)
		}
	}
	w.apply("-target=terraform_data.tenant").exits(t, 0)
	w.plan().exits(t, 0)
	sessions(t, fake, 1)
}
