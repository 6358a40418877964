package provider_test

import (
	"strings"
	"testing"
)

func TestATemplateThatAKilledApplyLeftBehindIsTakenOverAndNotWrittenAgain(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"), session(rolling))
	w.terraform("plan", "-out=p").exits(t, 0)
	w.terraform("apply", "p").exits(t, 0)
	for _, again := range [][]string{{"apply", "-auto-approve"}, {"apply", "p"}} {
		w.killed()
		w.write(providerBlock(bos), template("quiet"))
		plan := w.plan()
		plan.exits(t, 2)
		plan.says(t, "Session template is there already and is taken over", "writes nothing")
		if again[1] == "p" {
			w.terraform("plan", "-out=p").exits(t, 0)
		}
		w.terraform(again...).exits(t, 0)
		w.plan().exits(t, 0)
	}
	if n := bos.Requests("PUT", "/v2/sessiontemplates/compute"); n != 1 {
		t.Errorf("the template was written %d times", n)
	}
}

func TestATemplateThatDiffersInTheLeastIsNotTakenOver(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"))
	w.apply().exits(t, 0)
	w.killed()
	for name, other := range map[string]string{
		"another description":           strings.Replace(template("quiet"), "enable_cfs = false", "enable_cfs = false\n  description = \"mine\"", 1),
		"another set of nodes":          strings.Replace(template("quiet"), "[\"Compute\"]", "[\"Compute\", \"Application\"]", 1),
		"content that is not known yet": `resource "terraform_data" "p" { input = "quiet" }` + strings.Replace(template("quiet"), "\"quiet\"", "terraform_data.p.output", 1),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			w.write(providerBlock(bos), other)
			apply := w.apply()
			apply.exits(t, 1)
			apply.says(t, "Error: Session template already exists")
		})
	}
	w.write(providerBlock(bos), template("loud"), "import {\n  to = bos_session_template.compute\n  id = \"compute\"\n}\n")
	w.apply().exits(t, 0) // what the message says
	w.plan().exits(t, 0)
}

func TestTwoResourcesOfOneTemplateAreRefusedAtPlan(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	first, second := template("quiet"), strings.Replace(template("quiet"), "\"compute\"", "\"again\"", 1)
	second = strings.Replace(second, `name       = "again"`, `name       = "compute"`, 1)
	w.write(providerBlock(bos), first, second)
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "Two resources for one session template")
	if n := bos.Requests("PUT", "/v2/sessiontemplates/compute"); n != 0 {
		t.Errorf("the template was written %d times", n)
	}
}

func TestATemplateWhoseResourceIsRenamedWithoutAMovedBlockSurvives(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"))
	w.apply().exits(t, 0)
	w.write(providerBlock(bos), strings.Replace(template("quiet"), `"bos_session_template" "compute"`, `"bos_session_template" "renamed"`, 1))
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
}

func TestATemplateIsReplacedBeforeItIsDestroyed(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.write(providerBlock(bos), strings.Replace(template("quiet"), "enable_cfs = false", "enable_cfs = false\n  lifecycle { create_before_destroy = true }", 1))
	w.apply().exits(t, 0)
	w.apply("-replace=bos_session_template.compute").exits(t, 0)
	w.plan().exits(t, 0)
}
