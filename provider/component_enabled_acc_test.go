package provider_test

import (
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const wantsKernel = `desired_state = { boot_artifacts = { kernel = "s3://k" } }`

// nightly is what a session leaves on a node's record, or is doing with it.
func nightly(acting bool) func(*bos.Component) {
	return func(c *bos.Component) {
		c.Session, c.Enabled, c.DesiredState.BootArtifacts.Kernel = "nightly", acting, "s3://other"
		c.Status = bos.ComponentStatus{}
		if acting {
			c.Status.Phase = bos.PhasePoweringOff
		}
	}
}

func TestEnabledSetToFalseIsSentAsFalseWhateverASessionLeft(t *testing.T) {
	t.Parallel()
	for name, acting := range map[string]bool{"the session is over": false, "the session is at work": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			w := newWorkspace(t)
			w.write(providerBlock(fake), component("enabled = true\n"+wantsKernel))
			w.apply().exits(t, 0)
			fake.Change(node, nightly(acting))
			w.write(providerBlock(fake), component("enabled = false\n"+wantsKernel))
			plan := w.plan()
			plan.exits(t, 2)
			plan.says(t, "enabled = true -> false", "were set by a session")
			if strings.Contains(plan.out, "will act on") {
				t.Errorf("false is planned as acting:\n%s", plan.out)
			}
			if acting {
				plan.says(t, "Warning: BOS will stop acting on nodes", node+": it is", "for session nightly")
			}
			w.apply().exits(t, 0)
			if got := fake.Component(node); got.Enabled || got.DesiredState.BootArtifacts.Kernel != "s3://k" {
				t.Errorf("BOS has %+v", got)
			}
			w.plan().exits(t, 0)
		})
	}
}

func TestEnabledSetToFalseInMidSessionStopsBOS(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{"true before": "enabled = true", "not managed before": "retry_policy = 3"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			w := newWorkspace(t)
			w.write(providerBlock(fake), component(before))
			w.apply().exits(t, 0)
			fake.Change(node, nightly(true))
			w.plan().exits(t, 0)
			w.write(providerBlock(fake), component("enabled = false"))
			w.plan().exits(t, 2)
			w.apply().exits(t, 0)
			if fake.Component(node).Enabled {
				t.Error("BOS goes on acting on the node")
			}
			w.plan().exits(t, 0)
			fake.Change(node, nightly(true))
			w.plan().exits(t, 0) // a session that came later is left to finish
		})
	}
}

func TestEnabledSetToFalseWhereItIsFalseIsRemembered(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), component("retry_policy = 3"))
	w.apply().exits(t, 0)
	w.write(providerBlock(fake), component("retry_policy = 3\nenabled = false"))
	w.apply().exits(t, 0)
	fake.Change(node, nightly(true))
	w.plan().exits(t, 0)
	w.write(providerBlock(fake), component("retry_policy = 3"))
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
	w.write(providerBlock(fake), component("retry_policy = 3\nenabled = false"))
	w.apply().exits(t, 0)
	if fake.Component(node).Enabled {
		t.Error("BOS goes on acting on the node")
	}
}

