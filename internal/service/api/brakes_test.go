package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestThePauseOfTheSiteIsShownAndEndsWithResume(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	var state bos.PauseState
	s.do("POST", "/x/v1/pause", object{"reason": "a leak"}).ok(http.StatusOK, &state)
	if !state.Paused || state.Reason != "a leak" || state.Since == nil || !state.Since.Equal(noon) {
		t.Errorf("%+v", state)
	}
	if c := s.lastChange(); c.SitePause == nil || !c.SitePause.On() {
		t.Errorf("the engine was told %+v", c)
	}
	events := s.history("").Last
	s.do("POST", "/x/v1/pause", nil).ok(http.StatusOK, &state)
	if state.Reason != "a leak" || s.history("").Last != events {
		t.Errorf("pausing again changed %+v", state)
	}
	var c bos.Capabilities
	s.do("GET", "/x/v1/capabilities", nil).ok(http.StatusOK, &c)
	if !c.Pause.Paused || c.Pause.Reason != "a leak" {
		t.Errorf("capabilities say %+v", c.Pause)
	}
	if p := s.preview(ask()); !strings.Contains(strings.Join(p.Warnings, "\n"), "the site is paused (a leak)") {
		t.Errorf("the preview warns of %q", p.Warnings)
	}
	s.do("POST", "/v2/sessions", boot("s1")).ok(http.StatusCreated, nil)
	s.do("POST", "/x/v1/resume", object{"reason": "dry"}).ok(http.StatusOK, &state)
	if state.Paused || s.lastChange().SitePause.On() {
		t.Errorf("%+v", state)
	}
	if got := kindsOf(s.history("").Events); !slices.Contains(got, eventSitePaused) || !slices.Contains(got, eventSiteResumed) {
		t.Errorf("the history is %v", got)
	}
	s.do("POST", "/x/v1/pause", nil, tenantHeader, "red").refused(http.StatusForbidden, "Forbidden")
}

func TestAPausedSessionCanBeCancelledAndNotDeleted(t *testing.T) {
	s := newSite(t)
	s.running("red")
	s.ownedBy(nodeOne)
	red := []string{tenantHeader, "red"}
	s.do("POST", "/x/v1/sessions/s1/pause", nil).refused(http.StatusNotFound, "")
	var state bos.PauseState
	s.do("POST", "/x/v1/sessions/s1/pause", object{"reason": "look at it"}, red...).ok(http.StatusOK, &state)
	if !state.Paused || state.Session != "s1" || state.Tenant != "red" {
		t.Errorf("%+v", state)
	}
	if c := s.lastChange(); len(c.Paused) != 1 || !c.Paused[0].Paused.On() {
		t.Errorf("the engine was told %+v", c)
	}
	s.do("DELETE", "/v2/sessions/s1", nil, red...).refused(http.StatusConflict, "Conflict", "resume", "cancel")
	s.do("POST", "/x/v1/sessions/s1/cancel", nil, red...).ok(http.StatusOK, nil)
	s.do("GET", "/x/v1/sessions/s1/pause", nil, red...).ok(http.StatusOK, &state)
	if state.Paused || s.stored(nodeOne).Enabled {
		t.Errorf("after it was cancelled: %+v, %+v", state, s.stored(nodeOne))
	}
	s.do("POST", "/x/v1/sessions/s1/pause", nil, red...).refused(http.StatusConflict, "Conflict", "complete")
	s.do("DELETE", "/v2/sessions/s1", nil, red...).ok(http.StatusNoContent, nil)
}

