package client

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestNodesAreReadPageAfterPageWithTheirFilters(t *testing.T) {
	c, s := dial(t, 0, func(n int, _ *http.Request) (*http.Response, error) {
		if n == 1 {
			return answer(200, `{"nodes":[{"id":"x1","enabled":true,"locked":false,"held":false}],"warnings":["w"],"next":"x1"}`), nil
		}
		return answer(200, `{"nodes":[{"id":"x2","role":"Compute","nid":7,"enabled":true,"locked":false,"held":true}],"warnings":["w"]}`), nil
	})
	enabled := true
	nodes, warnings, err := c.Nodes(t.Context(), NodeFilter{Limit: "all,!x3", Role: "r", Group: "g", Partition: "p", Enabled: &enabled, Addresses: true})
	if err != nil || len(nodes) != 2 || nodes[1].ID != "x2" || nodes[1].NID != 7 || !nodes[1].Held || !slices.Equal(warnings, []string{"w"}) {
		t.Errorf("%+v, %q, %v", nodes, warnings, err)
	}
	const first = "GET /apis/bos/x/v1/nodes?addresses=true&enabled=true&group=g&limit=all%2C%21x3&page_size=10000&partition=p&role=r"
	if want := []string{first, first + "&start_after_id=x1"}; !slices.Equal(s.log, want) {
		t.Errorf("it sent %q", s.log)
	}
}

func TestAnAnswerWithoutNodesIsNoEmptyInventory(t *testing.T) {
	c, _ := dial(t, 0, func(int, *http.Request) (*http.Response, error) { return answer(200, `{"maintenance":true}`), nil })
	if _, _, err := c.Nodes(t.Context(), NodeFilter{}); err == nil || !strings.Contains(err.Error(), "has no nodes") {
		t.Errorf("%v", err)
	}
}