func TestAnImportNeverArmsANodeBecauseSomethingElseChanges(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{
		"retry_policy": "retry_policy = 7", "wait_for_completion": "wait_for_completion = true", "timeouts": `timeouts = { update = "1h" }`,
		"staged_state": `staged_state = { configuration = "later" }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			fake.Change(node, func(c *bos.Component) { c.DesiredState.BootArtifacts.Kernel = "s3://k" })
			w := newWorkspace(t)
			w.write(providerBlock(fake), component("enabled = true\n"+wantsKernel))
			w.terraform("import", "-no-color", "-input=false", "bos_component.n0", node).exits(t, 0)
			w.write(providerBlock(fake), component("enabled = true\n"+wantsKernel+"\n"+more))
			w.apply().exits(t, 0)
			if fake.Component(node).Enabled {
				t.Fatal("the apply armed the node")
			}
			w.plan().exits(t, 0)
			w.apply().exits(t, 0)
			if fake.Component(node).Enabled {
				t.Error("the apply after it armed the node")
			}
			w.write(providerBlock(fake), component("enabled = false\n"+wantsKernel+"\n"+more))
			w.apply().exits(t, 0)
			w.write(providerBlock(fake), component("enabled = true\n"+wantsKernel+"\n"+more))
			if name == "wait_for_completion" {
				return // nobody ends this wait
			}
			w.apply().exits(t, 0)
			if !fake.Component(node).Enabled {
				t.Error("what was asked for anew was not sent")
			}
		})
	}
}

func TestAnImportedComponentThatASessionTouchesIsNotArmedWithItsOldKernel(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Change(node, func(c *bos.Component) { c.DesiredState.BootArtifacts.Kernel = "s3://k" })
	w := newWorkspace(t)
	w.write(providerBlock(fake), component("enabled = false\n"+wantsKernel))
	w.terraform("import", "-no-color", "-input=false", "bos_component.n0", node).exits(t, 0)
	fake.Change(node, nightly(false))
	w.plan().says(t, "were set by a session")
	w.apply().exits(t, 0)
	if fake.Component(node).Enabled {
		t.Error("the node was armed")
	}
}

func TestAComponentThatBecomesAnotherNodesWarnsThatBOSWillActOnIt(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), component("enabled = true"))
	w.apply().exits(t, 0)
	w.write(providerBlock(fake), strings.Replace(component("enabled = true"), "X1000c0s00b0n0", "x1000c0s1b0n0", 1))
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "must be replaced", "Warning: BOS will act on nodes", "x1000c0s1b0n0: enabled = true")
}

const later = "resource \"terraform_data\" \"later\" { input = true }\n"

func TestAnUnknownEnabledIsSaidAtPlanAndDecidedAtApply(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		enabled string
		armed   bool
	}{
		"true":  {"terraform_data.later.output", true},
		"false": {"!terraform_data.later.output", false},
		"null":  {"terraform_data.later.output ? null : true", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			w := newWorkspace(t)
			w.write(providerBlock(fake), later, component("enabled = "+c.enabled+"\n"+wantsKernel))
			w.plan().says(t, "Warning: BOS may act on nodes", node+": enabled is not known", "kernel s3://k")
			w.apply().exits(t, 0)
			if got := fake.Component(node); got.Enabled != c.armed || got.DesiredState.BootArtifacts.Kernel != "s3://k" {
				t.Errorf("BOS has %+v", got)
			}
			w.plan().exits(t, 0)
		})
	}
}

func TestAStateThatIsNotKnownAtPlanIsDecidedAtApply(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]string{
		"a kernel":      `desired_state = { boot_artifacts = { kernel = terraform_data.later.output ? "s3://k" : "" } }`,
		"artifacts":     `desired_state = { boot_artifacts = terraform_data.later.output ? { kernel = "s3://k" } : null }`,
		"the whole":     `desired_state = terraform_data.later.output ? { boot_artifacts = { kernel = "s3://k" } } : null`,
		"nothing of it": `desired_state = { boot_artifacts = { kernel = "s3://k", initrd = terraform_data.later.output ? null : "" } }`,
		"a number":      "desired_state = { boot_artifacts = { kernel = \"s3://k\" } }\nretry_policy = terraform_data.later.output ? 4 : 5",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			w := newWorkspace(t)
			w.write(providerBlock(fake), later, component(c))
			w.apply().exits(t, 0)
			w.plan().exits(t, 0)
			w.write(providerBlock(fake), strings.ReplaceAll(later, "true", `"true"`), component(strings.ReplaceAll(c, "terraform_data.later.output", "tobool(terraform_data.later.output)")))
			w.apply().exits(t, 0)
			if got := fake.Component(node); got.Enabled || got.DesiredState.BootArtifacts.Kernel != "s3://k" {
				t.Errorf("BOS has %+v", got)
			}
			w.plan().exits(t, 0)
		})
	}
}

func TestManyComponentsThatBOSActsOnWarnOnce(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), `resource "bos_component" "all" {
  for_each = { for x in ["x1000c0s0b0n0", "x1000c0s1b0n0", "x1000c0s2b0n0", "x1000c0s3b0n0"] : x => x }
  xname    = each.key
  enabled  = true
  `+wantsKernel+"\n}\n")
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "Warning: BOS will act on nodes", "(and 3 more similar warnings elsewhere)")
	if n := strings.Count(plan.out, "Warning: "); n != 1 {
		t.Errorf("there are %d warnings:\n%s", n, plan.out)
	}
	if n := strings.Count(plan.out, "asks BOS to act on the node: kernel s3://k"); n != 4 {
		t.Errorf("%d nodes are said to be acted on", n)
	}
}
