package provider_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// theirs has somebody else's session at work on the first two nodes until it is let go of.
func (r *realBOS) theirs(t *testing.T) (busy string, letGo func()) {
	t.Helper()
	letGo = r.inFlight(t)
	busy = bos.Fold(r.nodes()[:2])
	send(t, http.MethodPost, r.url+"/x/v1/sessions", strings.NewReader(`{"name":"theirs","template_name":"compute","operation":"reboot","limit":"`+busy+`","reason":"night shift"}`))
	r.running(t, "theirs")
	return busy, letGo
}

// running returns once a session has its nodes.
func (r *realBOS) running(t *testing.T, name string) {
	t.Helper()
	r.becomes(t, name, bos.SessionRunning)
}

// becomes returns once a session is so.
func (r *realBOS) becomes(t *testing.T, name string, status bos.SessionPhase) {
	t.Helper()
	for t.Context().Err() == nil {
		if slices.ContainsFunc(r.sessions(t), func(s bos.Session) bool { return s.Name == name && s.Status.Status == status }) {
			return
		}
	}
}

// atWork has a session of a workspace at work, for which Terraform does not wait, until it is
// let go of.
func atWork(t *testing.T, applying, session string) (r *realBOS, w *workspace, name string, letGo func()) {
	t.Helper()
	r = startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	letGo = r.inFlight(t)
	w = newWorkspace(t)
	w.write(r.block(applying), session)
	w.apply().exits(t, 0)
	name = r.sessions(t)[0].Name
	r.running(t, name)
	return r, w, name, letGo
}

func TestASessionTakesNoNodesFromAnotherUnlessItSaysSo(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	busy, letGo := r.theirs(t)
	for _, applying := range []string{"", "applying = terraform.applying"} {
		w := newWorkspace(t)
		w.write(r.block(applying), aSession())
		plan := w.plan()
		plan.exits(t, 1)
		plan.says(t, "Error: Nodes are busy with another session: the session to reboot template \"compute\"", "2 nodes are busy with session theirs", "night shift",
			busy, "No node was touched", `overlap = "queue"`, `overlap = "take_over"`)
		// What it leaves alone it is not refused for.
		w.write(r.block(applying), aSession(`limit = "all,!`+busy+`"`))
		w.plan().exits(t, 2)
		w.write(r.block(applying), aSession(`overlap = "take_over"`))
		w.plan().says(t, "2 nodes are busy with session theirs", "which this takes them from: "+busy)
	}
	w := newWorkspace(t)
	w.write(r.block(), aSession(`overlap = "queue"`))
	w.plan().says(t, "2 nodes are busy with session theirs", "for which this waits: "+busy)
	created := r.asked("POST /x/v1/sessions$")
	go func() {
		<-created
		letGo()
	}()
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["succeeded"] != true || got["node_count"] != 4.0 || got["error"] != "" {
		t.Errorf("the session that waited is %v", got)
	}
	for _, s := range r.sessions(t) {
		if s.Status.Error != nil || s.Status.Status != bos.SessionComplete {
			t.Errorf("session %s is %+v", s.Name, s.Status)
		}
	}
	for i, id := range r.nodes() {
		if n := len(r.room.Room().Resets(id)); (n > 2) != (i < 2) {
			t.Errorf("%s had %d power actions", id, n)
		}
	}
	w.plan().says(t, "No changes")
	// A change of the rule runs nothing.
	w.write(r.block(), aSession())
	w.apply().says(t, "0 added, 1 changed, 0 destroyed")
	if all := r.sessions(t); len(all) != 2 {
		t.Errorf("%d sessions ran", len(all))
	}
}

func TestASessionThatSomebodyBeganAfterThePlanKeepsItsNodes(t *testing.T) {
	t.Parallel()
	whetherItAppliesIsToldOrNot(t, func(t *testing.T, applying string) {
		r := startReal(t, 50*time.Millisecond)
		r.aTemplate(t, "quiet")
		w := newWorkspace(t)
		w.write(r.block(applying), aSession())
		w.terraform("plan", "-no-color", "-input=false", "-out=p").exits(t, 0)
		r.theirs(t)
		before := resets(r)
		apply := w.terraform("apply", "-no-color", "-input=false", "p")
		apply.exits(t, 1)
		apply.says(t, "Nodes are busy with another session", "theirs")
		if all := r.sessions(t); len(all) != 1 || resets(r) != before {
			t.Errorf("%d sessions ran, with %d power actions after %d", len(all), resets(r), before)
		}
	})
}

