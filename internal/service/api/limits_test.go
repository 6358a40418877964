package api

import (
	"net/http"
	"slices"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestALimitThatExcludesWhatNobodyKnowsIsRefusedBeforeANodeIsTouched(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.record("x1c9s9b0n0", nil)
	for _, limit := range []string{"all,!x1c0s9b0n0", "all,&Managemant", "all,!x1c0s[1-2,9]b0n0", "Compute,!blu"} {
		for path, body := range map[string]object{
			"/v2/sessions": boot(""), "/x/v1/sessions": boot(""), "/x/v1/previews": ask(),
		} {
			delete(body, "name")
			s.do("POST", path, with(body, "limit", limit)).refused(http.StatusBadRequest, "", "limit", "follows ! or &", "remove the term")
		}
	}
	// A name that is added may be made up, and what BOS alone knows is known.
	for name, limit := range map[string]string{"s1": "x9999c9s9b9n9", "s2": "all,!x1c9s9b0n0", "s3": "all,!X1c0s01b0n0"} {
		s.do("POST", "/v2/sessions", with(boot(name), "limit", limit)).ok(http.StatusCreated, nil)
	}
	var p bos.Preview
	s.do("POST", "/x/v1/previews", with(ask(), "limit", "all,!X01c0s[1-2]b00n0")).ok(http.StatusOK, &p)
	if p.Nodes != "x1c0s3b0n0" {
		t.Errorf("left out are not all that the limit names: %s", p.Nodes)
	}
}

func TestAnEmptyLimitIsNobodyWhereClientsReview(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	for _, empty := range []string{"", " ", "\t"} {
		s.do("POST", "/x/v1/previews", with(ask(), "limit", empty)).refused(http.StatusBadRequest, "", "limit", "leave it out", "all")
		s.do("POST", "/x/v1/sessions", with(boot("s1"), "limit", empty)).refused(http.StatusBadRequest, "", "limit", "leave it out", "all")
	}
	if s.lastChange().Sessions != nil {
		t.Error("the engine was told of a session")
	}
	// The clients of BOS v2 send it for all nodes.
	s.do("POST", "/v2/sessions", with(boot("s1"), "limit", "")).ok(http.StatusCreated, nil)
	s.do("POST", "/x/v1/sessions", with(boot("s2"), "limit", nil)).ok(http.StatusCreated, nil)
}

func TestAComponentIsFoundInWhateverFormItsXnameIsWritten(t *testing.T) {
	s := newSite(t)
	const id, other = "x1c0s1b0n0", "X1c0S01b0n00"
	s.record(id, func(r *bos.Record) { r.StagedState.Session = "gone" })
	var one bos.Component
	s.do("GET", "/v2/components/"+other, nil).ok(http.StatusOK, &one)
	s.do("PATCH", "/v2/components/"+other, object{"id": other, "error": "e"}).ok(http.StatusOK, &one)
	s.do("PUT", "/v2/components/"+other, object{"id": id, "error": "e"}).ok(http.StatusOK, &one)
	var list []bos.Component
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/v2/components?ids=" + other, nil},
		{"PATCH", "/v2/components", []object{{"id": other, "error": "f"}}},
		{"PUT", "/v2/components", []object{{"id": other, "error": "f"}}},
		{"PATCH", "/v2/components", object{"patch": object{"error": "g"}, "filters": object{"ids": other}}},
	} {
		s.do(c.method, c.path, c.body).ok(http.StatusOK, &list)
		if len(list) != 1 || list[0].ID != id {
			t.Errorf("%s %s: %+v", c.method, c.path, list)
		}
	}
	s.do("GET", "/v2/components", nil).ok(http.StatusOK, &list)
	if len(list) != 1 {
		t.Errorf("there are %d records of one node", len(list))
	}
	s.record(id, func(r *bos.Record) { r.StagedState.Session = "gone" })
	var applied bos.StagedOutcome
	s.do("POST", "/v2/applystaged", object{"xnames": []string{other, id}}).ok(http.StatusOK, &applied)
	if got := slices.Concat(applied.Succeeded, applied.Failed); len(got) != 1 || got[0] != id {
		t.Errorf("applystaged: %+v", applied)
	}
	var page struct{ Events []bos.Event }
	s.do("GET", "/x/v1/events?component="+other, nil).ok(http.StatusOK, &page)
	if len(page.Events) == 0 {
		t.Error("the node has no history")
	}
	s.do("DELETE", "/v2/components/"+other, nil).ok(http.StatusNoContent, nil)
	// Names that are no xnames stay as they are.
	s.do("PUT", "/v2/components/Gateway-01", object{"error": "e"}).ok(http.StatusOK, &one)
	if one.ID != "Gateway-01" {
		t.Errorf("%q was renamed", one.ID)
	}
}
