package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// stage leaves a component as the setup of a staged session does.
func (s *site) stage(id, session string) {
	s.t.Helper()
	s.record(id, func(r *bos.Record) {
		r.StagedState = bos.StagedState{Session: session, BootArtifacts: bos.BootArtifacts{Kernel: "k", KernelParameters: "p", Initrd: "i"}}
	})
}

// stagedSession makes a running staged session that has set up components.
func (s *site) stagedSession(name string, op bos.Operation, components, tenant string) {
	s.t.Helper()
	err := s.store.CreateSession(s.t.Context(), bos.SessionRecord{Session: bos.Session{
		Name: name, Tenant: bos.TenantRef(tenant), Operation: op, Stage: true, Components: components, TemplateName: "t1",
		Status: bos.SessionStatus{Status: bos.SessionRunning, StartTime: bos.At(noon)},
	}})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) apply(xnames []string, headers ...string) bos.StagedOutcome {
	s.t.Helper()
	var got bos.StagedOutcome
	s.do("POST", "/v2/applystaged", object{"xnames": xnames}, headers...).ok(http.StatusOK, &got)
	return got
}

func TestApplyStagedTellsSucceededFailedAndIgnoredApart(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationBoot, "a,d", "")
	s.stagedSession("off", bos.OperationShutdown, "e", "")
	s.stage("a", "s1")
	s.record("b", nil)
	s.stage("c", "gone")
	s.stage("d", "s1")
	s.stage("e", "off")
	got := s.apply([]string{"d", "nobody", "a", "b", "c", "d", "e"})
	want := bos.StagedOutcome{Succeeded: []string{"d", "a"}, Failed: []string{"c", "e"}, Ignored: []string{"nobody", "b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if changed := s.lastChange().Components; !slices.Equal(changed, []string{"d", "a", "c", "e"}) {
		t.Errorf("the engine was told %v", changed)
	}
	a, c := s.stored("a"), s.stored("c")
	if !a.Enabled || a.Session != "s1" || a.DesiredState.BootArtifacts.Kernel != "k" || a.DeriveStatus() != bos.StatusOnHold || a.StagedState.Session != "s1" {
		t.Errorf("%+v", a)
	}
	if c.Enabled || c.Session != "gone" || !strings.Contains(c.Error, "no longer exists") {
		t.Errorf("%+v", c)
	}
	if r := s.do("POST", "/v2/applystaged", object{}).ok(http.StatusOK, nil); r.body != `{"succeeded":[],"failed":[],"ignored":[]}`+"\n" {
		t.Errorf("nothing asked: %s", r.body)
	}
}

func TestApplyStagedClearsTheStageByOption(t *testing.T) {
	s := newSite(t)
	s.do("PATCH", "/v2/options", object{"clear_stage": true}).ok(http.StatusOK, nil)
	s.stagedSession("s1", bos.OperationBoot, "a", "")
	s.stage("a", "s1")
	s.stage("c", "gone")
	s.apply([]string{"a", "c"})
	for _, id := range []string{"a", "c"} {
		if got := s.stored(id).StagedState; got != bos.NothingStaged(bos.At(noon)) {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if got := s.apply([]string{"a"}); len(got.Ignored) != 1 {
		t.Errorf("again: %+v", got)
	}
}

func TestApplyStagedOfATenantTouchesOnlyItsOwn(t *testing.T) {
	s := newSite(t)
	s.tenants["green"] = []string{"x1c0s2b0n0"}
	red := []string{tenantHeader, "red"}
	s.stagedSession("s1", bos.OperationBoot, "x1c0s1b0n0", "red")
	s.stagedSession("s1", bos.OperationBoot, "x1c0s2b0n0", "green")
	s.stagedSession("s2", bos.OperationBoot, "x1c0s1b0n0", "")
	s.stage("x1c0s1b0n0", "s1")
	s.stage("x1c0s2b0n0", "s1")
	got := s.apply([]string{"x1c0s2b0n0", "x1c0s1b0n0"}, red...)
	if diff := cmp.Diff(bos.StagedOutcome{Succeeded: []string{"x1c0s1b0n0"}, Failed: []string{}, Ignored: []string{"x1c0s2b0n0"}}, got); diff != "" {
		t.Error(diff)
	}
	if s.stored("x1c0s2b0n0").Enabled {
		t.Error("green's node was touched")
	}
	s.stage("x1c0s1b0n0", "s2")
	if got := s.apply([]string{"x1c0s1b0n0"}, red...); len(got.Ignored) != 1 {
		t.Errorf("a session that is not red's: %+v", got)
	}
	if got := s.apply([]string{"x1c0s2b0n0", "x1c0s1b0n0"}); len(got.Succeeded) != 2 {
		t.Errorf("without a tenant every node is applied: %+v", got)
	}
	s.do("POST", "/v2/applystaged", object{"xnames": []string{}}, tenantHeader, "blue").refused(http.StatusBadRequest, titleBadRequest, "blue")
}

func TestApplyStagedTakesAStateStagedByHand(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationBoot, "another", "")
	s.stage("a", "s1")
	if got := s.apply([]string{"a"}); len(got.Succeeded) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestApplyStagedBodiesAreClosedAndBounded(t *testing.T) {
	s := newSite(t)
	many := make([]string, bos.MaxStagedXnames+1)
	for i := range many {
		many[i] = "x"
	}
	for name, body := range map[string]any{
		"unknown member": object{"xnames": []string{"a"}, "force": true},
		"wrong case":     object{"Xnames": []string{"a"}},
		"null":           object{"xnames": nil},
		"text":           object{"xnames": "a,b"},
		"an empty name":  object{"xnames": []string{""}},
		"a long name":    object{"xnames": []string{strings.Repeat("x", 128)}},
		"too many":       object{"xnames": many},
		"a list":         []string{"a"},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.do("POST", "/v2/applystaged", body).refused(http.StatusBadRequest, "")
		})
	}
	s.t = t
	if got := s.apply(many[1:]); len(got.Ignored) != 1 {
		t.Errorf("%d ignored", len(got.Ignored))
	}
}