// A session that replaces its predecessor takes the nodes that it is at work on, however
// Terraform comes to replace it, and nobody else's.
func TestASessionTakesTheNodesOfTheOneThatItReplaces(t *testing.T) {
	t.Parallel()
	const before, rolls = "wait_for_completion = false\n  ", `triggers = { run = "2" }`
	const first = "\n  lifecycle {\n    create_before_destroy = true\n  }"
	unknown := "resource \"terraform_data\" \"later\" {\n  input = \"Compute\"\n}\n"
	for name, c := range map[string]struct {
		applying    bool
		was, is     string
		more, force string
	}{
		"by a trigger":                                        {false, "", rolls, "", ""},
		"by a trigger, with applying":                         {true, "", rolls, "", ""},
		"before it is destroyed":                              {false, first, rolls + first, "", ""},
		"before it is destroyed, with applying":               {true, first, rolls + first, "", ""},
		"by force":                                            {false, "", "", "", "-replace=bos_session.boot"},
		"by force, with applying":                             {true, "", "", "", "-replace=bos_session.boot"},
		"by another name":                                     {false, `name = "monday"`, `name = "tuesday"`, "", ""},
		"by another name, before it is destroyed":             {true, `name = "monday"` + first, `name = "tuesday"` + first, "", ""},
		"where it is cancelled":                               {false, `on_destroy = "cancel"`, rolls + "\n  " + `on_destroy = "cancel"`, "", ""},
		"by another operation":                                {false, "", `operation = "shutdown"`, "", ""},
		"by another limit":                                    {false, "", `limit = "Compute"`, "", ""},
		"by a limit that is known at apply":                   {false, "", "limit = terraform_data.later.output", unknown, ""},
		"by a limit that is known at apply, with applying":    {true, "", "limit = terraform_data.later.output", unknown, ""},
		"for which it would wait, if it were somebody else's": {false, "", `overlap = "queue"` + "\n  " + rolls, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			applying := ""
			if c.applying {
				applying = "applying = terraform.applying"
			}
			r, w, old, letGo := atWork(t, applying, aSession(before+c.was))
			block := r.block(applying)

			session := aSession(before + c.is)
			if strings.Contains(c.is, "operation") {
				session = strings.Replace(session, "  operation = \"reboot\"\n", "", 1)
			}
			w.write(block, c.more, session)
			plan := w.terraform(plain("plan", "-out=p", c.force)...)
			plan.exits(t, 0)
			plan.says(t, "1 to destroy")
			if strings.Contains(plan.out, "goes on with session") {
				t.Errorf("the plan goes on with the session that is replaced:\n%s", plan.out)
			}
			if c.more == "" && c.force == "" { // of what is replaced by force Terraform shows no warning
				plan.says(t, "4 nodes are busy with session "+old, "which this replaces and takes them from")
			}
			apply := w.terraform("apply", "-no-color", "-input=false", "p")
			apply.exits(t, 0)
			now := w.attributes("bos_session.boot")["name"]
			letGo()
			if now == old {
				t.Fatalf("session %s was not replaced: %v\n%s", old, r.sessions(t), apply.out)
			}
			w.write(block, c.more, strings.Replace(session, before, "", 1))
			w.apply().exits(t, 0)
			if got := w.attributes("bos_session.boot"); got["succeeded"] != true || got["node_count"] != 4.0 || got["name"] != now {
				t.Errorf("the session that replaced %s is %v", old, got)
			}
		})
	}
}

// plain is a command without what is not given.
func plain(command string, args ...string) []string {
	all := []string{command, "-no-color", "-input=false"}
	for _, arg := range args {
		if arg != "" {
			all = append(all, arg)
		}
	}
	return all
}

func TestASessionThatReplacesAnotherTakesNoNodesOfAThird(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	letGo := r.inFlight(t)
	w := newWorkspace(t)
	w.write(r.block(), aSession("wait_for_completion = false", `limit = "`+r.nodes()[0]+`"`))
	w.apply().exits(t, 0)
	r.running(t, r.sessions(t)[0].Name)
	send(t, http.MethodPost, r.url+"/x/v1/sessions", strings.NewReader(`{"name":"theirs","template_name":"compute","operation":"reboot","limit":"`+r.nodes()[3]+`"}`))
	r.running(t, "theirs")
	w.write(r.block(), aSession())
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "1 node is busy with session theirs")
	if strings.Contains(plan.out, "2 nodes are busy") || strings.Contains(plan.out, "busy with session terraform-") {
		t.Errorf("the session that is replaced is in the way:\n%s", plan.out)
	}
	letGo()
}

