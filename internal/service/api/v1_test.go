package api

import (
	"net/http"
	"slices"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// v1Exchanges are those of the routes of BOS v1.
func v1Exchanges(tenant []string) []exchange {
	red := []string{tenantHeader, "red"}
	list := []exchange{
		{"POST", "/v1/sessiontemplate", with(template(), "name", "old"), 201, nil},
		{"POST", "/v1/sessiontemplate", with(template(), "name", "-"), 400, nil},
		{"GET", "/v1/sessiontemplate/-", nil, 400, nil},
		{"GET", "/v1/sessiontemplate/old", nil, 200, nil},
		{"GET", "/v1/sessiontemplate/none", nil, 404, nil},
		{"GET", "/v1/sessiontemplate", nil, 400, red},
		{"GET", "/x/v1/sessiontemplates/old/sequence", nil, 200, nil},
		{"PUT", "/x/v1/sessiontemplates/old/sequence", object{"boot_ordinal": object{"compute": 1}}, 200, nil},
		{"PUT", "/x/v1/sessiontemplates/old/sequence", object{"boot_ordinal": object{"login": 1}}, 400, nil},
		{"GET", "/x/v1/sessiontemplates/none/sequence", nil, 404, nil},
		{"PUT", "/x/v1/sessiontemplates/none/sequence", object{}, 404, nil},
		{"GET", "/x/v1/sessiontemplates/-/sequence", nil, 400, nil},
		{"DELETE", "/v1/sessiontemplate/old", nil, 204, nil},
		{"DELETE", "/v1/sessiontemplate/old", nil, 404, nil},
		{"DELETE", "/v1/sessiontemplate/-", nil, 400, nil},
		{"POST", "/v1/session", object{"operation": "Boot", "templateUuid": "t1", "limit": "x1c0s1b0n0"}, 201, nil},
		{"POST", "/v1/session", object{"operation": "dance", "templateName": "t1"}, 400, nil},
		{"POST", "/v1/session", object{"operation": "boot", "templateName": "none"}, 404, nil},
		{"GET", "/v1/session", nil, 400, tenant},
		{"GET", "/v1/session/run", nil, 200, nil},
		{"GET", "/v1/session/run", nil, 400, red},
		{"GET", "/v1/session/none", nil, 404, nil},
		{"POST", "/x/v1/sessions/run/pause", nil, 200, nil},
		{"DELETE", "/v1/session/run", nil, 409, nil},
		{"POST", "/x/v1/sessions/run/resume", nil, 200, nil},
		{"DELETE", "/v1/session/none", nil, 404, nil},
		{"DELETE", "/v1/session/-", nil, 400, nil},
		{"DELETE", "/v1/session/s2", nil, 204, nil},
	}
	for _, path := range []string{"/v1", "/v1/version", "/v1/healthz", "/v1/sessiontemplatetemplate", "/v1/sessiontemplate", "/v1/session"} {
		list = append(list, exchange{"GET", path, nil, 200, nil})
	}
	rest := ""
	for _, part := range []string{"", "/compute", "/boot", "/succeeded"} {
		rest += part
		list = append(list,
			exchange{"GET", "/v1/session/v1/status" + rest, nil, 200, nil},
			exchange{"GET", "/v1/session/none/status" + rest, nil, 404, nil},
			exchange{"GET", "/v1/session/v1/status" + rest, nil, 400, red})
	}
	return list
}

func TestVersionDiscoveryListsBothVersions(t *testing.T) {
	var all []version
	newSite(t).do("GET", "/", nil).ok(http.StatusOK, &all)
	if len(all) != 2 || all[0].Major != "1" || all[1].Major != "2" {
		t.Errorf("%+v", all)
	}
}

func TestATemplateOfVersion1ThatVersion2CannotExpressIsRefusedByTheField(t *testing.T) {
	s := newSite(t)
	for field, body := range map[string]object{
		"cfs_url":                   with(template(), "cfs_url", "https://vcs/x.git"),
		"cfs.branch":                with(template(), "cfs", object{"branch": "main"}),
		"boot_sets.compute.network": withSet("network", "hsn"),
	} {
		s.do("POST", "/v1/sessiontemplate", with(body, "name", "old")).refused(http.StatusBadRequest, titleBadRequest, field)
	}
	var name string
	s.do("POST", "/v1/sessiontemplate", with(withSet("network", "NMN"), "name", "old")).ok(http.StatusCreated, &name)
	var same bos.SessionTemplate
	if s.do("GET", "/v2/sessiontemplates/old", nil).ok(http.StatusOK, &same); name != "old" || len(same.BootSets) != 1 {
		t.Errorf("%q is %+v", name, same)
	}
}

func TestAClientOfVersion1FollowsItsSessionDownTheStatusTree(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.failing("monday", "x1c0s3b0n0")
	var list []string
	if s.do("GET", "/v1/session", nil).ok(http.StatusOK, &list); !slices.Equal(list, []string{"monday"}) {
		t.Errorf("the list is %v", list)
	}
	var shown v1Shown
	if s.do("GET", "/apis/bos/v1/session/monday", nil).ok(http.StatusOK, &shown); shown.Job != "boa-monday" || !shown.InProgress || shown.ErrorCount != 1 || shown.StopTime != nil {
		t.Errorf("the session is %+v", shown)
	}
	var status v1Status
	s.do("GET", shown.StatusLink, nil).ok(http.StatusOK, &status)
	if status.Metadata.ErrorCount != 1 || status.Retry == nil || status.Retry.Limit != "x1c0s3b0n0" || len(status.Links) != 1+len(status.BootSets) {
		t.Fatalf("the status is %+v", status)
	}
	var category v1Category
	path := status.Links[1].Href + "/SHUTDOWN/Failed"
	if s.do("GET", path, nil).ok(http.StatusOK, &category); !slices.Equal(category.NodeList, []string{"x1c0s3b0n0"}) {
		t.Errorf("failed are %+v", category)
	}
	var phase v1Phase
	if s.do("GET", status.Links[1].Href+"/boot", nil).ok(http.StatusOK, &phase); !slices.Equal(phase.Errors["failed before, in step shutdown"], []string{"x1c0s3b0n0"}) || len(phase.Categories) != 5 {
		t.Errorf("the boot is %+v", phase)
	}
	s.do("POST", shown.StatusLink, object{}).refused(http.StatusMethodNotAllowed, "", "GET")
}
