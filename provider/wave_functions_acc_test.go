package provider_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

func TestNodesAreSplitIntoWavesAndLimitsLoseNodes(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	w.write(providerBlock(startFake(t.Cleanup, room...)), `
data "bos_components" "all" {}
output "chunks" { value = provider::bos::xname_chunk("x3000c0s[1-5]b0n0", 2) }
output "of_a_list" { value = provider::bos::xname_chunk(["x3000c0s10b0n0", "X3000c0s02b0n0", "x3000c0s2b0n0"], 1) }
output "of_a_set" { value = provider::bos::xname_chunk(toset(["x3000c0s1b0n0"]), 100000000000) }
output "of_none" { value = provider::bos::xname_chunk("", 2) }
output "of_an_empty_list" { value = provider::bos::xname_chunk([], 2) }
output "of_bos" { value = provider::bos::xname_chunk(data.bos_components.all.nodes, 3) }
output "cabinets" { value = provider::bos::xname_by("x[1000-1001]c0s[0-1]b0n0", "cabinet") }
output "chassis" { value = provider::bos::xname_by("x3000c[0-1]s[1-2]b0n0", "chassis") }
output "slots" { value = provider::bos::xname_by(["x3000c0s1b0n0", "x3000c0s1b1n0", "x3000c0s2b0n0"], "slot") }
output "bmcs" { value = provider::bos::xname_by("x3000c0s1b0n[0-1]", "bmc") }
output "without" { value = provider::bos::limit_without("Compute", "x3000c0s[1-4]b0n0,x3000c1s0b0n0") }
output "without_any" { value = provider::bos::limit_without("Compute,!blue", []) }
output "merged" { value = provider::bos::kernel_parameters_merge("console=tty0 quiet hugepages=8", <<-EOT
  hugepages=16
  nosmt
EOT
) }
output "merged_none" { value = provider::bos::kernel_parameters_merge() }
`)
	w.apply().exits(t, 0)
	none := []any{}
	want := map[string]any{
		"chunks": []any{"x3000c0s[1-2]b0n0", "x3000c0s[3-4]b0n0", "x3000c0s5b0n0"}, "of_a_list": []any{"x3000c0s2b0n0", "x3000c0s10b0n0"},
		"of_a_set": []any{"x3000c0s1b0n0"}, "of_none": none, "of_an_empty_list": none, "of_bos": []any{"x1000c0s[0-2]b0n0", "x1000c0s3b0n0"},
		"cabinets": map[string]any{"x1000": "x1000c0s[0-1]b0n0", "x1001": "x1001c0s[0-1]b0n0"},
		"chassis":  map[string]any{"x3000c0": "x3000c0s[1-2]b0n0", "x3000c1": "x3000c1s[1-2]b0n0"},
		"slots":    map[string]any{"x3000c0s1": "x3000c0s1b[0-1]n0", "x3000c0s2": "x3000c0s2b0n0"},
		"bmcs":     map[string]any{"x3000c0s1b0": "x3000c0s1b0n[0-1]"},
		"without":  "Compute,!x3000c0s[1-4]b0n0,!x3000c1s0b0n0", "without_any": "Compute,!blue",
		"merged": "console=tty0 quiet hugepages=16 nosmt", "merged_none": "",
	}
	if diff := cmp.Diff(want, w.outputs()); diff != "" {
		t.Error(diff)
	}
}

func TestFunctionsSayWhatIsWrongWithTheirArguments(t *testing.T) {
	t.Parallel()
	for call, says := range map[string]string{
		`xname_chunk("x1c0s[1-", 2)`:                                        "brackets",
		`xname_chunk("x1c0s1b0n0", 0)`:                                      "0 is no size of a part",
		`xname_chunk({a = 1}, 1)`:                                           "folded string such as",
		`xname_chunk(["x1c0s1b0n0", null], 1)`:                              "entry 2 is no name",
		`xname_fold(["x1c0s1b0n0", null])`:                                  "entry 2 is no name",
		`xname_by("nid000001", "chassis")`:                                  "\"nid000001\" is not the xname of a node",
		`xname_by("x1c0s1b0n0", "rack")`:                                    "none of cabinet, chassis, slot and bmc",
		`limit_without("", "x1c0s1b0n0")`:                                   "write all for every node",
		`limit_without("a,,b", "x1c0s1b0n0")`:                               "term 2",
		`kernel_parameters_merge("a=\"b c", "d")`:                           "double quote",
		`kernel_parameters_merge("a", "` + strings.Repeat("b", 2100) + `")`: "bytes",
	} {
		// Terraform wraps what functions say.
		pattern := regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(says), " ", `\s+`))
		run(t, resource.TestStep{Config: `output "bad" { value = provider::bos::` + call + ` }`, ExpectError: pattern})
	}
}
