package emulator

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

func TestCFSOnTheWire(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 4, ConfigTime: time.Hour}})
	url := s.Endpoints().CFS + "/components"
	var changed object
	patch := object{"desired_config": "site", "enabled": false, "tags": object{"bos_session": "s", "empty": ""}, "state": []any{}}
	ask(t, http.MethodPatch, url, object{"patch": patch, "filters": object{"ids": first + "," + second + ",x9c0s0b0n0"}}, &changed)
	if diff := cmp.Diff(object{"component_ids": []any{first, second}}, changed); diff != "" {
		t.Errorf("patched (-want +got):\n%s", diff)
	}
	want := object{
		"id": first, "desired_config": "site", "error_count": 0.0, "enabled": false, "configuration_status": "pending",
		"tags": object{"bos_session": "s"},
	}
	var one object
	if ask(t, http.MethodGet, url+"/"+first, nil, &one); cmp.Diff(want, one) != "" {
		t.Errorf("component (-want +got):\n%s", cmp.Diff(want, one))
	}
	var page struct {
		Components []object
		Next       map[string]any
	}
	ask(t, http.MethodGet, url+"?limit=3&tags=&enabled=false&state_details=true", nil, &page)
	next := map[string]any{
		"ids": "", "status": "", "enabled": false, "config_name": "", "state_details": true, "config_details": false, "tags": "", "limit": 3.0, "after_id": third,
	}
	if diff := cmp.Diff(next, page.Next); diff != "" || len(page.Components) != 3 || page.Components[0]["state"] == nil {
		t.Errorf("%d components, next (-want +got):\n%s", len(page.Components), diff)
	}
	page.Next = nil
	ask(t, http.MethodGet, url+"?limit=3&after_id="+third, nil, &page)
	if len(page.Components) != 1 || page.Next != nil {
		t.Errorf("last page: %+v", page)
	}
	for filter, count := range map[string]int{"status=pending": 2, "config_name=site": 2, "tags=bos_session=s": 2, "tags=bos_session=other": 0, "ids=" + second: 1, "status=pending,unconfigured": 4} {
		if ask(t, http.MethodGet, url+"?"+filter, nil, &page); len(page.Components) != count {
			t.Errorf("%s chose %d, want %d", filter, len(page.Components), count)
		}
	}
	ask(t, http.MethodPatch, url, []object{{"id": third, "enabled": true}, {"id": first, "retry_policy": 1}}, &changed)
	if diff := cmp.Diff(object{"component_ids": []any{third, first}}, changed); diff != "" {
		t.Errorf("patched by a list (-want +got):\n%s", diff)
	}
}

func TestWhatCFSRefuses(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 1}})
	url := s.Endpoints().CFS + "/components"
	for _, c := range []struct {
		name, method, path string
		body               any
		status             int
		says               string
	}{
		{"an unknown component", http.MethodGet, "/x9c0s0b0n0", nil, 404, "x9c0s0b0n0"},
		{"a patch of one", http.MethodPatch, "/x9c0s0b0n0", object{"enabled": true}, 404, "x9c0s0b0n0"},
		{"a list with one", http.MethodPatch, "", []object{{"id": "x9c0s0b0n0"}}, 404, "x9c0s0b0n0"},
		{"an unknown field", http.MethodPatch, "", object{"patch": object{"desiredConfig": "old"}, "filters": object{}}, 400, "desiredConfig"},
		{"no filters", http.MethodPatch, "", object{"patch": object{}}, 400, "filters"},
		{"a wrong status", http.MethodGet, "?status=done", nil, 400, "done"},
		{"a wrong limit", http.MethodGet, "?limit=0", nil, 400, "limit"},
		{"a wrong tag", http.MethodGet, "?tags=a", nil, 400, `"a"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got struct{ Detail string }
			if res := ask(t, c.method, url+c.path, c.body, &got); res.StatusCode != c.status || !strings.Contains(got.Detail, c.says) {
				t.Errorf("answered %s %q", res.Status, got.Detail)
			}
		})
	}
}
