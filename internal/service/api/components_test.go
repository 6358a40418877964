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

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func ids(list []bos.Component) []string {
	names := []string{}
	for _, c := range list {
		names = append(names, c.ID)
	}
	return names
}

func TestComponentsAreFiltered(t *testing.T) {
	s := newSite(t)
	s.record("a", func(r *bos.Record) { r.Enabled, r.Session, r.Status.Phase = true, "s1", bos.PhasePoweringOn })
	s.record("b", func(r *bos.Record) { r.Session, r.Status.StatusOverride = "s1", bos.StatusFailed })
	s.record("c", func(r *bos.Record) { r.StagedState.Session = "s2" })
	s.record("d", func(r *bos.Record) { r.Enabled, r.Status.Phase = true, bos.PhaseConfiguring })
	for query, want := range map[string][]string{
		"":                                   {"a", "b", "c", "d"},
		"?enabled=false":                     {"b", "c"},
		"?enabled=TRUE":                      {"a", "d"},
		"?phase=":                            {"b", "c"},
		"?phase=powering_on":                 {"a"},
		"?status=failed,configuring":         {"b", "d"},
		"?session=s1":                        {"a", "b"},
		"?session=s1&enabled=False":          {"b"},
		"?staged_session=s2":                 {"c"},
		"?ids=d,a,nobody":                    {"a", "d"},
		"?ids=nobody":                        {},
		"?page_size=2":                       {"a", "b"},
		"?page_size=0":                       {"a", "b", "c", "d"},
		"?start_after_id=b":                  {"c", "d"},
		"?start_after_id=a&page_size=1":      {"b"},
		"?unheard_of=1&enabled=true":         {"a", "d"},
		"?ids=" + strings.Repeat("n,", 5000): {},
	} {
		var list []bos.Component
		s.do("GET", "/v2/components"+query, nil).ok(http.StatusOK, &list)
		if diff := cmp.Diff(want, ids(list)); diff != "" {
			t.Errorf("%.60s: %s", query, diff)
		}
	}
	for _, query := range []string{
		"?enabled=maybe", "?phase=booting", "?page_size=-1", "?page_size=many", "?page_size=1048577", "?ids=", "?session=-",
		"?staged_session=", "?start_after_id=", "?status=" + strings.Repeat("s", 513), "?start_after_id=" + strings.Repeat("s", 128),
	} {
		s.do("GET", "/v2/components"+query, nil).refused(http.StatusBadRequest, "", "query parameter")
	}
}

func TestAnEmptyListIsAListAndNoNull(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/v2/components", "/v2/sessions", "/v2/sessiontemplates"} {
		if r := s.do("GET", path, nil).ok(http.StatusOK, nil); r.body != "[]\n" {
			t.Errorf("%s: %q", path, r.body)
		}
	}
}

