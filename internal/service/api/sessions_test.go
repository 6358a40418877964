package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func boot(name string) object {
	return object{"name": name, "operation": "boot", "template_name": "t1"}
}

func TestASessionIsAcceptedWithTheTemplateOfTheMoment(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.advance(1500 * time.Millisecond)
	r := s.do("POST", "/v2/sessions", with(boot("s1"), "limit", nil))
	var got object
	r.ok(http.StatusCreated, &got)
	want := object{
		"components": "", "include_disabled": false, "limit": "", "name": "s1", "operation": "boot", "stage": false,
		"status":        object{"start_time": "2026-03-01T12:00:01", "end_time": nil, "error": nil, "status": "pending"},
		"template_name": "t1", "tenant": nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	s.putTemplate("t1", withSet("kernel_parameters", "changed"))
	rec, err := s.store.Session(t.Context(), bos.SessionKey{Name: "s1"})
	if err != nil {
		t.Fatal(err)
	}
	if rec.Template.BootSets["compute"].KernelParameters != "" || !rec.Created.Equal(noon.Add(1500*time.Millisecond)) {
		t.Errorf("%+v", rec)
	}
	if got := s.lastChange().Sessions; !slices.Equal(got, []bos.SessionKey{{Name: "s1"}}) {
		t.Errorf("the engine was told %v", got)
	}
}

func TestASessionWithoutANameGetsOne(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	body := object{"operation": "shutdown", "template_name": "t1"}
	var one, two bos.Session
	s.do("POST", "/v2/sessions", body).ok(http.StatusCreated, &one)
	s.do("POST", "/v2/sessions", body).ok(http.StatusCreated, &two)
	if !bos.ValidName(one.Name) || one.Name == two.Name {
		t.Errorf("%q, %q", one.Name, two.Name)
	}
}

func TestOnlyOneOfManySessionsGetsAName(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	const clients = 16
	var wait sync.WaitGroup
	answers := make([]reply, clients)
	for i := range clients {
		wait.Go(func() { answers[i] = s.do("POST", "/v2/sessions", boot("s1")) })
	}
	wait.Wait()
	created := 0
	for _, answer := range answers {
		if answer.status == http.StatusCreated {
			created++
			continue
		}
		answer.refused(http.StatusConflict, titleExists, "Session 's1' already exists")
	}
	if created != 1 {
		t.Errorf("%d sessions were created", created)
	}
}

func TestASessionThatCannotWorkIsRefused(t *testing.T) {
	configured := with(template(), "cfs", object{"configuration": "base"})
	overlap := object{"boot_sets": object{
		"a": object{"path": "s3://boot-images/one/manifest.json", "type": "s3", "node_list": []string{"x1c0s1b0n0"}},
		"b": object{"path": "s3://boot-images/one/manifest.json", "type": "s3", "node_groups": []string{"blue"}},
	}}
	for name, c := range map[string]struct {
		template object
		change   func(*site)
		body     object
		status   int
		words    []string
	}{
		"template missing":     {nil, nil, boot("s1"), 400, []string{"Session Template Name invalid: t1"}},
		"bad template name":    {nil, nil, with(boot("s1"), "template_name", "-"), 400, []string{"template_name"}},
		"bad name":             {template(), nil, boot("-"), 400, []string{"name"}},
		"image missing":        {withSet("path", "s3://b/none"), nil, boot("s1"), 400, []string{"Session template fails check: ", "'compute'", "s3://b/none"}},
		"image unreadable":     {template(), func(s *site) { s.imgErr = errOutage }, boot("s1"), 503, []string{"compute", "connection refused"}},
		"type not bootable":    {withSet("type", "nfs"), nil, boot("s1"), 400, []string{"Session template fails check", "nfs"}},
		"empty term in limit":  {template(), nil, with(boot("s1"), "limit", "a,,b"), 400, []string{"limit", "term 2"}},
		"node in two sets":     {overlap, nil, boot("s1"), 400, []string{"x1c0s1b0n0", `"a"`, `"b"`}},
		"no inventory":         {template(), func(s *site) { s.config.Inventory = nil }, boot("s1"), 400, []string{"inventory.hsm"}},
		"no artifacts":         {template(), func(s *site) { s.config.Artifacts = nil }, boot("s1"), 400, []string{"artifacts.s3"}},
		"configuration wanted": {configured, func(s *site) { s.config.Configuration = false }, boot("s1"), 400, []string{"base", "enable_cfs", "configuration.cfs"}},
		"too long limit":       {template(), nil, with(boot("s1"), "limit", strings.Repeat("x", bos.MaxLimit+1)), 400, []string{"limit"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			if c.template != nil {
				s.putTemplate("t1", c.template)
			}
			if c.change != nil {
				c.change(s)
				s.serveAll()
			}
			s.do("POST", "/v2/sessions", c.body).refused(c.status, "", c.words...)
			if r := s.do("GET", "/v2/sessions", nil).ok(http.StatusOK, nil); r.body != "[]\n" {
				t.Errorf("something was created: %s", r.body)
			}
		})
	}
}

func TestASessionIsAcceptedAndItsSetupWaitsForTheInventory(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.invErr = errOutage
	s.do("POST", "/v2/sessions", boot("s1")).ok(http.StatusCreated, nil)
}

func TestAShutdownNeedsNeitherImagesNorConfiguration(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Configuration, c.Artifacts = false, nil })
	s.putTemplate("t1", with(withSet("path", "s3://b/none"), "cfs", object{"configuration": "base"}))
	s.do("POST", "/v2/sessions", with(boot("s1"), "operation", "shutdown")).ok(http.StatusCreated, nil)
}

