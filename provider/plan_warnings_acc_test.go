package provider_test

import (
	"strings"
	"testing"
	"time"
)

// onlyIn is a second session over the nodes of a limit.
func onlyIn(name, limit string) string {
	return strings.Replace(session(`limit = "`+limit+`"`), `"boot"`, `"`+name+`"`, 1)
}

// Of warnings with one and the same first line Terraform shows only one.
func TestEachOfSeveralSessionsSaysWhichNodesItTouchesAndWhichFailed(t *testing.T) {
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake, "applying = terraform.applying"), template("quiet"), onlyIn("a", "x1000c0s[0-1]b0n0"), onlyIn("b", "x1000c0s[2-3]b0n0"))
	plan := w.plan()
	plan.says(t, "Warning: This will reboot 2 nodes: x1000c0s[0-1]b0n0", "Warning: This will reboot 2 nodes: x1000c0s[2-3]b0n0")
	fake.Break("x1000c0s0b0n0")
	fake.Break("x1000c0s2b0n0")
	w.apply().says(t, "Warning: 1 node failed to reboot: x1000c0s0b0n0", "Warning: 1 node failed to reboot: x1000c0s2b0n0")
}

func TestAPlanToBootSaysWhichNodesItTakesDown(t *testing.T) {
	r := startReal(t, 100*time.Millisecond)
	w := newWorkspace(t)
	boot := strings.Replace(session(rolling), `"reboot"`, `"boot"`, 1)
	w.write(r.block("applying = terraform.applying"), template("quiet"), boot)
	w.plan().says(t, "Warning: This will boot 4 nodes: x1000c0s0b[0-1]n[0-1]", "4 nodes of role Compute")
	w.apply().exits(t, 0)
	w.write(r.block("applying = terraform.applying"), template("quiet hugepages=16"), boot)
	w.plan().says(t, "Warning: This will boot 4 nodes (4 reboot): x1000c0s0b[0-1]n[0-1]", "4 nodes will reboot (it runs this image with other kernel parameters)")
}

func TestAPlanToStageDoesNotSayThatItReboots(t *testing.T) {
	r := startReal(t, 100*time.Millisecond)
	w := newWorkspace(t)
	w.write(r.block("applying = terraform.applying"), template("quiet"), session("stage = true", rolling))
	plan := w.plan()
	plan.says(t, "Warning: This will stage a reboot of 4 nodes", "4 nodes will be staged (nothing happens to it before the staged state is applied)")
}
