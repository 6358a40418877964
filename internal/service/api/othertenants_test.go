package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// No answer to a tenant has the name of a session of another, of its template or of who
// wants it; who reaches the whole site is told them.
func TestATenantLearnsNoNameOfASessionOfAnother(t *testing.T) {
	s := newSite(t)
	s.tenants = map[string][]string{"red": {redNode}}
	red := []string{tenantHeader, "red"}
	of := object{"boot_sets": object{"compute": object{"path": "s3://boot-images/one/manifest.json", "type": "s3", "node_list": []string{redNode}}}}
	s.putTemplate("t1", of)
	s.putTemplate("t1", of, red...)
	s.do("POST", "/v2/sessions", boot("monday")).ok(http.StatusCreated, nil)
	s.setSession("monday", func(r *bos.SessionRecord) { r.Status.Status = bos.SessionRunning })
	s.record(redNode, func(r *bos.Record) { r.Session, r.Enabled = "monday", true })
	commit := bos.Commit{Fence: bos.NoFence, Events: []bos.Event{{Component: redNode, Session: "monday", Kind: "power_on", Detail: "for monday", Actor: "somebody", Workspace: "w"}}}
	if _, err := s.store.Commit(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	s.do("POST", "/x/v1/sessions", with(boot("tuesday"), "overlap", "queue"), red...).ok(http.StatusCreated, nil)
	key := bos.SessionKey{Tenant: "red", Name: "tuesday"}
	if _, err := s.store.MutateSession(t.Context(), key, func(r *bos.SessionRecord) error {
		r.Ahead = []bos.Ahead{{Session: "monday", Why: bos.AheadAtWork}}
		text := bos.Queued(r.Ahead, bos.TenantOf(r.Tenant))
		r.Status.Error = &text
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]struct {
		method, path string
		body         object
		said         string // to the tenant besides
	}{
		"a preview":                     {"POST", "/x/v1/previews", with(ask(), "overlap", "reject"), bos.OtherTenants + " is at work on"},
		"one of a session that queues":  {"POST", "/x/v1/previews", with(ask(), "overlap", "queue"), bos.OtherTenants + " has"},
		"a refusal":                     {"POST", "/x/v1/sessions", with(boot("wednesday"), "overlap", "reject"), bos.OtherTenants},
		"what a session waits for":      {"GET", "/x/v1/sessions/tuesday/status", nil, bos.OtherTenants + ", which is at work on"},
		"a session that waits":          {"GET", "/v2/sessions/tuesday", nil, bos.OtherTenants},
		"the history of its node":       {"GET", "/x/v1/events?component=" + redNode, nil, "power_on"},
		"the history of that session":   {"GET", "/x/v1/events?session=monday", nil, `"events":[]`},
		"the sessions":                  {"GET", "/v2/sessions", nil, "tuesday"},
		"the status of its own session": {"GET", "/v2/sessions/tuesday/status", nil, "managed"},
	} {
		var body any
		if ask.body != nil {
			body = ask.body
		}
		a := s.do(ask.method, ask.path, body, red...)
		if said := a.body; strings.Contains(said, "monday") || strings.Contains(said, "somebody") || !strings.Contains(said, ask.said) {
			t.Errorf("%s says to the tenant %s", name, said)
		}
	}
	all := s.preview(ask())
	if len(all.Busy) == 0 || all.Busy[0].Session != "monday" && all.Busy[len(all.Busy)-1].Session != "monday" {
		t.Errorf("who reaches the whole site is told %+v", all.Busy)
	}
	if said := s.do("GET", "/x/v1/events?component="+redNode, nil).body; !strings.Contains(said, "monday") {
		t.Errorf("who reaches the whole site is told %s", said)
	}
}

// The setup of a tenant's session and the sentence that it leaves name no other's either.
func TestWhatATenantsSessionSaysOfOthersHasNoNames(t *testing.T) {
	ahead := []bos.Ahead{{Session: "monday", Why: bos.AheadAtWork}, {Session: "own", Tenant: bos.TenantRef("red"), Why: bos.AheadPaused}}
	if text := bos.Queued(ahead, "red"); strings.Contains(text, "monday") || !strings.Contains(text, "session own of tenant red") {
		t.Errorf("a tenant is told %q", text)
	}
	if text := bos.Queued(ahead, ""); !strings.Contains(text, "session monday, ") {
		t.Errorf("the site is told %q", text)
	}
	busy := bos.PreviewBusy{Session: "monday", Operation: bos.OperationBoot, By: "somebody", Reason: "monday", Count: 1, Nodes: redNode}
	if told := busy.SaidTo("red"); told != (bos.PreviewBusy{OtherTenant: true, Operation: bos.OperationBoot, Count: 1, Nodes: redNode}) {
		t.Errorf("a tenant is told %+v", told)
	}
	if told := busy.SaidTo(""); told != busy {
		t.Errorf("the site is told %+v", told)
	}
}
