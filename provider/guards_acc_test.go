package provider_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAGuardOfTheProviderBlockIsAnErrorOfThePlanAndEnforcedByTheService(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	up := newWorkspace(t)
	up.write(r.block(), aSession())
	up.apply().exits(t, 0)
	before := resets(r)
	w := newWorkspace(t)
	for guard, says := range map[string]string{
		"max_nodes = 3":                      "it would act on 4 nodes, and max_nodes allows 3",
		`protected_roles = ["compute"]`:      "4 of role Compute, which protected_roles names",
		"max_reboots = 3":                    "take down 4 nodes that are on, or may be, and max_reboots allows 3",
		"max_nodes = 0\n  max_reboots = 100": "max_nodes allows 0",
	} {
		w.write(r.block(guard), aSession())
		plan := w.plan()
		plan.exits(t, 1)
		plan.says(t, "Beyond a guard: the session to reboot template \"compute\"", says)
	}
	// A preview that could not be made at plan is no way around the guard.
	w.write(r.block("max_nodes = 3"), "resource \"terraform_data\" \"x\" {}\n", aSession(`limit = terraform_data.x.id == "" ? null : "all"`))
	apply := w.apply()
	apply.exits(t, 1)
	apply.says(t, "Beyond a guard", "max_nodes allows 3")
	if all := r.sessions(t); len(all) != 1 || resets(r) != before {
		t.Errorf("%d sessions and %d power actions", len(all), resets(r))
	}
	w.write(r.block("max_nodes = 4", "max_reboots = 4", `protected_roles = ["Management"]`), aSession())
	w.apply().exits(t, 0)
}

func TestARoleThatNobodyHasProtectsNothingAndIsRefused(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.staging(t)
	w := newWorkspace(t)
	for _, resource := range []string{aSession(), nowApplied(`"` + r.nodes()[0] + `"`)} {
		w.write(r.block(`protected_roles = ["Management", "Mgmt"]`), resource)
		plan := w.plan()
		plan.exits(t, 1)
		plan.says(t, "Beyond a guard", `"Mgmt"`, "Compute", "protect nothing", "write one of these, or take it out")
		if strings.Contains(plan.out, "Name fewer nodes") {
			t.Errorf("fewer nodes do not help against a slip:\n%s", plan.out)
		}
	}
	if n := resets(r); n != 0 {
		t.Errorf("%d power actions", n)
	}
}

func TestRolesThatAreNullAreRefusedAndThoseThatAreNotKnownYetGuardTheApply(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	w := newWorkspace(t)
	w.write(r.block(`protected_roles = ["Management", null]`), aSession())
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "Null in a list", "Entry 2 is null")
	w.write(r.block(`client_credentials = { token_url = "https://127.0.0.1:1", client_id = "a", client_secret = "b", scopes = [null] }`), aSession())
	plan = w.plan()
	plan.exits(t, 1)
	plan.says(t, "Null in a list", "Entry 1 is null")
	w.write(r.block(`protected_roles = [terraform_data.role.output]`), "resource \"terraform_data\" \"role\" { input = \"Compute\" }\n", aSession())
	w.plan().says(t, "Cannot say which nodes", "settings are not known yet")
	apply := w.apply()
	apply.exits(t, 1)
	apply.says(t, "4 of role Compute, which protected_roles names")
	if all := r.sessions(t); len(all) != 0 {
		t.Errorf("%d sessions", len(all))
	}
}

