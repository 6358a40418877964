package api

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestPutTemplateStoresItsCanonicalForm(t *testing.T) {
	s := newSite(t)
	body := object{
		"description": "d", "enable_cfs": false, "cfs": object{},
		"boot_sets": object{"c": object{
			"name": "c", "path": "s3://b/one", "type": "s3", "node_list": []string{"X01C0S1B0N0", "Weird-Name", "x1c0s1b0n0"},
			"kernel_parameters": " a  b ", "cfs": object{"configuration": ""},
		}},
	}
	no := false
	want := bos.SessionTemplate{
		Name: "t1", Description: "d", EnableCFS: &no,
		BootSets: map[string]bos.BootSet{"c": {
			Path: "s3://b/one", Type: "s3", Arch: bos.ArchX86, KernelParameters: " a  b ",
			NodeList: []string{"x1c0s1b0n0", "Weird-Name", "x1c0s1b0n0"},
		}},
	}
	for _, r := range []reply{s.do("PUT", "/v2/sessiontemplates/t1", body), s.do("GET", "/v2/sessiontemplates/t1", nil)} {
		var got bos.SessionTemplate
		r.ok(http.StatusOK, &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestPutTemplateAcceptsWhatOnlyABootWouldMiss(t *testing.T) {
	s := newSite(t)
	for _, body := range []object{
		withSet("path", "s3://nowhere/manifest.json"), withSet("type", "nfs"), withSet("rootfs_provider", "mine"),
		withSet("node_groups", []string{"unheard of"}), withSet("node_list", []string{"nid000001"}), withSet("name", "compute"), withSet("etag", ""),
	} {
		s.putTemplate("t1", body)
	}
}

func TestPutTemplateRefuses(t *testing.T) {
	s := newSite(t)
	noSelector := object{"boot_sets": object{"c": object{"path": "p", "type": "s3"}}}
	for name, body := range map[string]any{
		"no boot sets":                object{},
		"empty boot sets":             object{"boot_sets": object{}},
		"a name":                      with(template(), "name", "t1"),
		"a tenant":                    with(template(), "tenant", nil),
		"links":                       with(template(), "links", []any{}),
		"an empty description":        with(template(), "description", ""),
		"a boot set without path":     object{"boot_sets": object{"c": object{"type": "s3", "node_list": []string{"x"}}}},
		"a boot set without type":     object{"boot_sets": object{"c": object{"path": "p", "node_list": []string{"x"}}}},
		"an empty path":               withSet("path", ""),
		"a null etag":                 withSet("etag", nil),
		"an empty list":               withSet("node_list", []string{}),
		"an empty entry":              withSet("node_list", []string{""}),
		"no selector":                 noSelector,
		"another name in the set":     withSet("name", "other"),
		"an unknown member in a set":  withSet("boot_ordinal", 1),
		"an unknown architecture":     withSet("arch", "x86"),
		"an empty rootfs provider":    withSet("rootfs_provider", ""),
		"too long kernel parameters":  withSet("kernel_parameters", strings.Repeat("k", 4097)),
		"a bad boot set name":         object{"boot_sets": object{"-c": object{"path": "p", "type": "s3", "node_list": []string{"x"}}}},
		"an unknown member in cfs":    with(template(), "cfs", object{"branch": "main"}),
		"a number for configurations": with(template(), "cfs", object{"configuration": 7}),
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.do("PUT", "/v2/sessiontemplates/t1", body).refused(http.StatusBadRequest, "")
			s.do("GET", "/v2/sessiontemplates/t1", nil).refused(http.StatusNotFound, titleNotFound)
		})
	}
	s.t = t
	s.do("PUT", "/v2/sessiontemplates/-bad", template()).refused(http.StatusBadRequest, "", "-bad")
	s.do("PATCH", "/v2/options", object{"reject_nids": true}).ok(http.StatusOK, nil)
	s.do("PUT", "/v2/sessiontemplates/t1", withSet("node_list", []string{"NID000001"})).
		refused(http.StatusBadRequest, "", "boot_sets.compute.node_list", "NID000001", "xname")
}

func TestPatchTemplateMergesBootSetsAndReplacesLists(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", object{"description": "old", "cfs": object{"configuration": "base"}, "boot_sets": object{
		"a": object{"path": "p1", "type": "s3", "node_list": []string{"x1c0s1b0n0", "x1c0s2b0n0"}, "kernel_parameters": "quiet", "arch": "ARM"},
		"b": object{"path": "p2", "type": "s3", "node_groups": []string{"blue"}},
	}})
	patch := object{"enable_cfs": false, "boot_sets": object{
		"a": object{"path": "p3", "type": "s3", "node_list": []string{"X1c0s3b0n0"}},
		"c": object{"path": "p4", "type": "s3", "node_roles_groups": []string{"Compute"}},
	}}
	no := false
	want := bos.SessionTemplate{
		Name: "t1", Description: "old", EnableCFS: &no, CFS: &bos.CFS{Configuration: "base"},
		BootSets: map[string]bos.BootSet{
			"a": {Path: "p3", Type: "s3", NodeList: []string{"x1c0s3b0n0"}, KernelParameters: "quiet", Arch: bos.ArchARM},
			"b": {Path: "p2", Type: "s3", NodeGroups: []string{"blue"}, Arch: bos.ArchX86},
			"c": {Path: "p4", Type: "s3", NodeRolesGroups: []string{"Compute"}, Arch: bos.ArchX86},
		},
	}
	var got bos.SessionTemplate
	s.do("PATCH", "/v2/sessiontemplates/t1", patch).ok(http.StatusOK, &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	s.do("PATCH", "/v2/sessiontemplates/t1", object{}).ok(http.StatusOK, &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("an empty patch changed something", diff)
	}
}

