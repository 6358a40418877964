package bos

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func validTemplate() SessionTemplate {
	return SessionTemplate{Name: "t", BootSets: map[string]BootSet{"c": {Path: "p", Type: "s3", NodeList: []string{"x1c0s1b0n0"}}}}
}

func changed(change func(*SessionTemplate, *BootSet)) SessionTemplate {
	t := validTemplate()
	b := t.BootSets["c"]
	change(&t, &b)
	if t.BootSets != nil {
		t.BootSets["c"] = b
	}
	return t
}

func repeated(n int) []string { return slices.Repeat([]string{"n"}, n) }

func TestTemplateLimits(t *testing.T) {
	text := func(n int) string { return strings.Repeat("ä", n) }
	for name, c := range map[string]struct {
		field string
		most  int
		set   func(*SessionTemplate, *BootSet, int)
	}{
		"description":    {"description", 1023, func(t *SessionTemplate, _ *BootSet, n int) { t.Description = text(n) }},
		"cfs":            {"cfs.configuration", 127, func(t *SessionTemplate, _ *BootSet, n int) { t.CFS = &CFS{text(n)} }},
		"set cfs":        {"boot_sets.c.cfs.configuration", 127, func(_ *SessionTemplate, b *BootSet, n int) { b.CFS = &CFS{text(n)} }},
		"path":           {"boot_sets.c.path", 4095, func(_ *SessionTemplate, b *BootSet, n int) { b.Path = text(n) }},
		"type":           {"boot_sets.c.type", 127, func(_ *SessionTemplate, b *BootSet, n int) { b.Type = text(n) }},
		"etag":           {"boot_sets.c.etag", 65536, func(_ *SessionTemplate, b *BootSet, n int) { b.ETag = text(n) }},
		"parameters":     {"boot_sets.c.kernel_parameters", 4096, func(_ *SessionTemplate, b *BootSet, n int) { b.KernelParameters = text(n) }},
		"provider":       {"boot_sets.c.rootfs_provider", 511, func(_ *SessionTemplate, b *BootSet, n int) { b.RootfsProvider = text(n) }},
		"passthrough":    {"boot_sets.c.rootfs_provider_passthrough", 4096, func(_ *SessionTemplate, b *BootSet, n int) { b.RootfsProviderPassthrough = text(n) }},
		"node list":      {"boot_sets.c.node_list", 65535, func(_ *SessionTemplate, b *BootSet, n int) { b.NodeList = repeated(n) }},
		"groups":         {"boot_sets.c.node_groups", 4095, func(_ *SessionTemplate, b *BootSet, n int) { b.NodeGroups = repeated(n) }},
		"roles":          {"boot_sets.c.node_roles_groups", 1023, func(_ *SessionTemplate, b *BootSet, n int) { b.NodeRolesGroups = repeated(n) }},
		"an entry":       {"boot_sets.c.node_list", 127, func(_ *SessionTemplate, b *BootSet, n int) { b.NodeList = []string{text(n)} }},
		"number of sets": {"boot_sets", 127, func(t *SessionTemplate, b *BootSet, n int) { fill(t, *b, n) }},
	} {
		t.Run(name, func(t *testing.T) {
			most := changed(func(t *SessionTemplate, b *BootSet) { c.set(t, b, c.most) })
			if err := ValidateTemplate(most, Options{}); err != nil {
				t.Errorf("%d are allowed: %v", c.most, err)
			}
			more := changed(func(t *SessionTemplate, b *BootSet) { c.set(t, b, c.most+1) })
			wantInvalid(t, ValidateTemplate(more, Options{}), c.field)
		})
	}
}

func fill(t *SessionTemplate, b BootSet, n int) {
	for i := range n - 1 {
		t.BootSets[fmt.Sprintf("s%d", i)] = b
	}
}

func wantInvalid(t *testing.T, err error, field string) {
	t.Helper()
	var invalid *Invalid
	if !errors.As(err, &invalid) || invalid.Field != field {
		t.Errorf("%v, want an error at %q", err, field)
	}
}

