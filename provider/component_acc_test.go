package provider_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const node = "x1000c0s0b0n0"

func component(fields string) string {
	return "resource \"bos_component\" \"n0\" {\n  xname = \"X1000c0s00b0n0\"\n" + fields + "\n}\n"
}

const armed = `
  enabled       = true
  retry_policy  = 5
  desired_state = { boot_artifacts = { kernel = "s3://k", initrd = "s3://i" } }
`

func TestAComponentIsAdoptedAndOnlyWhatIsConfiguredIsSent(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Change(node, func(c *bos.Component) {
		c.DesiredState.BootArtifacts.KernelParameters = "as it was"
		c.StagedState.Configuration = "staged"
	})
	run(t, resource.TestStep{
		Config: providerBlock(fake) + component(armed),
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("bos_component.n0", tfjsonpath.New("id"), knownvalue.StringExact(node)),
			statecheck.ExpectKnownValue("bos_component.n0", tfjsonpath.New("desired_state").AtMapKey("boot_artifacts").AtMapKey("kernel_parameters"), knownvalue.StringExact("as it was")),
			statecheck.ExpectKnownValue("bos_component.n0", tfjsonpath.New("status"), knownvalue.StringExact("on_hold")),
		},
	})
	got := fake.Component(node)
	if !got.Enabled || got.DesiredState.BootArtifacts.Kernel != "s3://k" || got.RetryPolicy == nil || *got.RetryPolicy != 5 {
		t.Errorf("BOS has %+v", got)
	}
	if got.StagedState.Configuration != "staged" || got.DesiredState.BootArtifacts.KernelParameters != "as it was" {
		t.Errorf("what is not configured was changed: %+v", got)
	}
}

func TestWhatBOSDoesToAComponentIsNoDrift(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	config := providerBlock(fake) + component(armed)
	empty := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				fake.Change(node, func(c *bos.Component) {
					c.Enabled, c.Status = false, bos.ComponentStatus{}
					c.LastAction.Action, c.EventStats.PowerOnAttempts = bos.ActionPoweringOn, 1
					c.ActualState.BootArtifacts = c.DesiredState.BootArtifacts
					c.DesiredState.BootArtifacts.KernelParameters = "not ours"
				})
			},
			Config: config, ConfigPlanChecks: empty,
		},
	)
	if n := fake.Requests("PATCH", node); n != 1 {
		t.Errorf("the component was patched %d times", n)
	}
}

func TestADesiredStateThatASessionSetIsDriftThatNamesTheSession(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), component(armed))
	w.apply().exits(t, 0)
	fake.Change(node, func(c *bos.Component) {
		c.Session, c.Enabled, c.DesiredState.BootArtifacts.Kernel = "nightly", false, "s3://other"
	})
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "1 to change", "session nightly", "Warning: BOS will act on nodes", node+": enabled = true")
	w.apply().exits(t, 0)
	if got := fake.Component(node); got.DesiredState.BootArtifacts.Kernel != "s3://k" || !got.Enabled {
		t.Errorf("BOS has %+v", got)
	}
	w.plan().exits(t, 0)
}

func TestAComponentThatIsKeptDisabledIsLeftToASessionThatRuns(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	config := providerBlock(fake) + component("enabled = false")
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig:        func() { fake.Change(node, func(c *bos.Component) { c.Enabled, c.Session = true, "nightly" }) },
			Config:           config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
		},
		resource.TestStep{
			PreConfig: func() { fake.Change(node, func(c *bos.Component) { c.Enabled, c.Session = true, "" }) },
			Config:    config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction("bos_component.n0", plancheck.ResourceActionUpdate),
			}},
		},
	)
	if fake.Component(node).Enabled {
		t.Error("the component is still enabled")
	}
}

func TestAnImportedComponentPlansNothingAndIsNotArmed(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Change(node, func(c *bos.Component) {
		five := 5
		c.DesiredState.BootArtifacts, c.RetryPolicy = bos.BootArtifacts{Kernel: "s3://k", Initrd: "s3://i", KernelParameters: "p"}, &five
	})
	w := newWorkspace(t)
	w.write(providerBlock(fake), component(armed))
	w.terraform("import", "-no-color", "-input=false", "bos_component.n0", node).exits(t, 0)
	plan := w.plan()
	plan.exits(t, 0)
	if strings.Contains(plan.out, "will act on") {
		t.Errorf("an import warns that it acts:\n%s", plan.out)
	}
	if n := fake.Requests("PATCH", node); n != 0 {
		t.Errorf("the component was patched %d times", n)
	}
}

func TestDestroyingAComponentForgetsIt(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), component("enabled = true"))
	w.apply().exits(t, 0)
	before := fake.Component(node)
	w.apply("-destroy").exits(t, 0)
	if got := fake.Component(node); got != before {
		t.Errorf("the component changed from %+v to %+v", before, got)
	}
}

func TestAnUnknownXnameIsRefused(t *testing.T) {
	t.Parallel()
	run(t, resource.TestStep{
		Config:      providerBlock(startBOS(t)) + "resource \"bos_component\" \"n\" {\n  xname = \"x9c9s9b9n9\"\n}",
		ExpectError: regexp.MustCompile("BOS knows no such component"),
	})
}

func TestComponentsOfARefreshComeFromOneRequest(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), `
resource "bos_component" "all" {
  for_each = toset(provider::bos::xname_expand("x1000c0s[0-3]b0n0"))
  xname    = each.key
}`)
	w.apply().exits(t, 0)
	before := fake.Requests("GET", "/v2/components")
	w.plan().exits(t, 0)
	if n := fake.Requests("GET", "/v2/components") - before; n != 1 {
		t.Errorf("the refresh of %d components listed them %d times", len(room), n)
	}
}

func TestTheDataSourceListsComponentsByFilter(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Change(node, func(c *bos.Component) { c.Status.StatusOverride, c.Error = bos.StatusFailed, "cold" })
	run(t, resource.TestStep{
		Config: providerBlock(fake) + `
data "bos_components" "all" {}
data "bos_components" "failed" { status = ["failed"] }
data "bos_components" "two" { xnames = ["x1000c0s2b0n0", "X1000c0s01b0n0", "x9c9s9b9n9"] }
output "folded" { value = provider::bos::xname_fold(keys(data.bos_components.two.components)) }
`,
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("data.bos_components.all", tfjsonpath.New("node_count"), knownvalue.Int64Exact(4)),
			statecheck.ExpectKnownValue("data.bos_components.failed", tfjsonpath.New("nodes"), knownvalue.StringExact(node)),
			statecheck.ExpectKnownValue("data.bos_components.failed", tfjsonpath.New("components").AtMapKey(node).AtMapKey("error"), knownvalue.StringExact("cold")),
			statecheck.ExpectKnownOutputValue("folded", knownvalue.StringExact("x1000c0s[1-2]b0n0")),
		},
	})
}

func TestWhatIsNoNodeIsRefusedAtPlan(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	for xname, says := range map[string]string{
		"x1000c0s0b0": "names a BMC, slot, chassis or cabinet", "X1000C0": "names a BMC, slot, chassis or cabinet", "x1000c0s[0-3]b0n0": "xname_expand",
	} {
		for _, kind := range []string{"resource", "data"} {
			w.write(providerBlock(fake), kind+" \"bos_component\" \"n\" {\n  xname = \""+xname+"\"\n}\n")
			plan := w.plan()
			plan.exits(t, 1)
			plan.says(t, says)
		}
	}
}
