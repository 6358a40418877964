package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	nodeOne = "x1c0s1b0n0"
	nodeTwo = "x1c0s2b0n0"
)

// running makes session s1 of a tenant run on node one, as setup leaves it.
func (s *site) running(tenant string) {
	s.t.Helper()
	s.commit(bos.Commit{})
	err := s.store.CreateSession(s.t.Context(), bos.SessionRecord{Session: bos.Session{
		Name: "s1", Tenant: bos.TenantRef(tenant), Operation: bos.OperationBoot, TemplateName: "t1", Components: nodeOne,
		Status: bos.SessionStatus{Status: bos.SessionRunning, StartTime: bos.At(noon)},
	}})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) ownedBy(id string) {
	s.record(id, func(r *bos.Record) {
		r.Enabled, r.Session, r.Status.Phase = true, "s1", bos.PhasePoweringOff
	})
}

func TestACancelledSessionIsCompleteAndItsNodesAreLetGo(t *testing.T) {
	s := newSite(t)
	s.running("")
	s.ownedBy(nodeOne)
	err := s.store.CreateSession(t.Context(), bos.SessionRecord{Session: bos.Session{
		Name: "s1", Tenant: bos.TenantRef("blue"), Components: nodeTwo, Status: bos.SessionStatus{Status: bos.SessionRunning, StartTime: bos.At(noon)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.ownedBy(nodeTwo) // by another tenant's session of that name
	oneBefore, twoBefore := s.stored(nodeOne), s.stored(nodeTwo)
	var got bos.Session
	s.do("POST", "/x/v1/sessions/s1/cancel", object{"reason": " wrong image "}).ok(http.StatusOK, &got)
	if got.Status.Status != bos.SessionComplete || got.Status.Error == nil || *got.Status.Error != "cancelled: wrong image" || got.Status.EndTime != bos.At(noon) {
		t.Errorf("%+v", got)
	}
	one, two := s.stored(nodeOne), s.stored(nodeTwo)
	if one.Enabled || !strings.Contains(one.Error, "session s1 was cancelled: wrong image") || one.Revision <= oneBefore.Revision {
		t.Errorf("%+v", one)
	}
	if !two.Enabled || two.Error != "" || two.Revision != twoBefore.Revision {
		t.Errorf("another session's node became %+v", two)
	}
	change := s.lastChange()
	if !slices.Equal(change.Components, []string{nodeOne}) || !slices.Equal(change.Sessions, []bos.SessionKey{{Name: "s1"}}) {
		t.Errorf("the engine was told %+v", change)
	}
	var status bos.ExtendedStatus
	s.do("GET", "/v2/sessions/s1/status", nil).ok(http.StatusOK, &status)
	if status.ManagedComponentsCount != 1 || len(status.ErrorSummary) != 1 || status.Status != bos.SessionComplete {
		t.Errorf("the saved status is %+v", status)
	}
	if got := kindsOf(s.history("?session=s1").Events); !slices.Equal(got, []string{eventSessionCancelled, eventSessionCancelled}) {
		t.Errorf("the history is %v", got)
	}
}

func TestCancellingTwiceChangesNothing(t *testing.T) {
	s := newSite(t)
	s.running("")
	s.ownedBy(nodeOne)
	first := s.do("POST", "/x/v1/sessions/s1/cancel", nil).ok(http.StatusOK, nil)
	if !strings.Contains(first.body, `"error":"cancelled"`) {
		t.Errorf("without a reason: %s", first.body)
	}
	events := s.history("").Last
	s.ownedBy(nodeOne)
	second := s.do("POST", "/x/v1/sessions/s1/cancel", object{"reason": "again"}).ok(http.StatusOK, nil)
	if second.body != first.body || s.history("").Last != events || !s.stored(nodeOne).Enabled {
		t.Errorf("%s\nthen\n%s", first.body, second.body)
	}
}

func TestACancelledStagedSessionLeavesNothingStaged(t *testing.T) {
	s := newSite(t)
	s.running("")
	s.record(nodeOne, func(r *bos.Record) {
		r.Enabled, r.Session = true, "other"
		r.StagedState = bos.StagedState{Session: "s1", Configuration: "c"}
	})
	s.do("POST", "/x/v1/sessions/s1/cancel", "").ok(http.StatusOK, nil)
	if r := s.stored(nodeOne); !r.Enabled || r.Error != "" || r.StagedState != bos.NothingStaged(bos.At(noon)) {
		t.Errorf("%+v", r)
	}
}

func TestATenantCancelsItsOwnSessionsOnly(t *testing.T) {
	s := newSite(t)
	s.running("red")
	s.do("POST", "/x/v1/sessions/s1/cancel", nil).refused(http.StatusNotFound, titleNotFound, "s1")
	s.do("POST", "/x/v1/sessions/s1/cancel", nil, tenantHeader, "blue").refused(http.StatusNotFound, titleNotFound, "blue")
	s.do("POST", "/x/v1/sessions/s1/cancel", nil, tenantHeader, "red").ok(http.StatusOK, nil)
}

func TestACancellationIsReadStrictly(t *testing.T) {
	s := newSite(t)
	s.running("")
	for body, words := range map[string][]string{
		`{"why":"x"}`:      {`"why"`},
		`{"reason":1}`:     {"reason"},
		`{"reason":null}`:  {"reason"},
		`[]`:               {"an object"},
		`{"reason":"x"} x`: {"JSON"},
		`{"reason":"` + strings.Repeat("x", bos.MaxReason+1) + `"}`: {"reason", "1023"},
	} {
		s.do("POST", "/x/v1/sessions/s1/cancel", body).refused(http.StatusBadRequest, "", words...)
	}
	s.do("POST", "/x/v1/sessions/-/cancel", nil).refused(http.StatusBadRequest, "", "name")
	s.do("POST", "/x/v1/sessions/none/cancel", nil).refused(http.StatusNotFound, titleNotFound, "none")
	if got := s.history("").Last; got != 0 {
		t.Errorf("%d events were written", got)
	}
}

func TestTheOutcomesOfASessionAreThoseOfItsOwnNodes(t *testing.T) {
	s := newSite(t)
	s.running("red") // on node one only
	s.ownedBy("x1c0s0b0n0")
	s.ownedBy(nodeOne)
	s.ownedBy(nodeTwo)
	for _, size := range []string{"1", "2", "100"} {
		var page bos.NodeOutcomes
		s.do("GET", "/x/v1/sessions/s1/components?page_size="+size, nil, tenantHeader, "red").ok(http.StatusOK, &page)
		if len(page.Components) != 1 || page.Components[0].ID != nodeOne || page.Next != "" {
			t.Errorf("pages of %s: %+v", size, page)
		}
	}
}