func TestTemplatesThatAreInvalid(t *testing.T) {
	for name, c := range map[string]struct {
		field  string
		change func(*SessionTemplate, *BootSet)
	}{
		"no name":              {"name", func(t *SessionTemplate, _ *BootSet) { t.Name = "" }},
		"no boot sets":         {"boot_sets", func(t *SessionTemplate, _ *BootSet) { t.BootSets = nil }},
		"bad boot set name":    {"boot_sets", func(t *SessionTemplate, b *BootSet) { t.BootSets["-"] = *b }},
		"no path":              {"boot_sets.c.path", func(_ *SessionTemplate, b *BootSet) { b.Path = "" }},
		"no type":              {"boot_sets.c.type", func(_ *SessionTemplate, b *BootSet) { b.Type = "" }},
		"other name":           {"boot_sets.c.name", func(_ *SessionTemplate, b *BootSet) { b.Name = "d" }},
		"architecture in HSM":  {"boot_sets.c.arch", func(_ *SessionTemplate, b *BootSet) { b.Arch = "UNKNOWN" }},
		"no selector":          {"boot_sets.c", func(_ *SessionTemplate, b *BootSet) { b.NodeList = nil }},
		"an empty list":        {"boot_sets.c.node_groups", func(_ *SessionTemplate, b *BootSet) { b.NodeGroups = []string{} }},
		"an empty entry":       {"boot_sets.c.node_roles_groups", func(_ *SessionTemplate, b *BootSet) { b.NodeRolesGroups = []string{""} }},
		"a NID where rejected": {"boot_sets.c.node_list", func(_ *SessionTemplate, b *BootSet) { b.NodeList = []string{"x1", "Nid1"} }},
	} {
		t.Run(name, func(t *testing.T) {
			wantInvalid(t, ValidateTemplate(changed(c.change), Options{RejectNIDs: true}), c.field)
		})
	}
}

func TestNIDsAreFoundInTemplatesAndLimits(t *testing.T) {
	template := changed(func(_ *SessionTemplate, b *BootSet) { b.NodeList = []string{"x1", "nid1", "NID2"} })
	if err := ValidateTemplate(template, Options{}); err != nil {
		t.Error(err)
	}
	if got := TemplateNIDs(template); !slices.Equal(got, []string{"nid1", "NID2"}) {
		t.Errorf("%v", got)
	}
	for limit, want := range map[string]string{"": "", "x1,Compute": "", "all,!nid7": "nid7", "& NID1": "", "x1, &nid2": "nid2"} {
		if got := LimitNID(limit); got != want {
			t.Errorf("LimitNID(%q) = %q, want %q", limit, got, want)
		}
	}
}

func TestSanitizingKeepsTemplatesValidAndIsDoneOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := func(name string) BootSet {
			return BootSet{
				Name:     rapid.SampledFrom([]string{"", name}).Draw(t, "name"),
				Path:     "p",
				Type:     "s3",
				Arch:     rapid.SampledFrom(append(Archs(), "")).Draw(t, "arch"),
				CFS:      rapid.SampledFrom([]*CFS{nil, {}, {Configuration: "c"}}).Draw(t, "cfs"),
				NodeList: rapid.SliceOfN(rapid.StringMatching(`[xX]0{0,2}[1-9][cC]0[sS]0?[0-9][bB]0[nN]0|[A-Z][a-z-]{0,8}`), 1, 4).Draw(t, "nodes"),
			}
		}
		template := SessionTemplate{Name: "t", CFS: &CFS{}, BootSets: map[string]BootSet{"a": set("a"), "b": set("b")}}
		before := maps.Clone(template.BootSets)
		SanitizeTemplate(&template)
		if err := ValidateTemplate(template, Options{}); err != nil {
			t.Fatal(err)
		}
		for name, b := range template.BootSets {
			if b.Name != "" || b.Arch == "" || b.CFS != nil && b.CFS.Configuration == "" || len(b.NodeList) != len(before[name].NodeList) {
				t.Fatalf("%s: %+v", name, b)
			}
		}
		again := template
		SanitizeTemplate(&again)
		if fmt.Sprintf("%+v", again.BootSets["a"].NodeList) != fmt.Sprintf("%+v", template.BootSets["a"].NodeList) || again.CFS != nil {
			t.Fatalf("sanitizing twice changes %+v to %+v", template, again)
		}
	})
}
