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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	w := newWorkspace(t)
	w.write(r.block("applying = terraform.applying"), template("quiet"), session("stage = true", rolling))
	plan := w.plan()
	plan.says(t, "Warning: This will stage a reboot of 4 nodes", "4 nodes will be staged (nothing happens to it before the staged state is applied)")
}

func TestAPlanOfATargetNamesTheNodesOfItsTemplateAndLeavesTheOthersToTheNext(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake, "applying = terraform.applying"), template("quiet"), session(rolling), onlyIn("other", "x1000c0s3b0n0"))
	plan := w.plan("-target=bos_session.boot", "-out=p")
	plan.exits(t, 2)
	plan.says(t, "Warning: This will reboot 4 nodes: x1000c0s[0-3]b0n0", "2 to add")
	w.terraform("apply", "-no-color", "p").exits(t, 0)
	sessions(t, fake, 1)
	rest := w.plan()
	rest.says(t, "Warning: This will reboot 1 node: x1000c0s3b0n0", "1 to add, 0 to change, 0 to destroy")
	w.apply("-parallelism=1").exits(t, 0)
	w.plan().exits(t, 0)
	sessions(t, fake, 2)
}

// Each provider block is a process of its own, which knows nothing of what another plans.
func TestATemplateThatAnotherProviderBlockPlansIsSaidNotToBeKnownYet(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newProcessWorkspace(t)
	aliased := func(more ...string) string { return providerBlock(fake, append(more, `alias = "second"`)...) }
	config := []string{template("quiet"), session(rolling, "provider = bos.second")}
	w.write(append(config, providerBlock(fake), aliased("require_preview = true"))...)
	refused := w.plan()
	refused.exits(t, 1)
	refused.says(t, `Error: Cannot say which nodes of template "compute" will reboot`)
	w.write(append(config, providerBlock(fake), aliased())...)
	w.plan().says(t, `Warning: Cannot say which nodes of template "compute" will reboot`)
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
	sessions(t, fake, 1)
}
