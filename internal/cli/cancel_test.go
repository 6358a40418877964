package cli

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// follow reads the stream of a session's events until one is of this kind, and
// counts what came before.
func follow(t *testing.T, lines *bufio.Scanner, kind string) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e bos.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatal(err)
		}
		seen[e.Kind]++
		if e.Kind == kind {
			return seen
		}
	}
	t.Fatalf("the stream ended before %s, after %v: %v", kind, seen, lines.Err())
	return nil
}

func TestASessionIsCancelledWhileItsNodesBoot(t *testing.T) {
	t.Parallel()
	// Nodes that take an hour to boot are still booting when it is cancelled.
	url := start(t, "--emulate", "8", "--emulate-boot-time", "1h", "--emulate-power-time", "20ms")
	template := map[string]any{"enable_cfs": false, "boot_sets": map[string]any{"compute": map[string]any{
		"path": "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json", "type": "s3", "node_roles_groups": []string{"Compute"},
	}}}
	call(t, http.MethodPut, url+"/v2/sessiontemplates/compute", template, nil)
	discovered(t, url, 8)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/x/v1/events?session=s", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	authorize(req)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	call(t, http.MethodPost, url+"/v2/sessions", map[string]any{"name": "s", "template_name": "compute", "operation": "boot"}, nil)
	if seen := follow(t, lines, "session_setup"); seen["session_created"] != 1 {
		t.Errorf("before its setup the session had the events %v", seen)
	}
	var s bos.Session
	if status := call(t, http.MethodPost, url+"/x/v1/sessions/s/cancel", map[string]any{"reason": "changed my mind"}, &s); status != http.StatusOK || s.Status.Status != bos.SessionComplete {
		t.Errorf("it answered %d, %+v", status, s)
	}
	follow(t, lines, "session_cancelled")
	for i, id := range strings.Split(s.Components, ",") {
		var c bos.Component
		call(t, http.MethodGet, url+"/v2/components/"+id, nil, &c)
		if c.Enabled || !strings.Contains(c.Error, "session s was cancelled: changed my mind") {
			t.Errorf("node %d is %+v", i, c)
		}
	}
}
