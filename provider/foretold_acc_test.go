package provider_test

import (
	"testing"
	"time"
)

const (
	one      = `limit = "x1000c0s0b0n0"`
	other    = `limit = "x1000c0s0b0n1"`
	ignoring = "The warnings of this plan are about something else than what would run"
)

func hiding(arguments string) string { return "lifecycle { ignore_changes = [" + arguments + "] }" }

// TestASessionThatIsReplacedRunsNothingElseThanItsWarningsSay: Terraform compares the
// state with a configuration in which ignored arguments are those of the state, plans
// the new session by the configuration as it is written, and drops its warnings.
func TestASessionThatIsReplacedRunsNothingElseThanItsWarningsSay(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ before, after string }{
		"the operation":                    {`triggers = { a = "1" }` + "\n" + one, `triggers = { a = "2" }` + "\n" + one},
		"the limit":                        {`triggers = { a = "1" }` + "\n" + one, `triggers = { a = "2" }` + "\n" + other},
		"a limit that is not there":        {`triggers = { a = "1" }` + "\n" + one, `triggers = { a = "2" }`},
		"whether disabled nodes are taken": {`triggers = { a = "1" }`, `triggers = { a = "2" }` + "\ninclude_disabled = true"},
		"the batches":                      {`triggers = { a = "1" }` + "\n" + oneFirst, `triggers = { a = "2" }`},
		"what a limit takes out and adds":  {`triggers = { a = "1" }` + "\n" + `limit = "Compute,x1000c0s0b0n0,!x1000c0s0b0n0"`, `triggers = { a = "2" }` + "\n" + `limit = "Compute,!x1000c0s0b0n0,x1000c0s0b0n0"`},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := startReal(t, 50*time.Millisecond)
			r.aTemplate(t, "quiet")
			w := newWorkspace(t)
			operation := map[bool]string{true: "boot", false: "reboot"}
			written := func(first bool, more string) string {
				session := "resource \"bos_session\" \"boot\" {\n  template_name = \"compute\"\n  poll_interval = \"100ms\"\n  operation = \"" + operation[first || what != "the operation"] + "\"\n  "
				return session + more + "\n  " + hiding("operation, limit, include_disabled, rollout") + "\n}\n"
			}
			w.write(r.block(), written(true, c.before))
			w.apply().exits(t, 0)
			before := len(r.sessions(t))

			w.write(r.block(), written(false, c.after))
			refused := w.apply()
			refused.exits(t, 1)
			refused.says(t, ignoring, "ignore_changes")
			if n := len(r.sessions(t)); n != before {
				t.Errorf("%d sessions ran that nobody was warned of", n-before)
			}
		})
	}
}

// TestWhatIsIgnoredAndTheSameRefusesNoReplacement: defaults, another way to write a
// limit, and triggers, which say when and not what.
func TestWhatIsIgnoredAndTheSameRefusesNoReplacement(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	w := newWorkspace(t)
	ignored := hiding(`operation, limit, include_disabled, stage, tenant, name, triggers["b"]`)
	w.write(r.block(), aSession(`triggers = { a = "1", b = "1" }`, `limit = "x1000c0s0b0n0,x1000c0s0b0n1"`, ignored))
	w.apply().exits(t, 0)
	w.write(r.block(), aSession(`triggers = { a = "2", b = "2" }`, `limit = "x1000c0s0b0n[0-1]"`, ignored))
	w.apply().says(t, "This will reboot 2 nodes", "1 added, 0 changed, 1 destroyed")
	w.plan("-replace=bos_session.boot").says(t, "1 to add, 0 to change, 1 to destroy")
	w.write(r.block(), aSession(`triggers = { a = "3", b = "2" }`, ignored))
	w.plan().says(t, ignoring)
	w.write(r.block(), aSession(`triggers = { a = "2", b = "2" }`, ignored))
	w.plan("-replace=bos_session.boot").says(t, "reboots 4 nodes") // Terraform says no warnings then, and effect does
	w.write(r.block(), aSession(`triggers = { a = "3", b = "2" }`))
	w.apply().says(t, "This will reboot 4 nodes", "1 added, 0 changed, 1 destroyed")
}

func TestALimitAndARolloutThatAreWrittenInAnotherWayRefuseNoReplacement(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ before, after, more string }{
		"a limit":                 {before: `limit = "Compute,!x1000c0s0b0n0,!x1000c0s0b0n1"`, after: `limit = "Compute,!X1000c0s00b0n1,!x1000c0s0b0n0"`},
		"a limit that is ignored": {`limit = "Compute,!x1000c0s0b0n0"`, `limit = "Compute,!X1000c0s00b0n0"`, hiding("limit")},
		"a rollout that is ignored": {
			`rollout = { canary_nodes = "x1000c0s0b0n0,x1000c0s0b0n1", auto_promote = true, healthy_deadline = "60m" }`,
			`rollout = { canary_nodes = "x1000c0s0b0n[0-1]", auto_promote = true, healthy_deadline = "1h", batches = null }`, hiding("rollout"),
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := startReal(t, 50*time.Millisecond)
			r.aTemplate(t, "quiet")
			w := newWorkspace(t)
			w.write(r.block(), aSession(`triggers = { a = "1" }`, c.before, c.more))
			w.apply().exits(t, 0)
			w.write(r.block(), aSession(`triggers = { a = "2" }`, c.after, c.more))
			w.plan().says(t, "This will reboot", "1 to add, 0 to change, 1 to destroy")
		})
	}
}

func TestStagedStateIsAppliedToNoOtherNodesThanTheWarningsSay(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.staging(t)
	w := newWorkspace(t)
	w.write(r.block(), nowApplied(`"x1000c0s0b0n0"`, `triggers = { a = "1" }`, hiding("xnames, session")))
	w.apply().exits(t, 0)
	w.write(r.block(), nowApplied(`"x1000c0s0b1n[0-1]"`, `triggers = { a = "2" }`, hiding("xnames, session")))
	refused := w.apply()
	refused.exits(t, 1)
	refused.says(t, ignoring, "xnames")
	for _, id := range []string{"x1000c0s0b1n0", "x1000c0s0b1n1"} {
		if n := len(r.room.Room().Resets(id)); n != 0 {
			t.Errorf("%s had %d power actions that nobody was warned of", id, n)
		}
	}
}

func TestAComponentThatIsReplacedActsOnNoNodeThatItsWarningsDoNotSay(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	w := newWorkspace(t)
	component := func(xname, enabled string) string {
		return "resource \"bos_component\" \"a\" {\n  xname = \"" + xname + "\"\n  enabled = " + enabled + `
  desired_state = { boot_artifacts = {
    kernel            = "s3://boot-images/00000000-0000-4000-8000-000000000001/kernel"
    initrd            = "s3://boot-images/00000000-0000-4000-8000-000000000001/initrd"
    kernel_parameters = "quiet"
  } }
  ` + hiding("enabled") + "\n}\n"
	}
	w.write(r.block(), component("x1000c0s0b0n0", "false"))
	w.apply().exits(t, 0)
	w.write(r.block(), component("x1000c0s0b0n1", "true"))
	refused := w.apply()
	refused.exits(t, 1)
	refused.says(t, ignoring, "enabled")
	if n := len(r.room.Room().Resets("x1000c0s0b0n1")); n != 0 {
		t.Errorf("it had %d power actions that nobody was warned of", n)
	}
}
