package cli

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

// A site without HSM: nodes and BMCs are in a file, power is Redfish, boot
// scripts are built in.
func TestASiteWithoutHSMBootsFromAnInventoryFile(t *testing.T) {
	room, err := emulator.Start(t.Context(), emulator.ServerConfig{
		Token:  localtoken.Find,
		Config: machineroom.Config{Nodes: 4, PowerTime: 20 * time.Millisecond, BootTime: 50 * time.Millisecond},
		Listen: "127.0.0.1:0", StateDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer room.Close() //nolint:errcheck // the test ends
	e := room.Endpoints()
	dir := t.TempDir()
	nodes := filepath.Join(dir, "nodes.yaml")
	if err := os.WriteFile(nodes, []byte(nodesFile(t, e.HSM)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_BMC_PASSWORD", e.Password)
	t.Setenv("TEST_S3_KEY", e.AccessKey)
	t.Setenv("TEST_S3_SECRET", e.SecretKey)
	settings := settingsFile(t, fmt.Sprintf(`
inventory: { file: %q }
power: { redfish: { ca_file: %q } }
boot_parameters: { bss: { url: %q } }
artifacts: { s3: { endpoint: %q, access_key_env: TEST_S3_KEY, secret_key_env: TEST_S3_SECRET, buckets: [boot-images] } }
tenants: { file: %q }
`, nodes, e.CAFile, e.BSS, e.S3, writeTenants(t, dir)))
	url := start(t, "--config", settings)
	room.SetBOS(url)
	template := map[string]any{"enable_cfs": false, "boot_sets": map[string]any{"compute": map[string]any{
		"path": "s3://boot-images/" + services.ImageX86 + "/manifest.json", "type": "s3", "node_groups": []string{"all_of_them"},
	}}}
	if status := call(t, http.MethodPut, url+"/v2/sessiontemplates/compute", template, nil); status != http.StatusOK {
		t.Fatalf("PUT template answered %d", status)
	}
	discovered(t, url, 4)
	for _, op := range []string{"boot", "shutdown"} {
		if status := call(t, http.MethodPost, url+"/v2/sessions", map[string]any{"name": op, "template_name": "compute", "operation": op}, nil); status != http.StatusCreated {
			t.Fatalf("POST %s answered %d", op, status)
		}
		if s := complete(t, url, op); s.PercentSuccessful != 100 || s.ManagedComponentsCount != 4 {
			t.Errorf("%s: %+v, want all 4 successful", op, s)
		}
	}
}

// nodesFile writes down what HSM has of the BMCs.
func nodesFile(t *testing.T, hsmURL string) string {
	t.Helper()
	endpoints, err := hsm.New(transport.Upstream{URL: hsmURL}).Endpoints(t.Context())
	if err != nil || len(endpoints) != 4 {
		t.Fatalf("%d endpoints, %v", len(endpoints), err)
	}
	var text strings.Builder
	text.WriteString("credentials: { bmc: { user: root, password_env: TEST_BMC_PASSWORD } }\nnodes:\n")
	for id, e := range endpoints {
		fmt.Fprintf(&text, "  - { xnames: %s, groups: [all_of_them], bmc: { address: %q, system: %s, credentials: bmc } }\n", id, e.FQDN, e.System)
	}
	return text.String()
}

func writeTenants(t *testing.T, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "tenants.yaml")
	if err := os.WriteFile(name, []byte("tenants: { blue: 'x1000c0s0b0n[0-1]' }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAWrongInventoryFileStopsTheStartWithItsLine(t *testing.T) {
	nodes := filepath.Join(t.TempDir(), "nodes.yaml")
	if err := os.WriteFile(nodes, []byte("nodes:\n  - xnames: x1000c0s0b0n0\n    bmcs: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := serveCommand("0.0.0")
	c.SetArgs([]string{"--listen", "127.0.0.1:0", "--database", filepath.Join(t.TempDir(), "bos.db"), "--config", settingsFile(t, fmt.Sprintf("inventory: { file: %q }", nodes))})
	c.SilenceUsage, c.SilenceErrors = true, true
	if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), nodes+":3: ") {
		t.Errorf("got %v", err)
	}
}