func TestPutComponentReplacesAndPatchMerges(t *testing.T) {
	s := newSite(t)
	var c bos.Component
	s.do("PUT", "/v2/components/x1", object{"retry_policy": 0, "error": "old", "desired_state": object{"configuration": "base"}}).ok(http.StatusOK, &c)
	if c.RetryPolicy == nil || *c.RetryPolicy != 0 || c.DesiredState.Configuration != "base" || c.Status.Status != bos.StatusStable {
		t.Errorf("%+v", c)
	}
	if got := s.lastChange().Records; len(got) != 1 || got[0].ID != "x1" || got[0].Revision != s.stored("x1").Revision || got[0].DesiredState.Configuration != "base" {
		t.Errorf("the engine was told %+v", got)
	}
	s.do("PATCH", "/v2/components/x1", object{"id": "x1", "desired_state": object{"boot_artifacts": object{"kernel": "k"}}}).ok(http.StatusOK, &c)
	if c.Error != "old" || c.DesiredState.Configuration != "base" || c.DesiredState.BootArtifacts.Kernel != "k" {
		t.Errorf("a patch lost something: %+v", c)
	}
	var again bos.Component
	s.do("PUT", "/v2/components/x1", object{"error": "new"}).ok(http.StatusOK, &again)
	if diff := cmp.Diff(bos.Component{ID: "x1", Error: "new"}.View(), again); diff != "" {
		t.Error("a put kept something", diff)
	}
	var read bos.Component
	s.do("GET", "/v2/components/x1", nil).ok(http.StatusOK, &read)
	if diff := cmp.Diff(again, read); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyStringIsNotAnAbsentMember(t *testing.T) {
	s := newSite(t)
	s.record("x1", func(r *bos.Record) {
		r.Error, r.Session, r.RetryPolicy = "broken", "s1", new(int)
		r.DesiredState.BootArtifacts = bos.BootArtifacts{Kernel: "k", Initrd: "i", KernelParameters: "p"}
		r.Status.StatusOverride = bos.StatusFailed
	})
	s.do("PATCH", "/v2/components/x1", object{
		"error": "", "status": object{"status_override": ""}, "desired_state": object{"boot_artifacts": object{"kernel": ""}}, "session": "s2",
	}).ok(http.StatusOK, nil)
	got := s.stored("x1")
	if got.Error != "" || got.Status.StatusOverride != "" || got.Session != "s2" || got.RetryPolicy == nil {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(bos.BootArtifacts{Initrd: "i", KernelParameters: "p"}, got.DesiredState.BootArtifacts); diff != "" {
		t.Error(diff)
	}
}

func TestAComponentThatIsNotThere(t *testing.T) {
	s := newSite(t)
	for _, method := range []string{"GET", "DELETE"} {
		s.do(method, "/v2/components/x9", nil).refused(http.StatusNotFound, titleNotFound, "Component 'x9' does not exist")
	}
	s.do("PATCH", "/v2/components/x9", object{"error": ""}).refused(http.StatusNotFound, titleNotFound, "Component 'x9' does not exist")
	s.record("x9", nil)
	s.do("DELETE", "/v2/components/x9", nil).ok(http.StatusNoContent, nil)
	s.do("GET", "/v2/components/x9", nil).refused(http.StatusNotFound, titleNotFound)
}

func TestComponentBodiesAreClosed(t *testing.T) {
	s := newSite(t)
	s.record("x1", nil)
	for name, body := range map[string]any{
		"nothing":                 object{},
		"a derived status":        object{"status": object{"status": "stable"}},
		"a time":                  object{"actual_state": object{"last_updated": "2026-01-01T00:00:00"}},
		"an unknown member":       object{"colour": "red"},
		"null":                    object{"error": nil},
		"null inside":             object{"desired_state": object{"configuration": nil}},
		"another id":              object{"id": "x2", "error": ""},
		"a negative counter":      object{"event_stats": object{"power_on_attempts": -1}},
		"an unknown phase":        object{"status": object{"phase": "booting"}},
		"an unknown action":       object{"last_action": object{"action": "dance"}},
		"a bad session":           object{"session": "-"},
		"a long configuration":    object{"desired_state": object{"configuration": strings.Repeat("c", 128)}},
		"text for enabled":        object{"enabled": "true"},
		"a retry policy too high": object{"retry_policy": 1048577},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.do("PATCH", "/v2/components/x1", body).refused(http.StatusBadRequest, "")
			s.do("PUT", "/v2/components/x1", body).refused(http.StatusBadRequest, "")
		})
	}
	s.t = t
	s.do("GET", "/v2/components/"+strings.Repeat("x", 128), nil).refused(http.StatusBadRequest, "", "127")
}

func TestAReportWithAKnownTokenTellsWhatWasBooted(t *testing.T) {
	s := newSite(t)
	booted := bos.BootArtifacts{Kernel: "k", Initrd: "i", KernelParameters: "p"}
	s.token("T", booted)
	s.record("x1", func(r *bos.Record) {
		r.Enabled, r.Status.Phase, r.LastAction.Action = true, bos.PhasePoweringOn, bos.ActionPoweringOn
		r.Work = bos.Work{Prepared: bos.Prepared{Boot: "p"}, Cause: bos.CauseBootTimeout}
	})
	work := s.stored("x1").Work
	s.do("PATCH", "/v2/components/x1", `{"id":"x1","actual_state":{"bss_token":"T"}}`).ok(http.StatusOK, nil)
	got := s.stored("x1")
	if diff := cmp.Diff(bos.ActualState{BootArtifacts: booted, BSSToken: "T", LastUpdated: bos.At(noon)}, got.ActualState); diff != "" {
		t.Error(diff)
	}
	if got.Work != work {
		t.Errorf("a report changed the engine's memory: %+v", got.Work)
	}
	s.advance(time.Hour)
	s.do("PATCH", "/v2/components/x1", `{"id":"x1","actual_state":{"bss_token":"unknown"}}`).ok(http.StatusOK, nil)
	if got := s.stored("x1").ActualState; got.BSSToken != "unknown" || !got.LastUpdated.Equal(noon) {
		t.Errorf("an unknown token alone is no touch: %+v", got)
	}
}