func TestPatchTemplateRefuses(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	for name, body := range map[string]any{
		"a boot set without type":    object{"boot_sets": object{"compute": object{"path": "p"}}},
		"a new set without selector": object{"boot_sets": object{"new": object{"path": "p", "type": "s3"}}},
		"empty boot sets":            object{"boot_sets": object{}},
		"a name":                     object{"name": "t2"},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.do("PATCH", "/v2/sessiontemplates/t1", body).refused(http.StatusBadRequest, "")
		})
	}
	s.t = t
	s.do("PATCH", "/v2/sessiontemplates/none", object{}).refused(http.StatusNotFound, titleNotFound, "Session template 'none' does not exist")
}

func TestDeleteTemplate(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	if r := s.do("DELETE", "/v2/sessiontemplates/t1", nil).ok(http.StatusNoContent, nil); r.body != "" {
		t.Errorf("body %q", r.body)
	}
	s.do("DELETE", "/v2/sessiontemplates/t1", nil).refused(http.StatusNotFound, titleNotFound)
}

func TestTwoTenantsMayUseOneTemplateName(t *testing.T) {
	s := newSite(t)
	red := []string{tenantHeader, "red"}
	s.putTemplate("t1", with(template(), "description", "of nobody"))
	s.putTemplate("t1", with(template(), "description", "of red"), red...)
	var got bos.SessionTemplate
	s.do("GET", "/v2/sessiontemplates/t1", nil, red...).ok(http.StatusOK, &got)
	if got.Description != "of red" || bos.TenantOf(got.Tenant) != "red" {
		t.Errorf("red sees %+v", got)
	}
	s.do("GET", "/v2/sessiontemplates/t1", nil).ok(http.StatusOK, &got)
	if got.Description != "of nobody" || got.Tenant != nil {
		t.Errorf("nobody sees %+v", got)
	}
	var list []bos.SessionTemplate
	s.do("GET", "/v2/sessiontemplates", nil).ok(http.StatusOK, &list)
	if len(list) != 2 {
		t.Errorf("without a tenant %d templates are listed, want those of everyone", len(list))
	}
	s.do("GET", "/v2/sessiontemplates", nil, red...).ok(http.StatusOK, &list)
	if len(list) != 1 {
		t.Errorf("red lists %d templates", len(list))
	}
	s.do("DELETE", "/v2/sessiontemplates/t1", nil).ok(http.StatusNoContent, nil)
	s.do("GET", "/v2/sessiontemplates/t1", nil, red...).ok(http.StatusOK, nil)
	s.do("GET", "/v2/sessiontemplates/t2", nil, red...).refused(http.StatusNotFound, titleNotFound, "for tenant 'red' 't2'")
}

func TestAnUnknownTenant(t *testing.T) {
	s := newSite(t)
	blue := []string{tenantHeader, "blue"}
	s.do("PUT", "/v2/sessiontemplates/t1", template(), blue...).refused(http.StatusBadRequest, titleInvalidTenant, "blue")
	s.do("POST", "/v2/sessions", object{"operation": "boot", "template_name": "t1"}, blue...).refused(http.StatusBadRequest, titleInvalidTenant, "blue")
	s.do("GET", "/v2/components", nil, blue...).refused(http.StatusBadRequest, titleInvalidTenant, "blue")
	s.do("GET", "/v2/components/x", nil, blue...).refused(http.StatusBadRequest, titleInvalidTenant, "blue")
	s.do("DELETE", "/v2/components/x", nil, blue...).refused(http.StatusBadRequest, titleInvalidTenant, "blue")
	if r := s.do("GET", "/v2/sessiontemplates", nil, blue...).ok(http.StatusOK, nil); r.body != "[]\n" {
		t.Errorf("templates: %s", r.body)
	}
	if r := s.do("GET", "/v2/sessions", nil, blue...).ok(http.StatusOK, nil); r.body != "[]\n" {
		t.Errorf("sessions: %s", r.body)
	}
	s.do("GET", "/v2/sessions/s1", nil, blue...).refused(http.StatusNotFound, titleNotFound, "Session for tenant 'blue' 's1' does not exist")
	s.do("GET", "/v2/options", nil, tenantHeader, strings.Repeat("t", 128)).ok(http.StatusOK, nil)
	s.do("GET", "/v2/sessions", nil, tenantHeader, strings.Repeat("t", 128)).refused(http.StatusBadRequest, titleInvalidTenant)
	without := newSite(t, func(c *Config) { c.Tenants = nil })
	without.do("GET", "/v2/components", nil, blue...).refused(http.StatusBadRequest, titleInvalidTenant, "tenants.tapms")
}

func TestNoPatchOfATemplateIsLostToAnother(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	const clients = 16
	var wait sync.WaitGroup
	for i := range clients {
		wait.Go(func() {
			set := object{"path": "s3://boot-images/one/manifest.json", "type": "s3", "node_groups": []string{"blue"}}
			s.do("PATCH", "/v2/sessiontemplates/t1", object{"boot_sets": object{fmt.Sprint("set", i): set}}).ok(http.StatusOK, nil)
		})
	}
	wait.Wait()
	var got bos.SessionTemplate
	s.do("GET", "/v2/sessiontemplates/t1", nil).ok(http.StatusOK, &got)
	if len(got.BootSets) != clients+1 {
		t.Errorf("%d boot sets are left", len(got.BootSets))
	}
}
