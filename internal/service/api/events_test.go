package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

func (s *site) history(query string, headers ...string) bos.EventPage {
	s.t.Helper()
	var page bos.EventPage
	s.do("GET", "/x/v1/events"+query, nil, headers...).ok(http.StatusOK, &page)
	return page
}

func kindsOf(events []bos.Event) []string {
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestEveryWriteOfAClientLeavesAnEvent(t *testing.T) {
	const x1, x2 = "x1c0s1b0n0", "x1c0s2b0n0"
	s := newSite(t)
	if r := s.do("GET", "/x/v1/events", nil).ok(http.StatusOK, nil); r.body != `{"events":[],"last":0}`+"\n" {
		t.Errorf("an empty history is %s", r.body)
	}
	s.putTemplate("t1", template())
	s.do("PUT", "/v2/components", []object{{"id": x1, "session": "s0"}, {"id": x2}}).ok(http.StatusOK, nil)
	s.do("PATCH", "/v2/components", object{"patch": object{"enabled": false, "error": "e"}, "filters": object{"session": "s0"}}).ok(http.StatusOK, nil)
	s.do("PATCH", "/v2/components/"+x2, object{"actual_state": object{"bss_token": "t"}}).ok(http.StatusOK, nil)
	s.do("PUT", "/v2/components/"+x2, object{"retry_policy": 1}).ok(http.StatusOK, nil)
	s.do("DELETE", "/v2/components/"+x2, nil).ok(http.StatusNoContent, nil)
	s.do("POST", "/v2/sessions", boot("s1")).ok(http.StatusCreated, nil)
	s.do("PATCH", "/v2/sessions/s1", object{"components": ""}).ok(http.StatusOK, nil)
	s.do("POST", "/x/v1/sessions/s1/cancel", object{"reason": "why"}).ok(http.StatusOK, nil)
	s.do("DELETE", "/v2/sessions/s1", nil).ok(http.StatusNoContent, nil)
	s.do("PATCH", "/v2/options", object{"polling_frequency": 7}).ok(http.StatusOK, nil)
	s.do("DELETE", "/v2/sessiontemplates/t1", nil).ok(http.StatusNoContent, nil)
	s.do("PATCH", "/v2/components/none", object{"enabled": true}).refused(http.StatusNotFound, "")
	s.do("DELETE", "/v2/sessions/none", nil).refused(http.StatusNotFound, "")
	page := s.history("")
	var got []string
	for i, e := range page.Events {
		if e.ID != int64(i+1) || !e.Time.Equal(noon) || e.Actor != "192.0.2.1" {
			t.Errorf("%+v", e)
		}
		got = append(got, fmt.Sprintf("%s %s/%s %s", e.Kind, e.Session, e.Component, e.Detail))
	}
	want := []string{
		"template_stored / t1",
		"component_replaced s0/x1c0s1b0n0 session", "component_replaced /x1c0s2b0n0 session",
		"component_patched s0/x1c0s1b0n0 enabled=false, error",
		"component_reported /x1c0s2b0n0 actual_state", "component_replaced /x1c0s2b0n0 retry_policy", "component_deleted /x1c0s2b0n0 ",
		"session_created s1/ boot with template t1", "session_patched s1/ ", "session_cancelled s1/ why", "session_deleted s1/ ",
		`options_changed / {"polling_frequency":7}`, "template_deleted / t1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if page.Last != int64(len(want)) {
		t.Errorf("last is %d", page.Last)
	}
}

func TestHistoryIsReadPageByPageAndFiltered(t *testing.T) {
	s := newSite(t)
	var events []bos.Event
	for i := range 10 {
		events = append(events, bos.Event{Time: noon, Kind: fmt.Sprint("k", i), Session: []string{"s1", "s2"}[i%2], Component: fmt.Sprint("x", i%3)})
	}
	s.commit(bos.Commit{Events: events})
	page := s.history("?limit=4")
	if got := kindsOf(page.Events); !slices.Equal(got, []string{"k0", "k1", "k2", "k3"}) || page.Last != 4 {
		t.Errorf("%v, last %d", got, page.Last)
	}
	page = s.history("?after=4&session=s1&component=x0")
	if got := kindsOf(page.Events); !slices.Equal(got, []string{"k6"}) || page.Last != 10 {
		t.Errorf("%v, last %d: what did not match need not be looked at again", got, page.Last)
	}
	if page := s.history("?after=10"); len(page.Events) != 0 || page.Last != 10 {
		t.Errorf("%+v", page)
	}
	for query, word := range map[string]string{
		"?after=-1": "after", "?after=x": "after", "?limit=0": "limit", "?limit=10001": "limit",
		"?session=-": "session", "?component=": "component",
	} {
		s.do("GET", "/x/v1/events"+query, nil).refused(http.StatusBadRequest, "", word)
	}
}

func (s *site) commit(c bos.Commit) {
	s.t.Helper()
	c.Fence = bos.NoFence
	if _, err := s.store.Commit(s.t.Context(), c); err != nil {
		s.t.Fatal(err)
	}
}

func TestATenantSeesItsOwnHistory(t *testing.T) {
	s := newSite(t)
	s.commit(bos.Commit{Events: []bos.Event{
		{Kind: "node", Component: "x1c0s1b0n0"},
		{Kind: "another's node", Component: "x1c0s2b0n0"},
		{Kind: "session", Session: "s", Tenant: "red"},
		{Kind: "another's session", Session: "s", Tenant: "blue"},
		{Kind: "options"},
	}})
	if got := kindsOf(s.history("", tenantHeader, "red").Events); !slices.Equal(got, []string{"node", "session"}) {
		t.Errorf("red sees %q", got)
	}
	if got := kindsOf(s.history("", tenantHeader, "empty").Events); len(got) != 0 {
		t.Errorf("a tenant without nodes sees %q", got)
	}
	s.do("GET", "/x/v1/events", nil, tenantHeader, "unknown").refused(http.StatusBadRequest, titleInvalidTenant)
}

func TestTheActorIsTheUserOfTheTokenMarkedAsUnverifiedOrTheAddress(t *testing.T) {
	bearer := func(claims string) string {
		return "Bearer h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s"
	}
	for header, want := range map[string]string{
		bearer(`{"preferred_username":"alice","sub":"1"}`): "unverified:alice",
		bearer(`{"sub":"service-account"}`):                "unverified:service-account",
		bearer(`{"sub":"a\nb"}`):                           "unverified:ab",
		bearer(`{}`):                                       "192.0.2.1",
		bearer(`no json`):                                  "192.0.2.1",
		"Bearer opaque":                                    "192.0.2.1",
		"Bearer a.!.c":                                     "192.0.2.1",
		"Basic YWxpY2U6c2VjcmV0":                           "192.0.2.1",
	} {
		s := newSite(t)
		s.do("PATCH", "/v2/options", object{"polling_frequency": 7}, "Authorization", header).ok(http.StatusOK, nil)
		if got := s.history("").Events[0].Actor; got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
}

func TestEventsAreWrittenWithUTCTimes(t *testing.T) {
	s := newSite(t)
	s.advance(1500 * time.Millisecond)
	s.do("PATCH", "/v2/options", object{"polling_frequency": 7}).ok(http.StatusOK, nil)
	var raw struct{ Events []object }
	s.do("GET", "/x/v1/events", nil).ok(http.StatusOK, &raw)
	want := object{"id": 1.0, "time": "2026-03-01T12:00:01.5Z", "kind": "options_changed", "detail": `{"polling_frequency":7}`, "actor": "192.0.2.1", "from": "192.0.2.1"}
	if diff := cmp.Diff(want, raw.Events[0]); diff != "" {
		t.Error(diff)
	}
}

func TestHistoryIsAskedForByReasonActorAndTimeAndTheNewestFirst(t *testing.T) {
	s := newSite(t)
	at := func(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }
	s.commit(bos.Commit{Events: []bos.Event{
		{Kind: "power_on", Component: "a", Session: "s", Actor: "me", Time: at(0), Plan: "p", FromState: "pending", ToState: "booting", Attempt: 1, Workspace: "w", Run: "r"},
		{Kind: "hold", Component: "a", Session: "s", Time: at(1), Answer: "503"},
		{Kind: "power_on_again", Component: "a", Session: "s", Actor: "me", Time: at(2), Attempt: 2},
		{Kind: "power_on", Component: "b", Session: "s", Actor: "you", Time: at(3)},
	}})
	for query, want := range map[string][]int64{
		"reason=power_on":                         {1, 4},
		"reason=power_on,power_on_again":          {1, 3, 4},
		"reason=power_on&reason=hold&component=a": {1, 2},
		"actor=me":                                    {1, 3},
		"since=2026-03-01T12:01:00Z":                  {2, 3, 4},
		"until=2026-03-01T12:01:00Z":                  {1},
		"newest=true&limit=2":                         {4, 3},
		"newest=true&before=3&limit=2":                {2, 1},
		"newest=true&component=a&reason=power_on":     {1},
		"actor=me&since=2026-03-01T12:01:00Z&limit=1": {3},
	} {
		var page bos.EventPage
		s.do("GET", "/x/v1/events?"+query, nil).ok(http.StatusOK, &page)
		var got []int64
		for _, e := range page.Events {
			got = append(got, e.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s finds %v, want %v", query, got, want)
		}
	}
	var page bos.EventPage
	s.do("GET", "/x/v1/events?limit=1", nil).ok(http.StatusOK, &page)
	if e := page.Events[0]; e.FromState != "pending" || e.ToState != "booting" || e.Attempt != 1 || e.Workspace != "w" || e.Run != "r" || e.Plan != "p" {
		t.Errorf("an event comes back as %+v", e)
	}
	follow(t, s.serve(), "?reason=hold,power_on_again").wants("hold", "power_on_again")
	for _, query := range []string{"reason=", "reason=a,,b", "actor=", "since=now", "newest=perhaps", "before=x"} {
		name, _, _ := strings.Cut(query, "=")
		s.do("GET", "/x/v1/events?"+query, nil).refused(http.StatusBadRequest, "", name)
	}
	s.do("GET", "/x/v1/events?newest=true", nil, "Accept", eventStream).refused(http.StatusBadRequest, "", "newest")
}

func TestWhatIsAskedForByTerraformSaysWorkspaceRunAndRequest(t *testing.T) {
	s := newSite(t)
	s.handler = edge.AccessLog{}.Handler(s.handler)
	s.record("x1c0s1b0n0", nil)
	last := func() bos.Event {
		t.Helper()
		page := s.history("")
		return page.Events[len(page.Events)-1]
	}
	s.do("PATCH", "/v2/components/x1c0s1b0n0", map[string]any{"enabled": true}, workspaceHeader, "prod", runHeader, "run-7\x1b[31m", edge.RequestIDHeader, "req-1").ok(http.StatusOK, nil)
	if e := last(); e.Workspace != "prod" || e.Run != "run-7[31m" || e.Request != "req-1" {
		t.Errorf("the history has %+v", e)
	}
	// Who names no request, or none by a plain id, finds it by the id that the answer has.
	for _, own := range []string{"", "a b", strings.Repeat("x", 65)} {
		answer := s.do("PATCH", "/v2/components/x1c0s1b0n0", map[string]any{"enabled": len(own) == 3}, edge.RequestIDHeader, own)
		if e, given := last(), answer.header.Get(edge.RequestIDHeader); e.Kind != eventComponentPatched || given == "" || given == own || e.Request != given {
			t.Errorf("%q was answered with the id %q, and the history has %+v", own, given, e)
		}
	}
}
