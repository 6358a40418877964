package provider_test

import (
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// stopsAt has BOS be done with the node at the nth look at it.
func stopsAt(fake *fakeBOS, nth int, change func(*bos.Component)) {
	asked := seen(fake, "GET /v2/components/"+node, nth)
	go func() {
		<-asked
		fake.Change(node, func(c *bos.Component) {
			c.Enabled, c.Status = false, bos.ComponentStatus{}
			change(c)
		})
	}()
}

func TestAComponentIsWaitedForUntilBOSIsDoneWithIt(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), component(armed+"wait_for_completion = true"))
	stopsAt(fake, 2, func(c *bos.Component) { c.ActualState.BootArtifacts = c.DesiredState.BootArtifacts })
	apply := w.apply()
	apply.exits(t, 0)
	if strings.Contains(apply.out, "Warning: Stopped waiting") || w.attributes("bos_component.n0")["status"] != "stable" {
		t.Errorf("the node is %v:\n%s", w.attributes("bos_component.n0")["status"], apply.out)
	}
	w.plan().exits(t, 0)
}

func TestAComponentThatFailsWhileItIsWaitedForWarnsWithTheReason(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), component(armed+"wait_for_completion = true"))
	stopsAt(fake, 1, func(c *bos.Component) { c.Status.StatusOverride, c.Error = bos.StatusFailed, "no answer from its BMC" })
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Warning: "+node+" failed", "no answer from its BMC")
	w.plan().exits(t, 0)
}

func TestAWaitForAComponentThatTookTooLongGoesOnWithoutAskingAgain(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), component(armed+"wait_for_completion = true\ntimeouts = { create = \"300ms\", update = \"1m\" }"))
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Warning: Stopped waiting for BOS component", "after 300ms", "the next apply resumes waiting")
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "0 to add, 1 to change, 0 to destroy", "Warning: Waits for nodes; asks nothing of BOS")
	if strings.Contains(plan.out, "will act on") {
		t.Errorf("to go on waiting is no request to act:\n%s", plan.out)
	}
	stopsAt(fake, 2, func(*bos.Component) {})
	w.apply().says(t, "0 added, 1 changed, 0 destroyed")
	w.plan().exits(t, 0)
	if n := fake.Requests("PATCH", node); n != 1 {
		t.Errorf("the node was asked to act %d times", n)
	}
}

func TestAWaitForAComponentThatBOSFinishedMeanwhileIsOver(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), component(armed+"wait_for_completion = true"))
	w.interrupted(seen(fake, "GET /v2/components/"+node, 1)).says(t, "Warning: Stopped waiting for BOS component", "Terraform was interrupted")
	if _, tainted := w.instance("bos_component.n0"); tainted {
		t.Error("the component is tainted")
	}
	fake.Change(node, func(c *bos.Component) { c.Enabled = false })
	w.plan().exits(t, 0)
}
