package api

import (
	"net/http"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// What a tenant does to a node of its own in a session of its own is its own business: the
// history says so to it, by the name of the session and with who did it.
func TestATenantIsToldWhatItDidInASessionOfItsOwn(t *testing.T) {
	s := newSite(t)
	s.tenants = map[string][]string{"red": {redNode}}
	red := []string{tenantHeader, "red"}
	s.record(redNode, func(r *bos.Record) { r.Session, r.Tenant = "tuesday", "red" })
	s.do("PATCH", "/v2/components/"+redNode, object{"retry_policy": 2}, red...).ok(http.StatusOK, nil)
	for _, query := range []string{"?component=" + redNode, "?session=tuesday"} {
		page := s.history(query, red...)
		if len(page.Events) != 1 || page.Events[0].Session != "tuesday" || page.Events[0].Tenant != "red" || page.Events[0].Actor == "" {
			t.Errorf("%s: red is told %+v", query, page.Events)
		}
	}
}

// A filter by what a tenant is not told finds nothing, and nothing in its answer tells
// whether there is any such thing.
func TestAFilterOfTheHistoryTellsATenantNothingOfOthers(t *testing.T) {
	s := newSite(t)
	s.tenants = map[string][]string{"red": {redNode}}
	s.commit(bos.Commit{Events: []bos.Event{
		{Kind: "power_on", Component: redNode, Session: "monday", Actor: "somebody"},
		{Kind: "component_held", Component: redNode, Actor: "operator"},
		{Kind: "power_on", Component: redNode, Session: "tuesday", Tenant: "red", Actor: "own"},
		{Kind: "options"},
	}})
	for _, filter := range []string{"session", "actor"} {
		name := map[string]string{"session": "monday", "actor": "somebody"}[filter]
		for _, more := range []string{"", "&limit=1", "&limit=1&newest=true"} {
			there := s.history("?"+filter+"="+name+more, tenantHeader, "red")
			none := s.history("?"+filter+"=nobody-and-nothing"+more, tenantHeader, "red")
			if len(there.Events) > 0 || there.Last != none.Last {
				t.Errorf("%s=%s%s: red is told %+v up to %d, of what is not there up to %d", filter, name, more, there.Events, there.Last, none.Last)
			}
		}
	}
	for query, want := range map[string]int{"?session=tuesday": 1, "?actor=own": 1, "?actor=operator": 1, "": 3} {
		if page := s.history(query, tenantHeader, "red"); len(page.Events) != want {
			t.Errorf("%q: red is told %+v, want %d", query, page.Events, want)
		}
	}
	if page := s.history("?session=monday"); len(page.Events) != 1 {
		t.Errorf("the site is told %+v", page.Events)
	}
}
