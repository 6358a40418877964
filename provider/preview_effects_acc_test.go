package provider_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAPreviewHasEffectsByNodeAndTheSessionsInFlight(t *testing.T) {
	t.Parallel()
	site := startListed(t, smallSite, "")
	put(t, site.URL()+"/v2/sessiontemplates/compute", `{"boot_sets":{"a":{"path":"`+site.storeImage(t, "cos", "quiet", "")+`","type":"file","node_roles_groups":["Compute"]}}}`)
	for _, xname := range []string{"x1000c0s0b0n0", "x1000c0s1b0n0"} {
		send(t, "PUT", site.URL()+"/v2/components/"+xname, strings.NewReader(`{"enabled":false}`))
	}
	send(t, "POST", site.URL()+"/x/v1/sessions", strings.NewReader(`{"name":"nightly","operation":"reboot","template_name":"compute","limit":"x1000c0s[0-1]b0n0","reason":"new image"}`))
	w := newWorkspace(t)
	w.write(block(site.URL()), `
data "bos_session_preview" "p" {
  template_name = "compute"
  operation     = "reboot"
}
output "effects" { value = data.bos_session_preview.p.effects }
output "in_flight" { value = [for s in data.bos_session_preview.p.in_flight : merge(s, { accepted = s.accepted != "", by = s.by != "" })] }
`)
	w.apply().exits(t, 0)
	want := map[string]any{
		"effects": map[string]any{
			"boots_or_reboots": map[string]any{"nodes": "x1000c0s[0-1]b0n0", "node_count": 2.0, "reasons": map[string]any{
				"a reboot is asked for, and its power is not known here": "x1000c0s[0-1]b0n0",
			}},
			"skipped": map[string]any{"nodes": "x1000c0s[2-5]b0n0", "node_count": 4.0, "reasons": map[string]any{
				"BOS has no component for it yet; the next discovery makes one": "x1000c0s[2-3]b0n0", "locked in the inventory": "x1000c0s[4-5]b0n0",
			}},
		},
		"in_flight": []any{map[string]any{
			"session": "nightly", "tenant": nil, "operation": "reboot", "accepted": true, "by": true, "reason": "new image", "nodes": "x1000c0s[0-1]b0n0", "node_count": 2.0,
		}},
	}
	if diff := cmp.Diff(want, w.outputs()); diff != "" {
		t.Error(diff)
	}
}

func TestOnAPlainBOSAPreviewHasNoEffects(t *testing.T) {
	t.Parallel()
	site := startListed(t, smallSite, "")
	site.Plain()
	w := newWorkspace(t)
	w.write(block(site.URL()), `
data "bos_session_preview" "p" {
  template_name = "compute"
  operation     = "reboot"
}
output "none" { value = [data.bos_session_preview.p.effects == null, data.bos_session_preview.p.in_flight == null] }
`)
	w.apply().exits(t, 0)
	if diff := cmp.Diff(map[string]any{"none": []any{true, true}}, w.outputs()); diff != "" {
		t.Error(diff)
	}
}
