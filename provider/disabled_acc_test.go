package provider_test

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// letGo has somebody disable a node that BOS is at work on.
func letGo(c *bos.Component) {
	c.Enabled = false
	c.LastAction.Action = bos.ActionPoweringOn
	c.Status = bos.ComponentStatus{Phase: bos.PhasePoweringOn}
}

func TestStagedStateOfANodeThatSomebodyDisabledIsNoSuccess(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(*bos.Component){
		"disabled":             letGo,
		"taken by a session":   func(c *bos.Component) { c.Session = "other" },
		"taken and let go too": func(c *bos.Component) { c.Session = "other"; letGo(c) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			fake.Hold()
			asked := seen(fake, "GET /v2/components", 6)
			go func() {
				<-asked
				fake.Change("x1000c0s2b0n0", take)
				for _, id := range []string{"x1000c0s0b0n0", "x1000c0s1b0n0", "x1000c0s3b0n0"} {
					fake.Change(id, func(c *bos.Component) { c.Enabled, c.Status = false, bos.ComponentStatus{} })
				}
			}()
			w := newWorkspace(t)
			w.write(providerBlock(fake), template("quiet"), session("stage = true", rolling), stagedApply())
			apply := w.apply()
			apply.exits(t, 0)
			apply.says(t, "BOS was never done with 1 node after their staged state was applied: x1000c0s2b0n0")
			if got := w.attributes("bos_staged_apply.now"); got["status"] != "complete" || got["succeeded"] != false {
				t.Errorf("state has %v", got)
			}
			w.plan().exits(t, 0)
		})
	}
}

func TestAWaitForAComponentThatSomebodyDisabledSaysSo(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	asked := seen(fake, "GET /v2/components/"+node, 2)
	go func() {
		<-asked
		fake.Change(node, letGo)
	}()
	w := newWorkspace(t)
	w.write(providerBlock(fake), component("enabled = true\nwait_for_completion = true\n"+wantsKernel))
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "BOS stopped acting on "+node+" before it was done")
}
