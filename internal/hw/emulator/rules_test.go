package emulator

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
)

func TestEachServiceHasItsOwnOutage(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 1}})
	e := s.Endpoints()
	urls := map[string]string{
		fault.HSM: e.HSM + "/State/Components", fault.BSS: e.BSS + "/bootparameters", fault.PCS: e.PCS + "/power-status", fault.CFS: e.CFS + "/components",
		fault.IMS: e.IMS + "/images", fault.TAPMS: e.TAPMS + "/tenants", fault.S3: e.S3 + "/" + machineroom.Bucket + "/nothing",
	}
	get := func(url string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
		}
		return res, err
	}
	faults := e.S3 + services.FaultsPath
	for service := range urls {
		ask(t, http.MethodPost, faults, []object{{"name": "away", "fault": "outage", "service": service}}, nil)
		for other, url := range urls {
			if _, err := get(url); (err != nil) != (other == service) {
				t.Errorf("in an outage of %s, %s: %v", service, other, err)
			}
		}
		if res := ask(t, http.MethodDelete, faults+"/away", nil, nil); res.StatusCode != http.StatusOK {
			t.Errorf("lifting was answered %s", res.Status)
		}
	}
	ask(t, http.MethodPost, faults, []object{{"fault": "busy", "service": "hsm", "retry_after": "1500ms"}}, nil)
	res, err := get(urls[fault.HSM])
	if err != nil || res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "2" {
		t.Errorf("busy: %v %v", res, err)
	}
	var list []machineroom.RuleState
	if ask(t, http.MethodGet, faults, nil, &list); len(list) != 1 || list[0].Hits != 1 {
		t.Errorf("listed %+v", list)
	}
	if ask(t, http.MethodDelete, faults, nil, nil); len(s.Room().ListFaults()) != 0 {
		t.Error("not all were lifted")
	}
	if res := ask(t, http.MethodDelete, faults+"/nobody", nil, nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("lifting what is not there was answered %s", res.Status)
	}
	if res := ask(t, http.MethodPost, faults, []object{{"fault": "explode"}}, nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a wrong rule was answered %s", res.Status)
	}
}

func TestTheGuideNamesEveryFaultServiceAndMake(t *testing.T) {
	text, err := os.ReadFile("../../../docs/guides/emulator.md")
	if err != nil {
		t.Fatal(err)
	}
	names := append(machineroom.ProfileNames(), fault.Services...)
	for _, e := range fault.Vocabulary {
		names = append(append(names, string(e.Kind)), e.Forms...)
	}
	for _, name := range append(names, services.Inventories...) {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/guides/emulator.md does not name %q", name)
		}
	}
}
