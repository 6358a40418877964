package decide

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestANodeOfUnknownArchitectureCountsAsX86(t *testing.T) {
	for _, c := range []struct {
		node string
		set  bos.Arch
		want bool
	}{
		{"", "", true},
		{"", bos.ArchX86, true},
		{"UNKNOWN", bos.ArchX86, true},
		{"Unknown", "", true},
		{"UNKNOWN", bos.ArchUnknown, true},
		{"", bos.ArchUnknown, true},
		{"X86", bos.ArchX86, true},
		{"x86", "", true},
		{"", bos.ArchARM, false},
		{"UNKNOWN", bos.ArchARM, false},
		{"ARM", bos.ArchX86, false},
		{"Other", bos.ArchOther, true},
		{"X86", bos.ArchUnknown, false},
	} {
		inv := bos.Inventory{Nodes: []bos.Node{{ID: "x1c0s0b0n0", Role: "Compute", Enabled: true, Arch: c.node}}}
		sel, err := Select(Request{Reach: bos.WholeSite(), Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"a": {NodeRolesGroups: []string{"Compute"}, Arch: c.set}}}}, inv)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(sel.Nodes()) == 1; got != c.want {
			t.Errorf("a node of %q for a boot set of %q is selected: %t, want %t", c.node, c.set, got, c.want)
		}
	}
}

func TestABootSetsOwnConfigurationWinsOverTheTemplates(t *testing.T) {
	s := bos.SessionRecord{Session: bos.Session{Operation: bos.OperationBoot}, Template: bos.SessionTemplate{
		CFS:      &bos.CFS{Configuration: "of-the-template"},
		BootSets: map[string]bos.BootSet{"a": {Path: "p", Type: "s3", CFS: &bos.CFS{Configuration: "of-the-set"}}, "b": {Path: "p", Type: "s3"}},
	}}
	records := map[string]bos.Record{"x1c0s0b0n0": {Component: bos.Component{ID: "x1c0s0b0n0"}}, "x1c0s1b0n0": {Component: bos.Component{ID: "x1c0s1b0n0"}}}
	sel := Selection{BootSets: []SelectedSet{{"a", []string{"x1c0s0b0n0"}}, {"b", []string{"x1c0s1b0n0"}}}}
	images := map[string]bos.Image{"p": {Kernel: bos.Artifact{Path: "k"}, Initrd: bos.Artifact{Path: "i"}}}
	for enabled, want := range map[bool]map[string]string{
		true: {"x1c0s0b0n0": "of-the-set", "x1c0s1b0n0": "of-the-template"}, false: {"x1c0s0b0n0": "", "x1c0s1b0n0": ""},
	} {
		s.Template.EnableCFS = &enabled
		result, err := setup(s, sel, images, records, bos.DefaultOptions(), noon)
		if err != nil || len(result.Writes) != 2 {
			t.Fatalf("%d writes, %v", len(result.Writes), err)
		}
		for _, r := range result.Writes {
			if r.DesiredState.Configuration != want[r.ID] {
				t.Errorf("with enable_cfs %t %s gets %q, want %q", enabled, r.ID, r.DesiredState.Configuration, want[r.ID])
			}
		}
	}
}
