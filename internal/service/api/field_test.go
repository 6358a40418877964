package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The tests here are of cases in docs/field-cases.md.

func TestTenThousandIDsFitIntoOneQuery(t *testing.T) {
	s := newSite(t)
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("x1000c0s%db0n0", i)
	}
	if _, err := s.store.MutateComponents(t.Context(), ids, func(*bos.Record, bool) error { return nil }); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.handler)
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v2/components?ids="+strings.Join(ids, ","), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var list []bos.Component
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil || res.StatusCode != http.StatusOK || len(list) != len(ids) {
		t.Errorf("answered %s with %d components, %v", res.Status, len(list), err)
	}
}

func TestMoreThanAThousandSessionsAreListedWhole(t *testing.T) {
	const many = 1500
	s := newSite(t)
	for i := range many {
		rec := bos.SessionRecord{Session: bos.Session{Name: fmt.Sprintf("s%d", i), TemplateName: "t", Limit: strings.Repeat("x1000c0s0b0n0,", 300) + "all", Status: bos.SessionStatus{Status: bos.SessionComplete, StartTime: bos.At(noon)}}}
		if err := s.store.CreateSession(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
	}
	var list []bos.Session
	s.do("GET", "/v2/sessions", nil).ok(http.StatusOK, &list)
	if len(list) != many {
		t.Errorf("%d sessions are listed, want %d", len(list), many)
	}
}

// pieces counts what an answer is written in.
type pieces struct {
	http.ResponseWriter
	total, largest int
}

func (p *pieces) Write(b []byte) (int, error) {
	p.total += len(b)
	p.largest = max(p.largest, len(b))
	return len(b), nil
}

func TestALongListIsSentInPiecesAndNeverHeldWhole(t *testing.T) {
	s := newSite(t)
	ids := make([]string, 5_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("n%d", i)
	}
	shared := bos.BootArtifacts{Kernel: "k", KernelParameters: strings.Repeat("p", 2000), Initrd: "i"}
	if _, err := s.store.MutateComponents(t.Context(), ids, func(r *bos.Record, _ bool) error {
		r.DesiredState.BootArtifacts = shared
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	out := &pieces{ResponseWriter: httptest.NewRecorder()}
	s.handler.ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/components", nil))
	if out.total < 10_000_000 || out.largest > 1<<20 {
		t.Errorf("%d bytes were sent, at most %d at a time", out.total, out.largest)
	}
}

func TestABulkDeleteOfATenantDeletesItsOwnAndOnlyThose(t *testing.T) {
	s := newSite(t)
	red := []string{tenantHeader, "red"}
	for _, headers := range [][]string{nil, red} {
		s.putTemplate("t1", withSet("node_roles_groups", []string{"Compute"}), headers...)
		s.do("POST", "/v2/sessions", boot("s1"), headers...).ok(http.StatusCreated, nil)
	}
	s.do("DELETE", "/v2/sessions?status=pending", nil, red...).ok(http.StatusNoContent, nil)
	s.do("GET", "/v2/sessions/s1", nil, red...).refused(http.StatusNotFound, titleNotFound)
	s.do("GET", "/v2/sessions/s1", nil).ok(http.StatusOK, nil)
}
