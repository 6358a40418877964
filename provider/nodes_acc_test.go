package provider_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const smallSite = `
groups:
  blue: x1000c0s[0-1]b0n0
partitions:
  p1: x1000c0s[2-3]b0n0
nodes:
  - { xnames: "x1000c0s[0-3]b0n0", role: Compute, nids: "[1-4]", macs: ["a4:bf:01:28:90:a1", "a4:bf:01:28:90:a2", "a4:bf:01:28:90:a3", "a4:bf:01:28:90:a4"] }
  - { xnames: "x1000c0s[4-5]b0n0", role: Compute, arch: ARM, locked: true }
  - { xnames: x1000c0s6b0n0, role: Application, sub_role: UAN, enabled: false }
`

func block(url string, more ...string) string {
	return fmt.Sprintf("provider \"bos\" {\n  endpoint = %q\n  max_retries = 1\n  %s\n}\n", url, strings.Join(more, "\n  "))
}

// outputs are the values of the outputs that were applied.
func (w *workspace) outputs() map[string]any {
	w.t.Helper()
	var all map[string]struct{ Value any }
	if err := json.Unmarshal([]byte(w.printed("output", "-json")), &all); err != nil {
		w.t.Fatal(err)
	}
	values := make(map[string]any)
	for name, output := range all {
		values[name] = output.Value
	}
	return values
}

func TestNodesOfTheInventoryAreListedWithWhatKeepsSessionsFromThem(t *testing.T) {
	t.Parallel()
	site := startListed(t, smallSite, "tenants:\n  red: x1000c0s[0,4]b0n0\n")
	send(t, "PUT", site.URL()+"/v2/components/x1000c0s1b0n0", strings.NewReader(`{"enabled":false}`))
	send(t, "PUT", site.URL()+"/x/v1/components/x1000c0s1b0n0/hold", strings.NewReader(`{"reason":"board is out"}`))
	w := newWorkspace(t)
	w.write(block(site.URL()), `
data "bos_nodes" "all" { addresses = true }
data "bos_nodes" "blue" {
  limit = "Compute,&blue"
}
data "bos_nodes" "red" {
  tenant = "red"
  role   = "Compute"
}
data "bos_nodes" "uan" { role = "Application_UAN" }
data "bos_nodes" "nobody" { group = "bleu" }
output "all" { value = data.bos_nodes.all.nodes }
output "count" { value = data.bos_nodes.all.node_count }
output "skipped" { value = data.bos_nodes.all.skipped }
output "roles" { value = data.bos_nodes.all.roles }
output "groups" { value = data.bos_nodes.all.groups }
output "partitions" { value = data.bos_nodes.all.partitions }
output "first" { value = data.bos_nodes.all.by_xname["x1000c0s0b0n0"] }
output "arm" { value = provider::bos::xname_fold([for x, n in data.bos_nodes.all.by_xname : x if n.arch == "ARM"]) }
output "blue" { value = data.bos_nodes.blue.nodes }
output "no_mac" { value = data.bos_nodes.blue.by_xname["x1000c0s0b0n0"].macs == null }
output "red" { value = data.bos_nodes.red.nodes }
output "uan" { value = data.bos_nodes.uan.by_xname["x1000c0s6b0n0"] }
output "nobody" { value = data.bos_nodes.nobody.nodes }
`)
	applied := w.apply()
	applied.exits(t, 0)
	applied.says(t, "Warning: The nodes found may not be those that were meant", `no group "bleu"`)
	want := map[string]any{
		"all": "x1000c0s[0-6]b0n0", "count": 7.0,
		"skipped":    map[string]any{"held: board is out": "x1000c0s1b0n0", "locked in the inventory": "x1000c0s[4-5]b0n0", "disabled in the inventory": "x1000c0s6b0n0"},
		"roles":      map[string]any{"Compute": "x1000c0s[0-5]b0n0", "Application": "x1000c0s6b0n0"},
		"groups":     map[string]any{"blue": "x1000c0s[0-1]b0n0"},
		"partitions": map[string]any{"p1": "x1000c0s[2-3]b0n0"},
		"first": map[string]any{
			"role": "Compute", "sub_role": "", "arch": "", "enabled": true, "locked": false, "held": false,
			"power": "", "skip_reason": "", "nid": 1.0, "macs": []any{"a4:bf:01:28:90:a1"},
		},
		"arm": "x1000c0s[4-5]b0n0", "blue": "x1000c0s[0-1]b0n0", "no_mac": true, "red": "x1000c0s[0,4]b0n0",
		"uan": map[string]any{
			"role": "Application", "sub_role": "UAN", "arch": "", "enabled": false, "locked": false, "held": false,
			"power": "", "skip_reason": "disabled in the inventory", "nid": nil, "macs": nil,
		},
		"nobody": "",
	}
	if diff := cmp.Diff(want, w.outputs()); diff != "" {
		t.Error(diff)
	}
}