func TestAHoldIsShownInPreviewsAndNotOnV2Paths(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.record(nodeOne, nil)
	s.record(nodeTwo, nil)
	before := s.preview(ask())
	plain := s.do("GET", "/v2/components/"+nodeOne, nil).ok(http.StatusOK, nil).body
	var held bos.HeldComponent
	s.do("PUT", "/x/v1/components/"+strings.ToUpper(nodeOne)+"/hold", object{"reason": " board out "}).ok(http.StatusOK, &held)
	if held.ID != nodeOne || held.Reason != "board out" || !held.Since.Equal(noon) {
		t.Errorf("%+v", held)
	}
	if got := s.do("GET", "/v2/components/"+nodeOne, nil).ok(http.StatusOK, nil).body; got != plain {
		t.Errorf("v2 shows the hold: %s", got)
	}
	after := s.preview(ask())
	if after.Pin == before.Pin || !slices.ContainsFunc(after.Skipped, func(k bos.PreviewSkip) bool { return k.Reason == "held: board out" && k.Nodes == nodeOne }) {
		t.Errorf("left out are %+v", after.Skipped)
	}
	s.do("POST", "/x/v1/sessions", with(boot("s1"), "pin", before.Pin)).refused(http.StatusConflict, titlePlanOutdated, "removed: "+nodeOne)
	s.do("POST", "/x/v1/holds", object{"ids": []string{nodeTwo, "none"}, "reason": "r"}).refused(http.StatusNotFound, "", "none")
	var holds bos.Holds
	s.do("GET", "/x/v1/holds", nil).ok(http.StatusOK, &holds)
	if len(holds.Holds) != 1 {
		t.Errorf("held are %+v, of a list with one that is unknown none is to be", holds)
	}
	if lifted := s.preview(with(ask(), "holds", object{strings.ToUpper(nodeOne): ""})); lifted.Pin != before.Pin {
		t.Errorf("with the hold lifted, left out are %+v", lifted.Skipped)
	}
	if other := s.preview(with(ask(), "holds", object{nodeOne: "", nodeTwo: " fan "})); !slices.ContainsFunc(other.Skipped, func(k bos.PreviewSkip) bool { return k.Reason == "held: fan" && k.Nodes == nodeTwo }) {
		t.Errorf("with a hold that is planned, left out are %+v", other.Skipped)
	}
	if reused := s.preview(with(ask(), "reuse", true)); reused.Pin != after.Pin {
		t.Error("a preview with planned holds answers a question without them")
	}
	s.do("POST", "/x/v1/previews", with(ask(), "holds", object{"": "r"})).refused(http.StatusBadRequest, "", "holds")
	if !held.Again.IsZero() {
		t.Errorf("a hold that is new was asked for again: %+v", held)
	}
	first := held.Since
	s.do("PUT", "/x/v1/components/"+nodeOne+"/hold", object{"reason": "board out"}).ok(http.StatusOK, &held)
	if held.Again.Before(first) || held.Again.IsZero() || !held.Since.Equal(first) {
		t.Errorf("a hold that is asked for again is %+v, on since %s", held, first)
	}
	s.do("POST", "/x/v1/holds", object{"ids": []string{nodeOne, nodeTwo}, "reason": "rack work"}).ok(http.StatusOK, &holds)
	for _, h := range holds.Holds {
		if !h.Again.IsZero() {
			t.Errorf("one with another reason was asked for again: %+v", h)
		}
	}
	if len(holds.Holds) != 2 || holds.Holds[0].Reason != "rack work" {
		t.Errorf("%+v", holds)
	}
	s.do("GET", "/x/v1/holds", nil, tenantHeader, "red").ok(http.StatusOK, &holds)
	if len(holds.Holds) != 1 || holds.Holds[0].ID != nodeOne {
		t.Errorf("a tenant is told of %+v", holds)
	}
	s.do("PUT", "/x/v1/components/"+nodeTwo+"/hold", object{"reason": "r"}, tenantHeader, "red").refused(http.StatusNotFound, "")
	s.do("POST", "/x/v1/holds/release", object{"ids": []string{nodeOne, nodeTwo}}).ok(http.StatusNoContent, nil)
	if last := s.preview(ask()); last.Pin != before.Pin {
		t.Errorf("after the holds are lifted the preview is %+v", last)
	}
	if got := kindsOf(s.history("?component=" + nodeOne).Events); !slices.Equal(got[len(got)-3:], []string{eventComponentHeld, eventComponentHeld, eventComponentReleased}) {
		t.Errorf("the history is %v", got)
	}
}

func TestAStagedStateIsNotAppliedToAHeldNode(t *testing.T) {
	s := newSite(t)
	staged := bos.StagedState{BootArtifacts: bos.BootArtifacts{Kernel: "k", KernelParameters: "p", Initrd: "i"}, Session: "s1"}
	s.running("")
	s.record(nodeOne, func(r *bos.Record) { r.StagedState, r.Held = staged, bos.NewBrake("board out", "", noon) })
	var got bos.StagedOutcome
	s.do("POST", "/v2/applystaged", object{"xnames": []string{nodeOne}}).ok(http.StatusOK, &got)
	if r := s.stored(nodeOne); !slices.Equal(got.Failed, []string{nodeOne}) || r.Enabled || r.StagedState.Session != "s1" {
		t.Errorf("%+v, and the node is %+v", got, r)
	}
}

func TestTheOutcomeOfANodeSaysWhatItWaitsFor(t *testing.T) {
	s := newSite(t)
	s.running("")
	s.record(nodeOne, func(r *bos.Record) { r.Enabled, r.Session, r.Work.Waiting.For = true, "s1", bos.WaitSessionPaused })
	var got bos.NodeOutcomes
	s.do("GET", "/x/v1/sessions/s1/components", nil).ok(http.StatusOK, &got)
	if len(got.Components) != 1 || got.Components[0].Wait == nil || got.Components[0].Wait.Reason != bos.WaitSessionPaused || !strings.Contains(got.Components[0].Wait.Sentence, "/x/v1/sessions/s1/resume") {
		t.Errorf("%+v", got)
	}
}