func TestOptionsRestrictSessions(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.do("PATCH", "/v2/options", object{"session_limit_required": true, "reject_nids": true}).ok(http.StatusOK, nil)
	s.do("POST", "/v2/sessions", boot("s1")).refused(http.StatusBadRequest, "", "limit", "session_limit_required")
	s.do("POST", "/v2/sessions", with(boot("s1"), "limit", "Compute,!nid000001")).refused(http.StatusBadRequest, "", "nid000001")
	s.do("POST", "/v2/sessions", with(boot("s1"), "limit", "*")).ok(http.StatusCreated, nil)
}

func TestSessionsOfATenant(t *testing.T) {
	s := newSite(t)
	red := []string{tenantHeader, "red"}
	s.putTemplate("t1", withSet("node_roles_groups", []string{"Compute"}), red...)
	s.do("POST", "/v2/sessions", boot("s1")).refused(http.StatusBadRequest, "", "Session Template Name invalid: t1")
	var got bos.Session
	s.do("POST", "/v2/sessions", boot("s1"), red...).ok(http.StatusCreated, &got)
	if bos.TenantOf(got.Tenant) != "red" {
		t.Errorf("%+v", got)
	}
	s.putTemplate("t1", template())
	s.do("POST", "/v2/sessions", boot("s1")).ok(http.StatusCreated, nil)
	s.do("GET", "/v2/sessions/s1", nil, red...).ok(http.StatusOK, &got)
	if bos.TenantOf(got.Tenant) != "red" {
		t.Errorf("%+v", got)
	}
	var list []bos.Session
	s.do("GET", "/v2/sessions", nil).ok(http.StatusOK, &list)
	if len(list) != 2 {
		t.Errorf("%d sessions are listed, want those of everyone", len(list))
	}
	s.do("DELETE", "/v2/sessions?status=pending", nil).ok(http.StatusNoContent, nil)
	s.do("GET", "/v2/sessions/s1", nil, red...).ok(http.StatusOK, nil)
	s.do("GET", "/v2/sessions/s1", nil).refused(http.StatusNotFound, titleNotFound, "Session 's1' does not exist")
	s.putTemplate("foreign", withSet("node_list", []string{"x1c0s2b0n0"}), red...)
	s.do("POST", "/v2/sessions", with(boot("s2"), "template_name", "foreign"), red...).refused(http.StatusBadRequest, "", "x1c0s2b0n0")
}

// history makes three sessions: one complete and two days old, one running and
// an hour old, one pending of now.
func history(s *site) {
	s.putTemplate("t1", template())
	for _, step := range []struct {
		name  string
		phase bos.SessionPhase
		then  time.Duration
	}{{"old", bos.SessionComplete, 47 * time.Hour}, {"run", bos.SessionRunning, time.Hour}, {"new", bos.SessionPending, 0}} {
		s.do("POST", "/v2/sessions", boot(step.name)).ok(http.StatusCreated, nil)
		s.setSession(step.name, func(r *bos.SessionRecord) { r.Status.Status = step.phase })
		s.advance(step.then)
	}
}

func (s *site) sessionNames(query string) []string {
	s.t.Helper()
	var list []bos.Session
	s.do("GET", "/v2/sessions"+query, nil).ok(http.StatusOK, &list)
	names := []string{}
	for _, got := range list {
		names = append(names, got.Name)
	}
	return names
}