func TestOnAPlainBOSAGuardIsEnforcedAsFarAsItCanBeKnownAndRefusedWhereItCannot(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	r.plain.Store(true)
	w := newWorkspace(t)
	three := strings.Join(r.nodes()[:3], ",")
	for block, says := range map[string]string{
		r.block("max_nodes = 2") + aSession(`limit = "`+three+`"`): "it may act on 3 nodes, and max_nodes allows 2",
		r.block("max_nodes = 9") + aSession():                      "does not say how many nodes template \"compute\" selects",
		r.block(`protected_roles = ["Management"]`) + aSession():   "protected_roles is set, and this BOS enforces no guards",
		r.block("max_reboots = 9") + aSession():                    "max_reboots is set, and this BOS enforces no guards",
	} {
		w.write(block)
		plan := w.plan()
		plan.exits(t, 1)
		plan.says(t, says)
	}
	w.write(r.block("max_nodes = 3"), aSession(`limit = "`+three+`"`))
	w.apply().exits(t, 0)
	if all := r.sessions(t); len(all) != 1 {
		t.Errorf("%d sessions", len(all))
	}
}

func TestASessionThatFindsNobodyIsAnErrorOfThePlanUnlessItMay(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	put(t, r.url+"/v2/sessiontemplates/compute", `{"boot_sets":{"c":{"type":"s3","path":"s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json","node_list":["`+r.nodes()[0]+`"]}}}`)
	w := newWorkspace(t)
	nobody := `limit = "` + r.nodes()[1] + `"`
	w.write(r.block(), aSession(nobody))
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "Nothing to do: no node matches", "not in the limit", "allow_empty = true")
	w.write(r.block(), aSession(nobody, "allow_empty = true"))
	w.plan().exits(t, 2)
}

func TestTheReasonOfASessionIsInItsHistory(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	w := newWorkspace(t)
	w.write(r.block(), aSession(`reason = "CAST-17: new kernel"`))
	w.apply().exits(t, 0)
	if history := request(t, http.MethodGet, r.url+"/x/v1/events?limit=1000"); !strings.Contains(history, "CAST-17: new kernel") {
		t.Error(history)
	}
}

func TestOnFailureErrorThatIsSetLaterFailsTheApplyThatSetsIt(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	w := newWorkspace(t)
	w.write(providerBlock(fake), aSession("triggers = { a = 1 }"))
	w.apply().exits(t, 0)
	w.write(providerBlock(fake), aSession("triggers = { a = 1 }", `on_failure = "error"`))
	apply := w.apply()
	apply.exits(t, 1)
	apply.says(t, "1 node failed to reboot")
	if _, tainted := w.instance("bos_session.boot"); tainted {
		t.Error("the session is tainted")
	}
	w.plan().says(t, "No changes")
}

func TestStagedStateIsAppliedOfTheSessionThatIsNamedAlone(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	for _, plain := range []bool{false, true} {
		r.plain.Store(false)
		r.aTemplate(t, "quiet")
		mine, theirs := newWorkspace(t), newWorkspace(t)
		stage := strings.Replace(aSession("stage = true"), `"boot"`, `"stage"`, 1)
		mine.write(r.block(), stage)
		mine.apply().exits(t, 0)
		theirs.write(r.block(), strings.Replace(aSession("stage = true", `limit = "`+r.nodes()[0]+`"`), `"reboot"`, `"shutdown"`, 1))
		theirs.apply().exits(t, 0)
		r.plain.Store(plain)
		window := "resource \"bos_staged_apply\" \"window\" {\n  xnames  = [bos_session.stage.nodes]\n  session = bos_session.stage.name\n}\n"
		if !plain {
			mine.write(r.block("max_reboots = 0", "max_nodes = 3"), stage, window)
			apply := mine.apply()
			apply.exits(t, 1)
			apply.says(t, "Beyond a guard", "max_nodes allows 3")
		}
		mine.write(r.block(), stage, window)
		mine.plan().says(t, "Left alone, since it was not session", r.nodes()[0],
			`(reboot of template "compute") for 3 nodes, which boot s3://boot-images/`, `(shutdown of template "compute") for 1 node: `+r.nodes()[0])
		apply := mine.apply()
		apply.exits(t, 0)
		apply.says(t, "Nothing was applied for 1 node")
		if got := mine.attributes("bos_staged_apply.window"); got["ignored_nodes"] != r.nodes()[0] || got["applied_count"] != 3.0 || got["succeeded"] != false {
			t.Errorf("plain %t: %v", plain, got)
		}
	}
}
