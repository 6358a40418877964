package api

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func (s *site) nodes(query string, headers ...string) bos.InventoryNodes {
	s.t.Helper()
	var page bos.InventoryNodes
	s.do("GET", "/x/v1/nodes"+query, nil, headers...).ok(http.StatusOK, &page)
	return page
}

func foldedNodes(page bos.InventoryNodes) string {
	var ids []string
	for _, n := range page.Nodes {
		ids = append(ids, n.ID)
	}
	return bos.Fold(ids)
}

func TestNodesAreListedWithWhatKeepsSessionsFromThem(t *testing.T) {
	s := newSite(t)
	s.inv.Nodes[1].Locked = true
	s.record("x1c0s3b0n0", func(r *bos.Record) { r.Held = bos.NewBrake("board is out", "ann", noon) })
	page := s.nodes("?role=Compute&addresses=true")
	want := []bos.InventoryNode{
		{ID: "x1c0s1b0n0", Role: "Compute", Groups: []string{"blue"}, Enabled: true, NID: 7, MACs: []string{"a4:bf:01:28:90:a8"}},
		{ID: "x1c0s2b0n0", Role: "Compute", Groups: []string{"blue"}, Enabled: true, Locked: true, SkipReason: "locked in the inventory"},
		{ID: "x1c0s3b0n0", Role: "Compute", Enabled: true, Held: true, SkipReason: "held: board is out"},
	}
	if diff := cmp.Diff(want, page.Nodes); diff != "" || page.Next != "" || len(page.Warnings) != 0 {
		t.Errorf("%s\nnext %q, warnings %q", diff, page.Next, page.Warnings)
	}
}

func TestNodesArePagedAndFilteredAsInALimit(t *testing.T) {
	s := newSite(t)
	s.inv.Nodes = nil
	for i := range 25 {
		s.inv.Nodes = append(s.inv.Nodes, bos.Node{ID: fmt.Sprintf("x1c0s%db0n0", i), Role: "Compute", Enabled: i%2 == 0})
	}
	var got []string
	after := ""
	for pages := range 20 {
		query := "?enabled=true&page_size=3&limit=" + url.QueryEscape("all,!x1c0s[20-24]b0n0")
		if after != "" {
			query += "&start_after_id=" + after
		}
		page := s.nodes(query)
		for _, n := range page.Nodes {
			got = append(got, n.ID)
		}
		if after = page.Next; after == "" {
			if pages != 3 {
				t.Errorf("%d pages", pages+1)
			}
			break
		}
	}
	if folded := bos.Fold(got); len(got) != 10 || folded != "x1c0s[0,2,4,6,8,10,12,14,16,18]b0n0" {
		t.Errorf("listed %s", folded)
	}
}

func TestATenantIsToldOfItsOwnNodesOnly(t *testing.T) {
	s := newSite(t)
	for _, query := range []string{"", "?limit=all", "?group=blue", "?limit=x1c0s[1-4]b0n0", "?addresses=true"} {
		if got := foldedNodes(s.nodes(query, tenantHeader, "red")); got != "x1c0s1b0n0" {
			t.Errorf("%s: red is told of %s", query, got)
		}
	}
	if got := foldedNodes(s.nodes("", tenantHeader, "empty")); got != "" {
		t.Errorf("a tenant without nodes is told of %s", got)
	}
	s.do("GET", "/x/v1/nodes", nil, tenantHeader, "nobody").refused(http.StatusBadRequest, titleInvalidTenant, `"nobody"`)
}

func TestAnEmptyFilterOfNodesIsRefusedAndNeverMeansAll(t *testing.T) {
	s := newSite(t)
	s.do("GET", "/x/v1/nodes?limit=", nil).refused(http.StatusBadRequest, "", "limit", "nobody", "say all")
	s.do("GET", "/x/v1/nodes?limit=%20", nil).refused(http.StatusBadRequest, "", "limit", "nobody")
	for _, name := range []string{"role", "group", "partition"} {
		s.do("GET", "/x/v1/nodes?"+name+"=", nil).refused(http.StatusBadRequest, "", name, "empty")
	}
	if page := s.nodes("?group=bleu"); len(page.Nodes) != 0 || len(page.Warnings) != 1 {
		t.Errorf("%+v", page)
	}
}

func TestNodesNeedAnInventoryThatAnswers(t *testing.T) {
	newSite(t, func(c *Config) { c.Inventory = nil }).do("GET", "/x/v1/nodes", nil).refused(http.StatusBadRequest, "", "inventory.hsm")
	newSite(t, func(c *Config) { c.Names = nil }).do("GET", "/x/v1/nodes?addresses=true", nil).refused(http.StatusBadRequest, "", "leave addresses out")
	s := newSite(t)
	s.invErr = errOutage
	s.do("GET", "/x/v1/nodes", nil).refused(http.StatusServiceUnavailable, "", "inventory")
}
