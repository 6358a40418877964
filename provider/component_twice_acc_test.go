package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func aComponent(name, xname string, more ...string) string {
	return fmt.Sprintf("resource \"bos_component\" %q {\n  xname = %q\n  %s\n}\n", name, xname, strings.Join(more, "\n  "))
}

func TestTwoResourcesForOneNodeAreSaidBeforeTheyUndoEachOther(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	node, other := r.nodes()[0], r.nodes()[1]
	const title, held = "Two resources for one node", "hold = { reason = \"CAST-1\" }"
	w := newWorkspace(t)
	w.write(r.block(), aComponent("a", node), aComponent("b", strings.ToUpper(node), held))
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, title, node)

	w.write(r.block(), aComponent("a", node, held), aComponent("c", other))
	w.apply().exits(t, 0)
	// One of the node is in state: a second one warns, as the provider cannot tell it
	// from one that is replaced by force, of which nothing is said.
	w.write(r.block(), aComponent("a", node, held), aComponent("z", node), aComponent("c", other))
	plan = w.plan()
	if plan.code == 0 || !strings.Contains(plan.out, title) {
		t.Errorf("the plan exits with %d and says %s", plan.code, plan.out)
	}
	w.write(r.block(), aComponent("a", node, held), aComponent("c", node))
	if plan = w.plan(); plan.code == 0 || !strings.Contains(plan.out, title) {
		t.Errorf("a component that becomes the node of another: the plan exits with %d and says %s", plan.code, plan.out)
	}

	w.write(r.block(), aComponent("a", node, held, "lifecycle { ignore_changes = [hold] }"), aComponent("c", other))
	for _, args := range [][]string{{"-replace=bos_component.a"}, {"-replace=bos_component.a", "-replace=bos_component.c"}, nil} {
		if plan = w.plan(args...); plan.code == 1 || strings.Contains(plan.out, title) {
			t.Errorf("plan %v exits with %d and says %s", args, plan.code, plan.out)
		}
	}
	w.apply("-replace=bos_component.a").exits(t, 0)
	w.write(r.block(), aComponent("a", other, held), aComponent("c", node)) // the two change their nodes
	if plan = w.plan(); plan.code == 1 || strings.Contains(plan.out, title) {
		t.Errorf("a swap exits with %d and says %s", plan.code, plan.out)
	}
}

func TestTwoResourcesForOneNodeThatAreBothInStateAreRefusedOnceTheyDiffer(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	node := r.nodes()[0]
	w := newWorkspace(t)
	w.write(r.block(), aComponent("a", node))
	w.apply().exits(t, 0)
	w.write(r.block(), aComponent("a", node), aComponent("b", node))
	// In whichever order an apply plans the two, it may refuse b.
	w.terraform("import", "-no-color", "-input=false", "bos_component.b", node).exits(t, 0)
	w.write(r.block(), aComponent("b", node), "import {\n  to = bos_component.a\n  id = \""+node+"\"\n}\n", aComponent("a", node, "hold = { reason = \"CAST-1\" }"))
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "Two resources for one node")
	w.write(r.block(), aComponent("b", node), "removed {\n  from = bos_component.a\n  lifecycle {\n    destroy = false\n  }\n}\n")
	w.apply().exits(t, 0)
}
