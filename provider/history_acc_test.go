package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// storeImage puts an image into the folder of the site and returns the path of its
// manifest. signed is appended to the address of its rootfs.
func (l *listed) storeImage(t *testing.T, name, parameters, signed string) string {
	t.Helper()
	dir := filepath.Join(l.images, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	artifact := func(kind, path string) string {
		return fmt.Sprintf(`{"link":{"path":%q,"etag":"of-%s","type":"file"},"type":"application/vnd.cray.image.%s"}`, path, kind, kind)
	}
	manifest := `{"version":"1.0","artifacts":[` + strings.Join([]string{
		artifact("kernel", "file://"+dir+"/kernel"), artifact("initrd", "file://"+dir+"/initrd"),
		artifact("rootfs.squashfs", "https://rgw/rootfs"+signed), artifact("parameters.boot", "file://"+dir+"/parameters"),
	}, ",") + `]}`
	for file, content := range map[string]string{"kernel": "k", "initrd": "i", "parameters": parameters, "manifest.json": manifest} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return "file://" + dir + "/manifest.json"
}

func TestAnImageIsPinnedInReviewByItsEtag(t *testing.T) {
	t.Parallel()
	const secret = "geheim"
	site := startListed(t, smallSite, "")
	path := site.storeImage(t, "cos", "console=ttyS0 quiet\n", "?X-Amz-Signature="+secret)
	config := block(site.URL()) + fmt.Sprintf(`
data "bos_image" "cos" { path = %q }
resource "bos_session_template" "compute" {
  name       = "compute"
  enable_cfs = false
  boot_sets = { compute = {
    path = data.bos_image.cos.path
    etag = data.bos_image.cos.etag
    type = "file"
    node_roles_groups = ["Compute"]
  } }
}
output "image" { value = data.bos_image.cos }
`, path)
	w := newWorkspace(t)
	w.write(config)
	w.apply().exits(t, 0)
	image, isObject := w.outputs()["image"].(map[string]any)
	if !isObject {
		t.Fatalf("the outputs are %v", w.outputs())
	}
	etag := image["etag"]
	dir := strings.TrimSuffix(path, "/manifest.json")
	want := map[string]any{
		"path": path, "etag": etag, "arch": nil, "parameters": "console=ttyS0 quiet", "fault": "", "warnings": []any{},
		"kernel": map[string]any{"path": dir + "/kernel", "etag": "of-kernel"},
		"initrd": map[string]any{"path": dir + "/initrd", "etag": "of-initrd"},
		"rootfs": map[string]any{"path": "https://rgw/rootfs?[hidden]", "etag": "of-rootfs.squashfs"},
	}
	if diff := cmp.Diff(want, image); diff != "" || etag == "" {
		t.Error(diff)
	}
	w.plan("-out=saved").exits(t, 0)
	w.hides("saved", secret)
	w.plan().exits(t, 0)

	site.storeImage(t, "cos", "console=ttyS0", "?other")
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "bos_session_template.compute will be updated in-place", fmt.Sprint(etag))
}

func TestAnImageThatNobodyCanBootIsSaidAndASecretInItsPathIsNeverRepeated(t *testing.T) {
	t.Parallel()
	const secret = "geheim"
	site := startListed(t, smallSite, "")
	path := site.storeImage(t, "cos", "quiet", "")
	if err := os.Remove(filepath.Join(site.images, "cos", "initrd")); err != nil {
		t.Fatal(err)
	}
	w := newWorkspace(t)
	w.write(block(site.URL()), fmt.Sprintf("data \"bos_image\" \"x\" { path = %q }\noutput \"fault\" { value = data.bos_image.x.fault }", path))
	applied := w.apply()
	applied.exits(t, 0)
	applied.says(t, "Warning: No node can boot the image", "there is nothing at")
	for path, says := range map[string]string{
		"s3://b/manifest.json?X-Amz-Signature=" + secret: "Error: Invalid path of an image",
		"https://ann:" + secret + "@h/manifest.json":     "Error: Invalid path of an image",
		"file:///etc/passwd":                             "is not below artifacts.files.root",
		"s3://b/manifest.json":                           "configure artifacts.s3",
	} {
		w.write(block(site.URL()), fmt.Sprintf("data \"bos_image\" \"x\" { path = %q }", path))
		plan := w.plan()
		plan.exits(t, 1)
		plan.says(t, says)
		if _, message, _ := strings.Cut(plan.out, "Invalid path of an image\n"); strings.Count(message, secret) > strings.Count(message, "path = ") {
			t.Errorf("the message repeats the secret:\n%s", plan.out)
		}
	}
	if n := site.Requests("GET", "/x/v1/images"); n != 3 {
		t.Errorf("images were asked for %d times: a path with a secret is not to be sent", n)
	}
}

