package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

// readyLine passes the first line on, which holds the URL.
type readyLine struct{ line chan string }

func (r readyLine) Write(b []byte) (int, error) {
	select {
	case r.line <- string(b):
	default:
	}
	return len(b), nil
}

// start runs serve until the test ends and returns its URL.
func start(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ready := readyLine{make(chan string, 1)}
	c := &cobra.Command{Use: "test", SilenceUsage: true, SilenceErrors: true}
	c.AddCommand(serveCommand("0.0.0"))
	c.SetOut(ready)
	c.SetErr(io.Discard)
	c.SetArgs(append([]string{"serve", "--listen", "127.0.0.1:0", "--state-dir", t.TempDir(), "--database", filepath.Join(t.TempDir(), "bos.db")}, args...))
	ended := make(chan error, 1)
	go func() { ended <- c.ExecuteContext(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case line := <-ready.line:
		return strings.TrimSpace(strings.TrimPrefix(line, "BOS is ready at "))
	case err := <-ended:
		ended <- nil
		t.Fatalf("serve ended: %v", err)
		return ""
	}
}

// authorize adds the token that the service of a test has left for this machine.
func authorize(req *http.Request) {
	if token := localtoken.Find(req.URL.String()); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
}

func call(t *testing.T, method, url string, body, into any) int {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	authorize(req)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if into != nil {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return res.StatusCode
}

// complete waits until a session is complete; the test's own deadline ends the wait.
func complete(t *testing.T, url, name string) bos.ExtendedStatus {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		var s bos.ExtendedStatus
		call(t, http.MethodGet, url+"/v2/sessions/"+name+"/status", nil, &s)
		if s.Status == bos.SessionComplete {
			return s
		}
	}
	return bos.ExtendedStatus{}
}

func TestServeEmulateBootsRebootsAndShutsDownOverRealSockets(t *testing.T) {
	t.Parallel()
	for _, power := range []string{"redfish", "pcs"} {
		t.Run(power, func(t *testing.T) { bootRebootShutDown(t, power) })
	}
}

func TestTheRoomBesideAServiceLeavesItsPortToOthers(t *testing.T) {
	for api, room := range map[string]string{
		"127.0.0.1:8770": "127.0.0.1:8780", "0.0.0.0:9000": "127.0.0.1:9010", "127.0.0.1:0": "127.0.0.1:0", "nonsense": "127.0.0.1:0",
	} {
		if got := roomAddress(api); got != room {
			t.Errorf("beside an API on %s the room listens on %s, want %s", api, got, room)
		}
	}
	for range 2 {
		start(t, "--emulate", "1")
	}
}

func bootRebootShutDown(t *testing.T, power string) {
	url := start(t, "--emulate", "8", "--emulate-boot-time", "50ms", "--emulate-power-time", "20ms", "--power", power)
	template := map[string]any{"enable_cfs": false, "boot_sets": map[string]any{"compute": map[string]any{
		"path": "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json", "type": "s3", "node_roles_groups": []string{"Compute"},
	}}}
	if status := call(t, http.MethodPut, url+"/v2/sessiontemplates/compute", template, nil); status != http.StatusOK {
		t.Fatalf("PUT template answered %d", status)
	}
	discovered(t, url, 8)
	for _, op := range []string{"boot", "reboot", "shutdown"} {
		body := map[string]any{"name": op, "template_name": "compute", "operation": op}
		if status := call(t, http.MethodPost, url+"/v2/sessions", body, nil); status != http.StatusCreated {
			t.Fatalf("POST %s answered %d", op, status)
		}
		if s := complete(t, url, op); s.PercentSuccessful != 100 || s.ManagedComponentsCount != 8 {
			t.Errorf("%s: %+v, want all 8 successful", op, s)
		}
	}
}

func TestASessionWithAPinIsRefusedWhenTheNodesChanged(t *testing.T) {
	url := start(t, "--emulate", "4", "--emulate-boot-time", "50ms", "--emulate-power-time", "20ms")
	inline := map[string]any{"boot_sets": map[string]any{"compute": map[string]any{
		"path": "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json", "type": "s3", "node_list": []string{"x1000c0s0b0n0"},
	}}, "enable_cfs": false}
	call(t, http.MethodPut, url+"/v2/sessiontemplates/t", inline, nil)
	var p bos.Preview
	if status := call(t, http.MethodPost, url+"/x/v1/previews", map[string]any{"template_name": "t", "operation": "boot"}, &p); status != http.StatusOK || p.Count != 1 {
		t.Fatalf("preview answered %d: %+v", status, p)
	}
	inline["boot_sets"].(map[string]any)["compute"].(map[string]any)["node_list"] = []string{"x1000c0s0b0n0", "x1000c0s0b0n1"}
	call(t, http.MethodPut, url+"/v2/sessiontemplates/t", inline, nil)
	var refusal struct{ Detail string }
	status := call(t, http.MethodPost, url+"/x/v1/sessions", map[string]any{"name": "s", "template_name": "t", "operation": "boot", "pin": p.Pin}, &refusal)
	if status != http.StatusConflict || !strings.Contains(refusal.Detail, "x1000c0s0b0n1") {
		t.Errorf("answered %d: %s; want a refusal that names the node that was added", status, refusal.Detail)
	}
}

// TestARoomWithoutAStateFolderLeavesNothingBehind: the key of its CA and its records
// stayed in the folder for temporary files.
func TestARoomWithoutAStateFolderLeavesNothingBehind(t *testing.T) {
	temporary := t.TempDir()
	t.Run("serve", func(t *testing.T) {
		t.Setenv("TMPDIR", temporary)
		start(t, "--emulate", "2", "--state-dir", "")
		if made, err := os.ReadDir(temporary); err != nil || len(made) == 0 {
			t.Fatal("nothing is made that could stay", err)
		}
	})
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
