package bos_test

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestAPatternFindsTheOneNodeThatANameIsOf(t *testing.T) {
	const reporter = bos.NodePattern("spiffe://shasta/compute/{node}/workload/bos-reporter")
	for name, want := range map[string]string{
		"spiffe://shasta/compute/x1c0s1b0n0/workload/bos-reporter":             "x1c0s1b0n0",
		"spiffe://shasta/compute/X1C0S01B0N0/workload/bos-reporter":            "x1c0s1b0n0",
		"spiffe://shasta/compute//workload/bos-reporter":                       "",
		"spiffe://shasta/compute/workload/bos-reporter":                        "",
		"spiffe://shasta/compute/a/x1c0s1b0n0/workload/bos-reporter":           "",
		"spiffe://shasta/compute/x1c0s1b0n0/workload/bos-reporter/":            "",
		"spiffe://shasta/compute/x1c0s1b0n0/workload/bos-reporter2":            "",
		"spiffe://shasta/ncn/x1c0s1b0n0/workload/bos-reporter":                 "",
		"spiffe://SHASTA/compute/x1c0s1b0n0/workload/bos-reporter":             "",
		"x/spiffe://shasta/compute/x1c0s1b0n0/workload/bos-reporter":           "",
		"spiffe://shasta/compute/x1c0s1b0n0/workload/cfs-state-reporter":       "",
		"spiffe://shasta/compute/{node}/workload/bos-reporter/workload/bos-re": "",
	} {
		if id, fits := reporter.Node(name); id != want || fits != (want != "") {
			t.Errorf("%q is of %q (%v), want %q", name, id, fits, want)
		}
	}
	if id, fits := bos.NodePattern("spiffe://shasta/compute").Node("spiffe://shasta/compute"); fits {
		t.Errorf("a pattern without a node is of %q", id)
	}
}