func TestTheHistoryIsReadUpToABoundAndOnFromThere(t *testing.T) {
	t.Parallel()
	site := startListed(t, smallSite, "tenants:\n  red: x1000c0s0b0n0\n")
	for i := range 3 {
		send(t, "PUT", site.URL()+"/v2/components/x1000c0s1b0n0", strings.NewReader(fmt.Sprintf(`{"enabled":false,"error":"e%d"}`, i)))
		send(t, "PUT", site.URL()+"/v2/components/x1000c0s0b0n0", strings.NewReader(fmt.Sprintf(`{"enabled":false,"error":"e%d"}`, i)))
	}
	w := newWorkspace(t)
	w.write(block(site.URL()), `
data "bos_events" "first" {
  xname      = "X1000c0s01b0n0"
  max_events = 2
}
data "bos_events" "rest" {
  xname = "x1000c0s1b0n0"
  after = data.bos_events.first.last
}
data "bos_events" "red" { tenant = "red" }
output "first" { value = [data.bos_events.first.complete, length(data.bos_events.first.events), data.bos_events.first.events[0].kind, data.bos_events.first.events[0].xname] }
output "rest" { value = [data.bos_events.rest.complete, length(data.bos_events.rest.events)] }
output "red" { value = distinct([for e in data.bos_events.red.events : e.xname]) }
`)
	w.apply().exits(t, 0)
	want := map[string]any{
		"first": []any{false, 2.0, "component_replaced", "x1000c0s1b0n0"}, "rest": []any{true, 1.0}, "red": []any{"x1000c0s0b0n0"},
	}
	if diff := cmp.Diff(want, w.outputs()); diff != "" {
		t.Error(diff)
	}
	w.write(block(site.URL()), `data "bos_events" "x" { max_events = 10001 }`)
	w.plan().says(t, "between 1 and 10000")
}

func TestWhatBecameOfTheNodesOfASessionIsFoldedByCause(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond, "x1000c0s0b0")
	w := newWorkspace(t)
	w.write(r.block(), template("quiet"), session(`name = "monday"`), `
data "bos_session_components" "all" { session = bos_session.boot.id }
data "bos_session_components" "failed" {
  session = bos_session.boot.id
  status  = ["failed"]
}
data "bos_session_components" "stale" {
  session = bos_session.boot.id
  cause   = ["power_state_stale"]
}
output "all" { value = data.bos_session_components.all.nodes }
output "by_status" { value = data.bos_session_components.all.by_status }
output "by_cause" { value = data.bos_session_components.all.by_cause }
output "failed" { value = [for x, n in data.bos_session_components.failed.components : [x, n.status, n.cause, n.boot_set, n.sentence != "", n.finished != null, n.waits_for]] }
output "retry" { value = data.bos_session_components.failed.nodes }
output "stale" { value = [data.bos_session_components.stale.nodes, data.bos_session_components.stale.node_count] }
`)
	w.apply().exits(t, 0)
	const dead, alive = "x1000c0s0b0n[0-1]", "x1000c0s0b1n[0-1]"
	failed := func(xname string) []any {
		return []any{xname, "failed", "bmc_unreachable", "compute", true, true, ""}
	}
	want := map[string]any{
		"all": "x1000c0s0b[0-1]n[0-1]", "by_status": map[string]any{"failed": dead, "stable": alive},
		"by_cause": map[string]any{"bmc_unreachable": dead}, "retry": dead, "stale": []any{"", 0.0},
		"failed": []any{failed("x1000c0s0b0n0"), failed("x1000c0s0b0n1")},
	}
	if diff := cmp.Diff(want, w.outputs()); diff != "" {
		t.Error(diff)
	}
	for config, says := range map[string]string{
		`data "bos_session_components" "x" { session = "gone" }`:                                            "BOS knows no such session",
		"data \"bos_session_components\" \"x\" {\n session = \"monday\"\n cause = [\"bmc_unreachabel\"]\n}": "bmc_unreachabel",
		"data \"bos_session_components\" \"x\" {\n session = \"monday\"\n status = [\"faild\"]\n}":          "faild",
		`data "bos_components" "x" { status = ["taken_over"] }`:                                             "taken_over",
		`data "bos_components" "x" { status = [null] }`:                                                     "It is null",
		"data \"bos_session_components\" \"x\" {\n session = \"monday\"\n status = []\n}":                   "An empty list finds nothing",
	} {
		w.write(r.block(), template("quiet"), session(`name = "monday"`), config)
		plan := w.plan()
		plan.exits(t, 1)
		plan.says(t, says)
	}
}