// An apply that was killed leaves a session behind, which what comes after goes on with or
// is kept from taking nodes from.
func TestWhatAKilledApplyBeganInPlaceOfAnotherSessionIsGoneOnWith(t *testing.T) {
	t.Parallel()
	r, w, _, letGo := atWork(t, "", aSession("wait_for_completion = false"))
	state, err := os.ReadFile(filepath.Join(w.dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	next := aSession("wait_for_completion = false", `triggers = { run = "2" }`, "lifecycle {\n    create_before_destroy = true\n  }")
	w.write(r.block(), next)
	w.apply().exits(t, 0)
	began := fmt.Sprint(w.attributes("bos_session.boot")["name"])
	w.add("terraform.tfstate", string(state)) // as a kill leaves it, after BOS accepted the session and before that was saved
	w.plan().says(t, "goes on with session "+began)
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot")["name"]; got != began {
		t.Errorf("after session %v the resource has %v", began, got)
	}
	// What has another purpose is no part of it.
	w.killed()
	w.write(r.block(), aSession(`triggers = { run = "3" }`))
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "4 nodes are busy with session "+began)
	letGo()
}

func TestARenamedSessionWithAnotherPurposeIsToldOfAMovedBlock(t *testing.T) {
	t.Parallel()
	r, w, _, letGo := atWork(t, "", aSession("wait_for_completion = false"))
	renamed := strings.Replace(aSession(`triggers = { run = "2" }`, "wait_for_completion = false"), `"boot"`, `"renamed"`, 1)
	w.write(r.block(), renamed)
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "Nodes are busy with another session")
	w.write(r.block(), renamed, "moved {\n  from = bos_session.boot\n  to   = bos_session.renamed\n}\n")
	w.apply().exits(t, 0)
	letGo()
	if all := r.sessions(t); len(all) != 2 {
		t.Errorf("%d sessions ran", len(all))
	}
}

func TestWhatSparesTheNodesOfOthersIsRefusedAtPlanByAPlainBOS(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	r.plain.Store(true)
	for rule, code := range map[string]int{"reject": 1, "queue": 1, "take_over": 2} {
		w := newWorkspace(t)
		w.write(r.block(), aSession(`overlap = "`+rule+`"`))
		plan := w.plan()
		plan.exits(t, code)
		if code == 1 {
			plan.says(t, "This BOS takes nodes from other sessions", "is a plain BOS v2", `"overlap"`)
		}
	}
}

// Where one session comes after another one of the same nodes, and the wait for that one
// was cut off, the next apply waits for it before it starts this one.
func TestASessionThatComesAfterOneThatIsWaitedForIsPlannedWhileThatOneIsAtWork(t *testing.T) {
	t.Parallel()
	whetherItAppliesIsToldOrNot(t, func(t *testing.T, applying string) {
		r, w, old, letGo := atWork(t, applying, aSession("wait_for_completion = false"))

		next := strings.Replace(aSession(`triggers = { run = "2" }`, "depends_on = [bos_session.boot]"), `"boot"`, `"next"`, 1)
		w.write(r.block(applying), aSession("wait_for_completion = false"), next)
		plan := w.plan() // nobody waits for it
		plan.exits(t, 1)
		plan.says(t, "4 nodes are busy with session "+old)
		w.write(r.block(applying), aSession(), next)
		plan = w.terraform("plan", "-no-color", "-input=false", "-out=p")
		plan.exits(t, 0)
		plan.says(t, "4 nodes are busy with session "+old, "for which this apply waits", "Waits for session "+old)
		again := r.asked("GET /v2/sessions/" + old)
		go func() {
			<-again
			letGo()
		}()
		apply := w.terraform("apply", "-no-color", "-input=false", "p")
		apply.exits(t, 0)
		for _, address := range []string{"bos_session.boot", "bos_session.next"} {
			if got := w.attributes(address); got["succeeded"] != true || got["node_count"] != 4.0 {
				t.Errorf("%s is %v", address, got)
			}
		}
		for _, id := range r.nodes() {
			if n := len(r.room.Room().Resets(id)); n != 3 {
				t.Errorf("%s had %d power actions, want those of a start and a reboot", id, n)
			}
		}
	})
}
