package cli

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

// TestNodesThatNeverPowerOffFailAndARetryHealsThem is the acceptance test of the
// service over real sockets: a process that drives one BMC for each two nodes over
// TLS. ACCEPTANCE_NODES makes it larger.
func TestNodesThatNeverPowerOffFailAndARetryHealsThem(t *testing.T) {
	t.Parallel()
	nodes := setting(t, "ACCEPTANCE_NODES", 24)
	room, service := site(t, nodes)
	inventory := room.Room().Inventory().Nodes
	stuck := []string{inventory[1].ID, inventory[nodes/2].ID, inventory[nodes-1].ID}
	// Long enough for all calls of a batch to be answered.
	call(t, http.MethodPatch, service.url+"/v2/options", map[string]any{"max_power_off_wait_time": 1 + nodes/500}, nil)
	run := func(name, op, limit string) bos.ExtendedStatus {
		began := time.Now()
		body := map[string]any{"name": name, "template_name": "compute", "operation": op, "limit": limit}
		if status := call(t, http.MethodPost, service.url+"/v2/sessions", body, nil); status != http.StatusCreated {
			t.Fatalf("POST %s answered %d", name, status)
		}
		s := complete(t, service.url, name)
		t.Logf("%s of %d nodes: %s", name, s.ManagedComponentsCount, time.Since(began).Round(time.Millisecond))
		return s
	}
	if s := run("boot", "boot", ""); s.PercentSuccessful != 100 {
		t.Fatalf("%+v", s)
	}

	rule := fault.Rule{Name: "stuck", Fault: fault.Drop, Resets: "off", Nodes: strings.Join(stuck, ",")}
	if err := room.Room().AddFaults(time.Now(), rule); err != nil {
		t.Fatal(err)
	}
	s := run("reboot", "reboot", "")
	summary := s.ErrorSummary
	if s.ManagedComponentsCount != nodes || s.PercentSuccessful == 100 || len(summary) != 1 {
		t.Fatalf("%+v; want all but three successful, and one error", s)
	}
	var limit string
	for text, failed := range summary {
		limit = failed.List
		if failed.Count != len(stuck) || limit != strings.Join(stuck, ",") || !strings.Contains(text, bos.CausePowerOffTimeout.Sentence()) {
			t.Errorf("%d failed, %s: %s; want %q with the cause", failed.Count, limit, text, stuck)
		}
	}
	for _, n := range inventory {
		kinds := room.Room().Resets(n.ID)
		if want := map[bool]int{false: 3, true: 1}[slices.Contains(stuck, n.ID)]; len(kinds) != want {
			t.Errorf("%s was reset by %v, want %d resets", n.ID, kinds, want)
		}
	}

	room.Room().LiftFaults("stuck")
	if s := run("retry", "reboot", limit); s.ManagedComponentsCount != len(stuck) || s.PercentSuccessful != 100 {
		t.Errorf("the retry ended as %+v", s)
	}
	if most := room.BMCs().MostAtOnce(); most != 1 {
		t.Errorf("a BMC had %d requests at once", most)
	}
}

// site is a service in a process of its own, with a template for all nodes of an
// emulated room, which it knows.
func site(t *testing.T, nodes int) (*emulator.Server, *process) {
	t.Helper()
	return siteOn(t, nodes, t.TempDir())
}

// siteOn is a site whose database is in a folder, and which has other services of the
// room as well.
func siteOn(t *testing.T, nodes int, folder string, also ...string) (*emulator.Server, *process) {
	t.Helper()
	dir := t.TempDir()
	room, err := emulator.Start(t.Context(), emulator.ServerConfig{
		Token:  localtoken.Find,
		Config: machineroom.Config{Nodes: nodes, PowerTime: 50 * time.Millisecond, BootTime: 200 * time.Millisecond},
		Listen: "127.0.0.1:0", StateDir: filepath.Join(dir, "room"), Also: also,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = room.Close() }) // the test is over
	config := filepath.Join(dir, "bos.yaml")
	if err := room.WriteConfig(config); err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(folder, "bos.db")
	service := &process{t: t, database: database, args: []string{"serve", "--config", config, "--listen", "127.0.0.1:0", "--database", database}}
	service.start()
	t.Cleanup(service.kill)
	room.SetBOS(service.url)
	template := map[string]any{"enable_cfs": false, "boot_sets": map[string]any{"compute": map[string]any{
		"path": "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json", "type": "s3", "node_roles_groups": []string{"Compute"},
	}}}
	call(t, http.MethodPut, service.url+"/v2/sessiontemplates/compute", template, nil)
	discovered(t, service.url, nodes)
	return room, service
}
