package api

import (
	"net/http"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestARolloutIsPreviewedByNameAndHeldToWhatWasReviewed(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	rollout := object{"canary": 1, "failure_budget": "10%", "min_healthy_time": "1m"}
	q := ask()
	q["rollout"] = rollout
	p := s.preview(q)
	if len(p.Batches) == 0 || p.Batches[0].Name != "canary" || p.Batches[0].Count != 1 {
		t.Fatalf("the preview shows %+v", p.Batches)
	}
	create := boot("s1")
	create["pin"] = p.Pin
	s.do("POST", "/x/v1/sessions", create).refused(http.StatusConflict, "", "started all at once instead of in 2 batches")
	create["rollout"] = rollout
	s.do("POST", "/x/v1/sessions", create).ok(http.StatusCreated, nil)
	var status bos.RolloutStatus
	s.do("GET", "/x/v1/sessions/s1/rollout", nil).ok(http.StatusOK, &status)
	if status.Phase != bos.RolloutPlanned || status.Rollout.Canary.N != 1 {
		t.Errorf("it is %+v", status)
	}
	s.do("POST", "/x/v1/sessions/s1/promote", nil).refused(http.StatusConflict, "Conflict", "not healthy")
	s.do("DELETE", "/v2/sessions/s1", nil).refused(http.StatusConflict, "Conflict", "rollout", "cancel")
	s.do("POST", "/x/v1/sessions/s1/fail", object{"reason": "enough"}).ok(http.StatusOK, &status)
	if status.Phase != bos.RolloutFailed {
		t.Errorf("after it was failed it is %+v", status)
	}
	s.do("POST", "/x/v1/sessions/s1/fail", nil).refused(http.StatusConflict, "Conflict", "over")
}

func TestARolloutThatCannotBeCarriedOutIsRefused(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	for name, rollout := range map[string]object{
		"a canary said twice":       {"canary": 1, "canary_nodes": nodeOne},
		"no amount":                 {"canary": "many"},
		"a canary of nobody":        {"canary": 0},
		"nobody in flight":          {"max_in_flight": 0},
		"nobody unavailable":        {"max_unavailable": 0},
		"an empty batch":            {"batches": []int{0}},
		"a strategy without a size": {"strategy": "fixed"},
		"no time of a day":          {"window": object{"start_time": "25:00", "length_minutes": 5}},
		"no time zone":              {"window": object{"start_time": "22:00", "length_minutes": 5, "time_zone": "Mars"}},
		"a canary of a stranger":    {"canary_nodes": "x9000c0s0b0n0"},
		"no member":                 {"canery": 1},
		"an order of no boot set":   {"boot_ordinal": object{"nobody": 1}},
		"the same of a shutdown":    {"shutdown_ordinal": object{"nobody": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			create := boot("s1")
			create["rollout"] = rollout
			s.do("POST", "/x/v1/sessions", create).refused(http.StatusBadRequest, "")
		})
	}
	s.do("POST", "/v2/sessions", boot("s2")).ok(http.StatusCreated, nil)
	s.do("GET", "/x/v1/sessions/s2/rollout", nil).refused(http.StatusNotFound, "")
}
