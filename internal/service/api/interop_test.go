package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestAPathWithEmptySegmentsIsSentToItsCleanForm(t *testing.T) {
	s := newSite(t)
	for path, to := range map[string]string{
		"/v2//options":              "/v2/options",
		"//v2/options?x=1":          "/v2/options?x=1",
		"/v2/../v2/options":         "/v2/options",
		"/apis/bos//v2/components":  "/apis/bos/v2/components",
		"//evil.example/v2/options": "/evil.example/v2/options",
	} {
		r := s.do("PATCH", path, object{})
		if got := r.ok(http.StatusPermanentRedirect, nil).header.Get("Location"); got != to {
			t.Errorf("%s: Location %q, want %q", path, got, to)
		}
	}
}

func TestTheVersionIsThatOfTheContractWithLinksThatLeadThere(t *testing.T) {
	s := newSite(t)
	var one version
	s.do("GET", "/apis/bos/v2", nil).ok(http.StatusOK, &one)
	want := version{Major: "2", Minor: "50", Patch: "0", Links: []link{
		{Href: "http://example.com/apis/bos/", Rel: "self"}, {Href: "http://example.com/apis/bos/v2", Rel: "versions"},
	}}
	if diff := cmp.Diff(want, one); diff != "" {
		t.Error(diff)
	}
	var all []version
	s.do("GET", "/", nil, "X-Forwarded-For", "10.0.0.1", "X-Forwarded-Proto", "https").ok(http.StatusOK, &all)
	want.Links = []link{{Href: "https://example.com/apis/bos/", Rel: "self"}}
	old := version{Major: "1", Minor: "0", Patch: "0", Links: want.Links}
	if diff := cmp.Diff([]version{old, want}, all); diff != "" {
		t.Error(diff)
	}
}

func TestTheDescriptionIsServedAsJSONToo(t *testing.T) {
	s := newSite(t)
	var document struct {
		OpenAPI string                     `json:"openapi"`
		Paths   map[string]json.RawMessage `json:"paths"`
	}
	s.do("GET", "/openapi.json", nil).ok(http.StatusOK, &document)
	if document.OpenAPI == "" || len(document.Paths["/v2/components"]) == 0 {
		t.Errorf("%+v", document)
	}
}

func TestAStagedStateShowsWhatWasWrittenAlsoWhereItIsEmpty(t *testing.T) {
	s := newSite(t)
	s.record(nodeOne, func(r *bos.Record) {
		r.StagedState = bos.StagedState{Session: "s1", Configuration: "c", BootArtifacts: bos.BootArtifacts{Kernel: "k", KernelParameters: "p", Initrd: "i"}}
	})
	s.do("PATCH", "/v2/components/"+nodeOne, object{"staged_state": object{
		"boot_artifacts": object{"kernel": "", "kernel_parameters": "", "initrd": ""}, "configuration": "", "session": "",
	}}).ok(http.StatusOK, nil)
	want := `"staged_state":{"boot_artifacts":{"kernel":"","kernel_parameters":"","initrd":""},"configuration":"","session":"",`
	for _, path := range []string{"/v2/components/" + nodeOne, "/v2/components"} {
		if got := s.do("GET", path, nil).body; !strings.Contains(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestAnActionThatDidNotFailSaysSo(t *testing.T) {
	s := newSite(t)
	s.record(nodeOne, func(r *bos.Record) { r.LastAction.Action = bos.ActionPoweringOn })
	if got := s.do("GET", "/v2/components/"+nodeOne, nil).body; !strings.Contains(got, `"failed":false`) {
		t.Error(got)
	}
}

func TestATemplateComesBackWithTheEmptyTextsItWasSentWith(t *testing.T) {
	s := newSite(t)
	sent := template()
	set := sent["boot_sets"].(object)["compute"].(object)
	empty := []string{"etag", "kernel_parameters", "rootfs_provider_passthrough"}
	for _, name := range empty {
		set[name] = ""
	}
	var got struct {
		BootSets map[string]map[string]any `json:"boot_sets"`
	}
	s.do("PUT", "/v2/sessiontemplates/t1", sent).ok(http.StatusOK, nil)
	s.do("GET", "/v2/sessiontemplates/t1", nil).ok(http.StatusOK, &got)
	for _, name := range empty {
		if value, ok := got.BootSets["compute"][name]; !ok || value != "" {
			t.Errorf("%s: %v, %v", name, value, ok)
		}
	}
	s.do("PATCH", "/v2/sessiontemplates/t1", object{"boot_sets": object{"compute": object{"path": "s3://boot-images/one/manifest.json", "type": "s3", "kernel_parameters": "quiet"}}}).ok(http.StatusOK, nil)
	s.do("GET", "/v2/sessiontemplates/t1", nil).ok(http.StatusOK, &got)
	if got.BootSets["compute"]["kernel_parameters"] != "quiet" {
		t.Errorf("%v", got)
	}
}