// largeSite is an inventory of so many nodes, in two groups, with NIDs.
func largeSite(n int) string {
	text := "nodes:\n"
	for cabinet := 0; cabinet*1000 < n; cabinet++ {
		text += fmt.Sprintf("  - { xnames: \"x%dc[0-7]s[0-124]b0n0\", role: Compute, nids: \"[%d-%d]\", groups: [every, g%d] }\n",
			1000+cabinet, cabinet*1000+1, cabinet*1000+1000, cabinet)
	}
	return text
}

func TestAnInventoryOf10000NodesIsOneQuestion(t *testing.T) {
	t.Parallel()
	site := startListed(t, largeSite(10000), "")
	w := newWorkspace(t)
	w.write(block(site.URL()), "data \"bos_nodes\" \"all\" {}\noutput \"nodes\" { value = data.bos_nodes.all.nodes }\n")
	w.apply().exits(t, 0)
	if nodes := w.outputs()["nodes"]; nodes != "x[1000-1009]c[0-7]s[0-124]b0n0" {
		t.Errorf("found %v", nodes)
	}
	// The plan and the apply of it are one walk of the data source.
	if n := site.Requests("GET", "/x/v1/nodes"); n != 1 {
		t.Errorf("the inventory was asked for %d times", n)
	}
}

func TestALimitOfNodesThatIsEmptyOrLeavesOutNobodyIsRefused(t *testing.T) {
	t.Parallel()
	site := startListed(t, smallSite, "")
	w := newWorkspace(t)
	for limit, says := range map[string]string{`""`: "selects no node", `"all,!typo"`: `"typo"`, `"a,,b"`: "term 2"} {
		w.write(block(site.URL()), "data \"bos_nodes\" \"n\" { limit = "+limit+" }")
		plan := w.plan()
		plan.exits(t, 1)
		plan.says(t, says)
	}
}

func TestWhatABOSCannotShowIsSaidOnceWithWhatToUseInstead(t *testing.T) {
	t.Parallel()
	site := startListed(t, smallSite, "")
	site.Plain()
	w := newWorkspace(t)
	for source, says := range map[string][]string{
		`data "bos_nodes" "x" {}`:                                {"Error: This BOS cannot show its inventory", `extension "nodes"`, "is a plain BOS v2", "data.bos_components"},
		`data "bos_events" "x" {}`:                               {"Error: This BOS cannot show its history", `extension "events"`, "data.bos_sessions"},
		`data "bos_image" "x" { path = "s3://b/manifest.json" }`: {"Error: This BOS cannot show an image", `extension "images"`, "data.bos_session_template"},
		`data "bos_session_components" "x" { session = "s" }`:    {"Error: This BOS cannot say what became of each node of a session", `extension "session_components"`, "data.bos_session,"},
	} {
		w.write(block(site.URL()), source)
		plan := w.plan()
		plan.exits(t, 1)
		plan.says(t, says...)
		if n := strings.Count(plan.out, "Error:"); n != 1 {
			t.Errorf("%s: %d errors:\n%s", source, n, plan.out)
		}
	}
}