func TestSessionsAreFilteredByStatusAndAge(t *testing.T) {
	s := newSite(t)
	history(s)
	for query, want := range map[string][]string{
		"":                           {"old", "run", "new"},
		"?status=complete":           {"old"},
		"?min_age=1h":                {"old", "run"},
		"?min_age=2D":                {"old"},
		"?min_age=9999999w":          {},
		"?max_age=90m":               {"run", "new"},
		"?min_age=0&max_age=0":       {"new"},
		"?max_age=1d&status=running": {"run"},
	} {
		if diff := cmp.Diff(want, s.sessionNames(query)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	for _, query := range []string{"?min_age=1", "?max_age=01h", "?max_age=1h30m", "?status=done", "?min_age=", "?min_age=123456789d"} {
		s.do("GET", "/v2/sessions"+query, nil).refused(http.StatusBadRequest, "", "query parameter")
		s.do("DELETE", "/v2/sessions"+query, nil).refused(http.StatusBadRequest, "", "query parameter")
	}
}

func TestBulkDeleteTakesCompleteSessionsOnlyUnlessStatusSaysOtherwise(t *testing.T) {
	for query, left := range map[string][]string{
		"":                           {"run", "new"},
		"?status=running":            {"old", "new"},
		"?max_age=0":                 {"old", "run", "new"},
		"?min_age=3d":                {"old", "run", "new"},
		"?min_age=1h&status=running": {"old", "new"},
	} {
		s := newSite(t)
		history(s)
		s.do("DELETE", "/v2/sessions"+query, nil).ok(http.StatusNoContent, nil)
		if diff := cmp.Diff(left, s.sessionNames("")); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func TestDeleteSession(t *testing.T) {
	s := newSite(t)
	history(s)
	s.do("DELETE", "/v2/sessions/run", nil).ok(http.StatusNoContent, nil)
	if got := s.lastChange().Sessions; !slices.Equal(got, []bos.SessionKey{{Name: "run"}}) {
		t.Errorf("the engine was told %v", got)
	}
	s.do("DELETE", "/v2/sessions/run", nil).refused(http.StatusNotFound, titleNotFound, "Session 'run' does not exist")
	s.do("GET", "/v2/sessions/-", nil).refused(http.StatusBadRequest, "")
}

func TestPatchSessionTakesComponentsAndStatusOnly(t *testing.T) {
	s := newSite(t)
	history(s)
	var got bos.Session
	s.do("PATCH", "/v2/sessions/new", object{
		"components": "a,b", "status": object{"status": "complete", "end_time": "2026-03-03T12:00:00", "error": "stopped by hand"},
	}).ok(http.StatusOK, &got)
	if got.Components != "a,b" || got.Status.Status != bos.SessionComplete || got.Status.EndTime.String() != "2026-03-03T12:00:00" || *got.Status.Error != "stopped by hand" {
		t.Errorf("%+v", got)
	}
	s.do("PATCH", "/v2/sessions/new", object{"status": object{"end_time": nil, "error": nil}}).ok(http.StatusOK, &got)
	if got.Status.Error != nil || !got.Status.EndTime.IsZero() || got.Components != "a,b" {
		t.Errorf("%+v", got)
	}
	s.do("PATCH", "/v2/sessions/new", object{}).ok(http.StatusOK, nil)
	for name, body := range map[string]object{
		"going back":     {"status": object{"status": "running"}},
		"unknown status": {"status": object{"status": "done"}},
		"limit":          {"limit": "x"},
		"null start":     {"status": object{"start_time": nil}},
		"no time":        {"status": object{"start_time": "yesterday"}},
		"long list":      {"components": strings.Repeat("x", bos.MaxLimit+1)},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.do("PATCH", "/v2/sessions/new", body).refused(http.StatusBadRequest, "")
		})
	}
	s.t = t
	s.do("PATCH", "/v2/sessions/none", object{}).refused(http.StatusNotFound, titleNotFound)
}

func TestSessionStatusIsOfNowUntilItIsSaved(t *testing.T) {
	s := newSite(t)
	history(s)
	s.record("a", func(r *bos.Record) { r.Session, r.Status.StatusOverride, r.Error = "run", bos.StatusFailed, "broken" })
	s.record("b", func(r *bos.Record) { r.Session, r.StagedState.Session = "run", "run" })
	s.record("c", func(r *bos.Record) { r.StagedState.Session = "run" })
	var status bos.ExtendedStatus
	s.do("GET", "/v2/sessions/run/status", nil).ok(http.StatusOK, &status)
	if status.ManagedComponentsCount != 3 || status.Status != bos.SessionRunning || status.ErrorSummary["broken"].List != "a" {
		t.Errorf("%+v", status)
	}
	s.setSession("run", func(r *bos.SessionRecord) { r.Status.Status = bos.SessionComplete })
	s.do("POST", "/v2/sessions/run/status", nil).ok(http.StatusOK, &status)
	s.do("PUT", "/v2/components", []object{{"id": "a", "session": ""}, {"id": "b", "session": ""}}).ok(http.StatusOK, nil)
	var saved bos.ExtendedStatus
	s.do("GET", "/v2/sessions/run/status", nil).ok(http.StatusOK, &saved)
	if diff := cmp.Diff(status, saved); diff != "" {
		t.Error("the saved status changed", diff)
	}
	for _, method := range []string{"GET", "POST"} {
		s.do(method, "/v2/sessions/none/status", nil).refused(http.StatusNotFound, titleNotFound)
	}
}

// noTime leaves out when a node was done with.
var noTime = cmpopts.IgnoreFields(bos.NodeOutcome{}, "Since", "Began", "Finished")

func TestOutcomesOfASessionArePaged(t *testing.T) {
	s := newSite(t)
	history(s)
	for _, id := range []string{"a", "b", "c"} {
		s.record(id, func(r *bos.Record) {
			r.Session, r.Error, r.Status.StatusOverride, r.Work.Cause = "run", "no answer", bos.StatusFailed, bos.CauseBootTimeout
		})
	}
	s.record("d", nil)
	var seen []string
	path := "/x/v1/sessions/run/components?page_size=2"
	for after := ""; ; {
		var page bos.NodeOutcomes
		s.do("GET", path+after, nil).ok(http.StatusOK, &page)
		for _, n := range page.Components {
			want := bos.NodeOutcome{ID: n.ID, Status: bos.StatusFailed, Error: "no answer", Cause: bos.CauseBootTimeout, Sentence: bos.CauseBootTimeout.Sentence()}
			if diff := cmp.Diff(want, n, noTime); diff != "" {
				t.Error(diff)
			}
			seen = append(seen, n.ID)
		}
		if page.Next == "" {
			break
		}
		after = "&start_after_id=" + page.Next
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, seen); diff != "" {
		t.Error(diff)
	}
	if r := s.do("GET", "/x/v1/sessions/new/components", nil).ok(http.StatusOK, nil); r.body != `{"components":[]}`+"\n" {
		t.Errorf("no outcomes: %s", r.body)
	}
	s.do("GET", "/x/v1/sessions/none/components", nil).refused(http.StatusNotFound, titleNotFound)
	s.do("GET", "/x/v1/sessions/run/components?page_size=10001", nil).refused(http.StatusBadRequest, "")
	s.do("GET", "/x/v1/sessions/run/components?page_size=0", nil).refused(http.StatusBadRequest, "")
}

func TestOutcomesTellNodesThatWaitForTheirStageFromOwnedOnes(t *testing.T) {
	s := newSite(t)
	history(s)
	s.record("a", func(r *bos.Record) { r.StagedState.Session, r.Error, r.Session = "run", "of another session", "other" })
	s.record("b", func(r *bos.Record) { r.Session, r.StagedState.Session, r.Work.Applied = "run", "run", "run" })
	s.record("c", func(r *bos.Record) { r.Session, r.StagedState.Session, r.Work.Applied = "newer", "run", "run" })
	s.record("d", func(r *bos.Record) { r.StagedState.Session, r.Enabled = "run", true })
	s.record("e", func(r *bos.Record) { r.Session = "run" })
	want := []bos.NodeOutcome{
		{ID: "a", Status: bos.StatusStaged}, {ID: "b", Status: bos.StatusStable}, {ID: "d", Status: bos.StatusStaged}, {ID: "e", Status: bos.StatusStable},
	}
	for _, size := range []int{1, 2, 3, 4, 100} {
		var seen []bos.NodeOutcome
		for after := ""; ; {
			var page bos.NodeOutcomes
			s.do("GET", fmt.Sprintf("/x/v1/sessions/run/components?page_size=%d%s", size, after), nil).ok(http.StatusOK, &page)
			seen = append(seen, page.Components...)
			if page.Next == "" {
				break
			}
			after = "&start_after_id=" + page.Next
		}
		if diff := cmp.Diff(want, seen, noTime); diff != "" {
			t.Errorf("pages of %d: %s", size, diff)
		}
	}
}

func TestASessionIsAcceptedWithAnImageThatOnlyItsSetupFailsOn(t *testing.T) {
	s := newSite(t)
	const path = "s3://boot-images/one/manifest.json"
	image := s.images[path]
	image.Initrd, image.Fault = bos.Artifact{}, "there is no initrd"
	s.images[path] = image
	s.record("x1c0s1b0n0", nil)
	s.putTemplate("t1", template())
	if got := s.valid("t1"); got != "Session template: 't1' boot set: 'compute': the session's setup will fail: there is no initrd" {
		t.Errorf("the check says %q", got)
	}
	preview := s.preview(ask())
	if len(preview.Effects) == 0 || preview.Effects[0].Effect != bos.NodeFails || !strings.Contains(preview.Effects[0].Reason, "no initrd") || len(preview.Warnings) != 1 {
		t.Errorf("the preview has %+v and warns of %q", preview.Effects, preview.Warnings)
	}
	for _, operation := range bos.Operations() {
		s.do("POST", "/v2/sessions", with(boot(string(operation)), "operation", operation)).ok(http.StatusCreated, nil)
	}
}