func TestALateReportIsRefusedWhileBOSMovesTheNode(t *testing.T) {
	s := newSite(t)
	report := object{"actual_state": object{"bss_token": "T"}}
	s.record("x1", func(r *bos.Record) {
		r.Enabled, r.Status.StatusOverride, r.LastAction.Action = true, bos.StatusOnHold, bos.ActionSessionSetup
	})
	s.do("PATCH", "/v2/components/x1", report).refused(http.StatusConflict, titleReportRefused, "x1")
	if got := s.stored("x1").ActualState.BSSToken; got != "" {
		t.Errorf("token %q was written", got)
	}
	s.do("PATCH", "/v2/components/x1", object{"error": "e"}).ok(http.StatusOK, nil)
	s.do("PATCH", "/v2/components", []object{with(report, "id", "x1")}).ok(http.StatusOK, nil)
}

func TestArmingAComponentPutsItOnHold(t *testing.T) {
	s := newSite(t)
	s.record("x1", func(r *bos.Record) {
		r.Enabled, r.Session = true, "s1"
		r.EventStats.PowerOnAttempts = 2
		r.Work = bos.Work{Flight: bos.Flight{Kind: bos.EffectPowerOn}, Prepared: bos.Prepared{Boot: "p"}, BackOff: bos.BackOff{Setbacks: 3}}
	})
	var c bos.Component
	s.do("PATCH", "/v2/components/x1", object{
		"enabled": true, "status": object{"status_override": "failed"}, "desired_state": object{"configuration": "c"},
	}).ok(http.StatusOK, &c)
	if c.Status.Status != bos.StatusOnHold || c.Session != "" || c.EventStats != (bos.EventStats{}) {
		t.Errorf("%+v", c)
	}
	if got := s.stored("x1").Work; got != (bos.Work{Flight: bos.Flight{Kind: bos.EffectPowerOn}}) {
		t.Errorf("work %+v", got)
	}
}

func TestBulkPutAddsReplacesAndTakesTheLastOfOneID(t *testing.T) {
	s := newSite(t)
	s.record("b", func(r *bos.Record) { r.Error = "old" })
	var list []bos.Component
	s.do("PUT", "/v2/components", []object{
		{"id": "b", "enabled": false}, {"id": "a", "error": "first"}, {"id": "a", "session": "s1"},
	}).ok(http.StatusOK, &list)
	want := []bos.Component{bos.Component{ID: "b"}.View(), bos.Component{ID: "a", Session: "s1"}.View()}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	if r := s.do("PUT", "/v2/components", []object{}).ok(http.StatusOK, nil); r.body != "[]\n" {
		t.Errorf("an empty list: %s", r.body)
	}
	for _, body := range []any{[]object{{"error": ""}}, object{"id": "a"}, []object{{"id": ""}}, []object{{"id": "c"}, {"id": "d", "x": 1}}, `[null]`} {
		s.do("PUT", "/v2/components", body).refused(http.StatusBadRequest, "")
	}
	s.do("GET", "/v2/components/c", nil).refused(http.StatusNotFound, titleNotFound)
}

