package cli

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/porttest"
)

func settingsFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "bos.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	authorize(req)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// freeAddress is an address that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := porttest.Free()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint("127.0.0.1:", port)
}

// Emulated nodes fetch their scripts from the built-in endpoint over HTTP, load
// kernel and initrd by the signed links in them, and report the token.
func TestNodesBootFromTheBuiltInEndpointWithoutBSS(t *testing.T) {
	t.Parallel()
	forNodes := freeAddress(t)
	url := start(t, "--emulate", "4", "--emulate-boot-time", "50ms", "--emulate-power-time", "20ms",
		"--config", settingsFile(t, "boot_parameters: { builtin: { listen: "+forNodes+" } }"))
	discovered(t, url, 4)
	for i, parameters := range []string{"quiet", "debug"} {
		call(t, http.MethodPut, url+"/v2/sessiontemplates/compute", map[string]any{"enable_cfs": false, "boot_sets": map[string]any{"compute": map[string]any{
			"path": "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json", "type": "s3", "node_roles_groups": []string{"Compute"},
			"kernel_parameters": parameters,
		}}}, nil)
		name := []string{"first", "second"}[i]
		if status := call(t, http.MethodPost, url+"/v2/sessions", map[string]any{"name": name, "template_name": "compute", "operation": "reboot"}, nil); status != http.StatusCreated {
			t.Fatalf("POST answered %d", status)
		}
		if s := complete(t, url, name); s.PercentSuccessful != 100 {
			t.Errorf("%s: %+v", name, s)
		}
		var c bos.Component
		call(t, http.MethodGet, url+"/v2/components/x1000c0s0b0n0", nil, &c)
		if got := c.ActualState.BootArtifacts.KernelParameters; !strings.Contains(got, parameters) {
			t.Errorf("%s: the node runs with %q", name, got)
		}
		status, script := get(t, "http://"+forNodes+"/boot/v1/bootscript?nid=1")
		if status != http.StatusOK || !strings.Contains(script, parameters) || !strings.Contains(script, "X-Amz-Signature=") {
			t.Errorf("%s: %d\n%s", name, status, script)
		}
	}
	if status, _ := get(t, "http://"+forNodes+"/boot/v1/bootparameters"); status != http.StatusNotFound {
		t.Errorf("the nodes' address answered %d for boot parameters", status)
	}
	if status, list := get(t, url+"/boot/v1/bootparameters"); status != http.StatusOK || strings.Count(list, `"kernel"`) != 4 {
		t.Errorf("the API answered %d: %s", status, list)
	}
}
