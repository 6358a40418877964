package emulator

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// booted is a room whose first node has booted, at the time returned.
func booted(t *testing.T, c Config) (*Room, time.Time) {
	t.Helper()
	c.Nodes = max(c.Nodes, 1)
	r := newTestRoom(t, c)
	r.SetBootParameters([]string{first}, image, "token")
	r.Reset(first, ResetOn, epoch)
	now := epoch.Add(time.Minute)
	r.Advance(now)
	return r, now
}

func cfsOf(t *testing.T, r *Room, id string, now time.Time) CFSComponent {
	t.Helper()
	list, _ := r.CFSComponents(CFSFilter{IDs: []string{id}}, 10, "", true, now)
	if len(list) != 1 {
		t.Fatalf("CFS has %v for %s", list, id)
	}
	return list[0]
}

// firstReport lets the room run to the next report and says when that was.
func firstReport(t *testing.T, r *Room) time.Time {
	t.Helper()
	for at, ok := r.Next(); ok; at, ok = r.Next() {
		if reports := r.Advance(at); len(reports) > 0 {
			return reports[0].Time
		}
	}
	t.Fatal("no node reports")
	return time.Time{}
}

func desire(config string, enabled bool) CFSPatch {
	return CFSPatch{Desired: &config, Enabled: &enabled, State: &[]CFSLayer{}}
}

func TestCFSConfiguresANodeOnceItsAgentEnablesIt(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	r.SetBootParameters([]string{first}, image, "token")
	r.PatchCFS(CFSFilter{IDs: []string{first}}, desire("site", false), epoch)
	r.Advance(epoch.Add(time.Hour))
	if c := cfsOf(t, r, first, epoch.Add(time.Hour)); c.Status != CFSPending || c.Enabled {
		t.Errorf("while it is off: %+v", c)
	}
	on := epoch.Add(time.Hour)
	r.Reset(first, ResetOn, on)
	up := firstReport(t, r)
	if c := cfsOf(t, r, first, up); c.Status != CFSPending || !c.Enabled {
		t.Errorf("when it has booted: %+v", c)
	}
	c := cfsOf(t, r, first, up.Add(2*time.Second))
	if c.Status != CFSConfigured || c.ErrorCount != 0 || len(*c.State) != 1 || (*c.State)[0].Status != layerApplied {
		t.Errorf("after its configuration: %+v", c)
	}
}

// TestARebootDoesNotPassOnAnOldConfigured is why the agent clears the state.
func TestARebootDoesNotPassOnAnOldConfigured(t *testing.T) {
	r, now := booted(t, Config{})
	r.PatchCFS(CFSFilter{}, desire("site", true), now)
	now = now.Add(time.Minute)
	if c := cfsOf(t, r, first, now); c.Status != CFSConfigured {
		t.Fatalf("before: %+v", c)
	}
	r.Reset(first, ResetForceRestart, now)
	back := firstReport(t, r)
	if c := cfsOf(t, r, first, back); c.Status != CFSPending {
		t.Errorf("at its report it is %s, want pending", c.Status)
	}
	if c := cfsOf(t, r, first, back.Add(time.Minute)); c.Status != CFSConfigured {
		t.Errorf("later it is %s, want configured", c.Status)
	}
}

func TestCFSTriesAgainAndThenFails(t *testing.T) {
	r, now := booted(t, Config{Faults: Faults{FailConfig: 1}})
	r.PatchCFS(CFSFilter{IDs: []string{first}}, desire("site", true), now)
	if c := cfsOf(t, r, first, now.Add(1500*time.Millisecond)); c.Status != CFSPending || c.ErrorCount != 1 {
		t.Errorf("after one error: %+v", c)
	}
	now = now.Add(time.Minute)
	if c := cfsOf(t, r, first, now); c.Status != CFSFailed || c.ErrorCount != cfsRetries {
		t.Errorf("after all tries: %+v", c)
	}
	if err := r.SetFaults(Faults{}); err != nil {
		t.Fatal(err)
	}
	none := 0
	r.PatchCFS(CFSFilter{}, CFSPatch{ErrorCount: &none}, now)
	if c := cfsOf(t, r, first, now.Add(time.Minute)); c.Status != CFSConfigured {
		t.Errorf("after another go: %+v", c)
	}
}

func TestConfigurationEndsWhereItHasNoObject(t *testing.T) {
	r, now := booted(t, Config{})
	filter := CFSFilter{IDs: []string{first}}
	off := false
	for name, stop := range map[string]func(){
		"disabled":    func() { r.PatchCFS(filter, CFSPatch{Enabled: &off}, now) },
		"powered off": func() { r.Reset(first, ResetForceOff, now) },
	} {
		r.PatchCFS(filter, desire("site", true), now)
		stop()
		now = now.Add(time.Minute)
		if c := cfsOf(t, r, first, now); c.Status != CFSPending {
			t.Errorf("%s in the middle it became %s", name, c.Status)
		}
	}
}

func TestANodeWithNothingDesiredIsUnconfigured(t *testing.T) {
	r, now := booted(t, Config{})
	if c := cfsOf(t, r, first, now); c.Status != CFSUnconfigured || !c.Enabled {
		t.Errorf("%+v", c)
	}
}

func TestCFSOnTheWire(t *testing.T) {
	s := startServer(t, ServerConfig{Config: Config{Nodes: 4, ConfigTime: time.Hour}})
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
	s := startServer(t, ServerConfig{Config: Config{Nodes: 1}})
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

func TestCFSComesBackAfterARestart(t *testing.T) {
	r, now := booted(t, Config{Nodes: 2})
	r.PatchCFS(CFSFilter{IDs: []string{first}}, desire("site", true), now)
	r.PatchCFS(CFSFilter{IDs: []string{second}}, desire("other", false), now)
	back := newTestRoom(t, Config{Nodes: 2})
	back.restore(r.save(now), now)
	later := now.Add(time.Minute)
	for id, want := range map[string]string{first: CFSConfigured, second: CFSPending} {
		if c := cfsOf(t, back, id, later); c.Status != want {
			t.Errorf("%s is %+v, want %s", id, c, want)
		}
	}
}