func TestBulkPatchTakesItsThreeForms(t *testing.T) {
	s := newSite(t)
	for _, id := range []string{"a", "b", "c"} {
		s.record(id, func(r *bos.Record) {
			if id != "c" {
				r.Session = "s1"
			}
		})
	}
	for name, c := range map[string]struct {
		body any
		want []string
	}{
		"a list":      {[]object{{"id": "c", "error": "old"}, {"id": "a", "error": "e"}, {"id": "c", "error": "e"}}, []string{"c", "a"}},
		"ids":         {object{"patch": object{"error": "e"}, "filters": object{"ids": "b,c", "session": nil}}, []string{"b", "c"}},
		"a session":   {object{"patch": object{"error": "e"}, "filters": object{"session": "s1", "ids": ""}}, []string{"a", "b"}},
		"no match":    {object{"patch": object{"error": "e"}, "filters": object{"session": "s9"}}, []string{}},
		"white space": {" \n[{\"id\":\"a\",\"error\":\"e\"}]", []string{"a"}},
		"nothing":     {[]object{}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			var list []bos.Component
			s.do("PATCH", "/v2/components", c.body).ok(http.StatusOK, &list)
			if diff := cmp.Diff(c.want, ids(list)); diff != "" {
				t.Error(diff)
			}
			for _, got := range list {
				if got.Error != "e" {
					t.Errorf("%+v", got)
				}
			}
		})
	}
}

func TestBulkPatchOfASessionDoesNotLoseComponentsThatItTakesFromIt(t *testing.T) {
	s := newSite(t)
	s.record("a", func(r *bos.Record) { r.Session = "s1" })
	var list []bos.Component
	s.do("PATCH", "/v2/components", object{"patch": object{"desired_state": object{"configuration": "c"}}, "filters": object{"session": "s1"}}).ok(http.StatusOK, &list)
	if len(list) != 1 || list[0].Session != "" {
		t.Errorf("%+v", list)
	}
}

func TestBulkPatchRefuses(t *testing.T) {
	s := newSite(t)
	s.record("a", nil)
	patch := object{"error": "e"}
	for name, body := range map[string]any{
		"nothing":              object{},
		"no filters":           object{"patch": patch},
		"empty filters":        object{"patch": patch, "filters": object{}},
		"both filters":         object{"patch": patch, "filters": object{"ids": "a", "session": "s1"}},
		"empty ids":            object{"patch": patch, "filters": object{"ids": ""}},
		"too many ids":         object{"patch": patch, "filters": object{"ids": strings.Repeat("a", 65536)}},
		"a bad session":        object{"patch": patch, "filters": object{"session": "-"}},
		"an empty patch":       object{"patch": object{}, "filters": object{"ids": "a"}},
		"an entry without id":  []object{patch},
		"an entry of nonsense": []object{{"id": "a", "status": object{"phase": "x"}}},
		"text":                 `"a"`,
		"null":                 `null`,
		"white space":          ` `,
		"nothing at all":       ``,
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.do("PATCH", "/v2/components", body).refused(http.StatusBadRequest, "")
		})
	}
}

func TestBulkPatchOfUnknownComponentsChangesNothingUnlessTheyAreSkipped(t *testing.T) {
	s := newSite(t)
	s.record("a", nil)
	for _, body := range []any{
		[]object{{"id": "a", "error": "e"}, {"id": "ghost", "error": "e"}},
		object{"patch": object{"error": "e"}, "filters": object{"ids": "a,ghost"}},
	} {
		s.do("PATCH", "/v2/components", body).refused(http.StatusNotFound, titleNotFound, "Component 'ghost' does not exist")
		s.do("PATCH", "/v2/components?skip_bad_ids=False", body).refused(http.StatusNotFound, titleNotFound)
		if got := s.stored("a").Error; got != "" {
			t.Errorf("half of it was written: %q", got)
		}
		var list []bos.Component
		s.do("PATCH", "/v2/components?skip_bad_ids=True", body).ok(http.StatusOK, &list)
		if diff := cmp.Diff([]string{"a"}, ids(list)); diff != "" {
			t.Error(diff)
		}
		s.do("GET", "/v2/components/ghost", nil).refused(http.StatusNotFound, titleNotFound)
		s.do("PATCH", "/v2/components/a", object{"error": ""}).ok(http.StatusOK, nil)
	}
	s.do("PATCH", "/v2/components?skip_bad_ids=perhaps", []object{}).refused(http.StatusBadRequest, "")
}

func TestBulkWritesResolveEachTokenTheyCarry(t *testing.T) {
	s := newSite(t)
	s.token("T1", bos.BootArtifacts{Kernel: "k1"})
	s.token("T2", bos.BootArtifacts{Kernel: "k2"})
	s.do("PUT", "/v2/components", []object{
		{"id": "a", "actual_state": object{"bss_token": "T1"}},
		{"id": "b", "actual_state": object{"bss_token": "T2"}},
		{"id": "c", "actual_state": object{"bss_token": "T3", "boot_artifacts": object{"kernel": "k3"}}},
	}).ok(http.StatusOK, nil)
	for id, kernel := range map[string]string{"a": "k1", "b": "k2", "c": "k3"} {
		if got := s.stored(id).ActualState.BootArtifacts.Kernel; got != kernel {
			t.Errorf("%s runs %q, want %q", id, got, kernel)
		}
	}
}

func TestATenantSeesAndWritesOnlyItsOwnComponents(t *testing.T) {
	s := newSite(t)
	mine, other := "x1c0s1b0n0", "x1c0s2b0n0"
	red := []string{tenantHeader, "red"}
	for _, id := range []string{mine, other} {
		s.record(id, func(r *bos.Record) { r.Session = "s1" })
	}
	list := func(path string, headers ...string) []string {
		var list []bos.Component
		s.do("GET", path, nil, headers...).ok(http.StatusOK, &list)
		return ids(list)
	}
	if got := list("/v2/components", red...); !slices.Equal(got, []string{mine}) {
		t.Errorf("red sees %v", got)
	}
	if got := list("/v2/components?ids="+other, red...); len(got) != 0 {
		t.Errorf("red sees %v", got)
	}
	if got := list("/v2/components", tenantHeader, "empty"); len(got) != 0 {
		t.Errorf("a tenant without nodes sees %v", got)
	}
	e := object{"error": "e"}
	s.do("GET", "/v2/components/"+other, nil, red...).refused(http.StatusNotFound, titleNotFound)
	s.do("PATCH", "/v2/components/"+other, e, red...).refused(http.StatusNotFound, titleNotFound)
	s.do("PUT", "/v2/components/"+other, e, red...).refused(http.StatusNotFound, titleNotFound)
	s.do("DELETE", "/v2/components/"+other, nil, red...).refused(http.StatusNotFound, titleNotFound)
	s.do("PUT", "/v2/components", []object{with(e, "id", mine), with(e, "id", other)}, red...).refused(http.StatusNotFound, titleNotFound)
	s.do("PATCH", "/v2/components", []object{with(e, "id", mine), with(e, "id", other)}, red...).refused(http.StatusNotFound, titleNotFound)
	if s.stored(mine).Error != "" || s.stored(other).Error != "" {
		t.Error("a refused write wrote")
	}
	s.do("PATCH", "/v2/components?skip_bad_ids=true", []object{with(e, "id", mine), with(e, "id", other)}, red...).ok(http.StatusOK, nil)
	s.do("PATCH", "/v2/components", object{"patch": e, "filters": object{"session": "s1"}}, red...).ok(http.StatusOK, nil)
	if s.stored(mine).Error != "e" || s.stored(other).Error != "" {
		t.Error("the tenant's write went astray")
	}
}

func TestManyNodesReportAtOnce(t *testing.T) {
	s := newSite(t)
	s.token("T", bos.BootArtifacts{Kernel: "k"})
	const nodes = 200
	for i := range nodes {
		s.record(fmt.Sprintf("x%d", i), func(r *bos.Record) {
			r.Enabled, r.Status.Phase, r.LastAction.Action = true, bos.PhasePoweringOn, bos.ActionPoweringOn
		})
	}
	var wait sync.WaitGroup
	answers := make([]reply, nodes)
	for i := range nodes {
		wait.Go(func() {
			id := fmt.Sprintf("x%d", i)
			answers[i] = s.do("PATCH", "/v2/components/"+id, fmt.Sprintf(`{"id":%q,"actual_state":{"bss_token":"T"}}`, id))
		})
	}
	wait.Wait()
	for i, answer := range answers {
		answer.ok(http.StatusOK, nil)
		if got := s.stored(fmt.Sprintf("x%d", i)).ActualState.BootArtifacts.Kernel; got != "k" {
			t.Errorf("x%d runs %q", i, got)
		}
	}
}
