//go:build linux

package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
)

const (
	nodeCount = 112
	// postedCount of them SMD is told of instead of discovering them.
	postedCount = 12
)

func TestNodesOfSMDAndBSSBootRebootAndShutDown(t *testing.T) {
	parts(t)
	postgres := startPostgres(t)
	smd := startSMD(t, postgres)
	s3 := startS3(t)
	bmcs, caFile := startBMCs(t, nodeCount)
	discover(t, smd, bmcs[postedCount:])
	for _, b := range bmcs[:postedCount] {
		b.post(t, smd)
	}
	for i, b := range bmcs {
		if i%2 == 0 {
			b.MAC = fmt.Sprintf("02:00:00:00:%02x:%02x", i/256, i%256)
			must(t, http.MethodPost, smd+"/Inventory/EthernetInterfaces", fmt.Sprintf(`{"MACAddress":%q,"ComponentID":%q}`, b.MAC, b.Node))
		}
	}
	// BSS asks SMD for its nodes when it starts.
	bss := startBSS(t, postgres, smd, s3.S3, s3.AccessKey, s3.SecretKey)

	locked, disabled := bmcs[23], bmcs[37]
	must(t, http.MethodPatch, smd+"/State/Components/"+disabled.Node+"/Enabled", `{"Enabled":false}`)
	chosen := without(bmcs, locked, disabled)
	service, url, seen := startBOS(t, smd, bss, caFile, s3)
	live(t, bmcs, bss, url)
	await(t, "BOS knows the nodes", func() (bool, string) {
		var known []bos.Component
		decode(t, must(t, http.MethodGet, url+"/v2/components", ""), &known)
		return len(known) == nodeCount, fmt.Sprintf("it knows %d", len(known))
	})
	template(t, url)

	// No node is locked, of which SMD has an answer of its own.
	session(t, url, "shutdown", len(chosen)+1)
	wantPower(t, append(slices.Clone(chosen), locked), "Off")
	must(t, http.MethodPost, smd+"/locks/lock", fmt.Sprintf(`{"ComponentIDs":[%q],"ProcessingModel":"rigid"}`, locked.Node))
	seen.wantNotified(t, smd, []string{chosen[0].Node, chosen[50].Node})
	session(t, url, "boot", len(chosen))
	wantPower(t, chosen, "On")
	wantStable(t, url, bss, chosen)

	before := make(map[string]int64)
	for _, b := range chosen {
		before[b.ID] = b.asked.Load()
	}
	session(t, url, "reboot", len(chosen))
	wantStable(t, url, bss, chosen)
	most := int64(0)
	for _, b := range chosen {
		most = max(most, b.asked.Load()-before[b.ID])
	}
	if most > 8 {
		t.Errorf("the reboot cost up to %d Redfish requests per node, want 8 at most", most)
	}
	t.Logf("the reboot cost up to %d Redfish requests per node", most)

	session(t, url, "shutdown", len(chosen))
	wantPower(t, chosen, "Off")
	// Its node was off when it was locked; the mocks are on when they start.
	wantPower(t, []*bmc{locked}, "Off")
	wantPower(t, []*bmc{disabled}, "On")
	service.stop(t)
	if service.err != nil {
		t.Errorf("serve ended with %v", service.err)
	}
	seen.wantForgotten(t, smd)
}

// discover makes SMD ask the BMCs, and waits until it knows all nodes with what
// a reset needs.
func discover(t *testing.T, smd string, bmcs []*bmc) {
	t.Helper()
	type endpoint struct {
		ID, FQDN, User, Password    string
		Enabled, RediscoverOnUpdate bool
	}
	var list struct{ RedfishEndpoints []endpoint }
	for _, b := range bmcs {
		list.RedfishEndpoints = append(list.RedfishEndpoints, endpoint{b.ID, b.Address, bmcUser, bmcPassword, true, true})
	}
	body, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	must(t, http.MethodPost, smd+"/Inventory/RedfishEndpoints", string(body))
	await(t, "SMD has discovered the nodes", func() (bool, string) {
		var found struct {
			ComponentEndpoints []struct {
				RedfishSystemInfo struct{ Actions map[string]any }
			}
		}
		decode(t, must(t, http.MethodGet, smd+"/Inventory/ComponentEndpoints?type=Node", ""), &found)
		whole := 0
		for _, e := range found.ComponentEndpoints {
			if e.RedfishSystemInfo.Actions["#ComputerSystem.Reset"] != nil {
				whole++
			}
		}
		return whole == len(bmcs), fmt.Sprintf("it knows %d of %d", whole, len(bmcs))
	})
}

// post tells SMD of a BMC and its node, as whoever has discovered them without SMD
// does. SMD keeps neither the path of the system nor its actions.
func (b *bmc) post(t *testing.T, smd string) {
	t.Helper()
	must(t, http.MethodPost, smd+"/Inventory/RedfishEndpoints", fmt.Sprintf(`{"SchemaVersion":1,"ID":%q,"Type":"NodeBMC","FQDN":%q,
		"User":%q,"Password":%q,"Enabled":true,"RediscoverOnUpdate":false,"Managers":[],
		"Systems":[{"uri":"https://%s","power_state":"On","actions":["On","ForceOff"]}]}`,
		b.ID, b.Address, bmcUser, bmcPassword, b.Address+systemPath))
	must(t, http.MethodPatch, smd+"/State/Components/"+b.Node+"/Role", `{"Role":"Compute"}`)
	var found struct{ OdataID, RedfishEndpointFQDN string }
	decode(t, must(t, http.MethodGet, smd+"/Inventory/ComponentEndpoints/"+b.Node, ""), &found)
	if found.OdataID != "" || found.RedfishEndpointFQDN != b.Address {
		t.Errorf("SMD has %+v of %s, want the address and no path", found, b.Node)
	}
}

// startBOS runs serve with a configuration of these services.
func startBOS(t *testing.T, smd, bss, caFile string, s3 emulator.Endpoints) (*process, string, watched) {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "bos.yaml")
	listen := "127.0.0.1:" + freePort(t)
	url := "http://" + listen
	asSMDSees := watch(t, url)
	text := fmt.Sprintf(`listen: %q
database: %q
inventory: { hsm: { url: %q }, notifications: %q }
power: { redfish: { ca_file: %q, credentials: { user: %s, password_env: BMC_PASSWORD } } }
boot_parameters: { bss: { url: %q } }
artifacts: { s3: { endpoint: %q, access_key_env: S3_ACCESS_KEY, secret_key_env: S3_SECRET_KEY } }
`, listen, filepath.Join(dir, "bos.db"), smd, asSMDSees.url, caFile, bmcUser, bss, s3.S3)
	return serve(t, config, text, url, s3), url, asSMDSees
}

// serve runs the service with a configuration until the test ends.
func serve(t *testing.T, config, text, url string, s3 emulator.Endpoints) *process {
	t.Helper()
	return serveWith(t, config, text, url, s3, bmcPassword)
}

// serveWith is serve where the BMCs have another password.
func serveWith(t *testing.T, config, text, url string, s3 emulator.Endpoints, bmcPassword string) *process {
	t.Helper()
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := command(filepath.Join(parts(t), "terraform-provider-bos"), "serve", "--config", config)
	serve.Dir = filepath.Dir(config)
	serve.Env = append(os.Environ(), "BMC_PASSWORD="+bmcPassword, "S3_ACCESS_KEY="+s3.AccessKey, "S3_SECRET_KEY="+s3.SecretKey)
	p := launch(t, serve)
	p.ready(t, url+"/v2/healthz")
	return p
}

// template stores what sessions boot on nodes of a role.
func template(t *testing.T, url string) {
	t.Helper()
	must(t, http.MethodPut, url+"/v2/sessiontemplates/compute", `{"enable_cfs":false,"boot_sets":{"compute":{
		"path":"s3://boot-images/`+services.ImageX86+`/manifest.json","type":"s3","kernel_parameters":"quiet","node_roles_groups":["Compute"]}}}`)
}

// session runs an operation on all nodes it is meant for, all with success.
func session(t *testing.T, url, operation string, nodes int) {
	t.Helper()
	var made struct{ Name string }
	decode(t, must(t, http.MethodPost, url+"/v2/sessions", `{"template_name":"compute","operation":"`+operation+`"}`), &made)
	var s bos.ExtendedStatus
	await(t, operation+" is complete", func() (bool, string) {
		decode(t, must(t, http.MethodGet, url+"/v2/sessions/"+made.Name+"/status", ""), &s)
		return s.Status == bos.SessionComplete, fmt.Sprintf("%+v", s)
	})
	if s.ManagedComponentsCount != nodes || s.PercentSuccessful != 100 {
		t.Fatalf("%s: %+v; want success of %d", operation, s, nodes)
	}
}

func wantPower(t *testing.T, bmcs []*bmc, want string) {
	t.Helper()
	for _, b := range bmcs {
		if got := b.power(t); got != want {
			t.Errorf("%s is %s, want %s", b.Node, got, want)
		}
	}
}

// wantStable checks that each node runs what it should, and that BSS holds that
// for its next boot.
func wantStable(t *testing.T, url, bss string, bmcs []*bmc) {
	t.Helper()
	var known []bos.Component
	decode(t, must(t, http.MethodGet, url+"/v2/components", ""), &known)
	var stored []struct {
		Hosts                  []string
		Kernel, Initrd, Params string
	}
	decode(t, must(t, http.MethodGet, bss+"/bootparameters", ""), &stored)
	at := make(map[string]bos.BootArtifacts)
	for _, s := range stored {
		for _, host := range s.Hosts {
			// BSS on PostgreSQL tells nodes no token, so it is in their parameters.
			params, _, _ := strings.Cut(s.Params, " bss_referral_token=")
			at[host] = bos.BootArtifacts{Kernel: s.Kernel, Initrd: s.Initrd, KernelParameters: params}
		}
	}
	for _, c := range known {
		if !slices.ContainsFunc(bmcs, func(b *bmc) bool { return b.Node == c.ID }) {
			if _, has := at[c.ID]; has {
				t.Errorf("%s was not chosen, and BSS has boot parameters for it", c.ID)
			}
			continue
		}
		want := c.DesiredState.BootArtifacts
		if !strings.Contains(want.Kernel, services.ImageX86) || !strings.Contains(want.KernelParameters, "quiet") {
			t.Errorf("%s should boot %+v", c.ID, want)
		}
		if c.Status.Status != "stable" || c.ActualState.BootArtifacts != want || at[c.ID] != want {
			t.Errorf("%s is %s and runs %+v, BSS has %+v; want %+v", c.ID, c.Status.Status, c.ActualState.BootArtifacts, at[c.ID], want)
		}
	}
}

func without(bmcs []*bmc, others ...*bmc) []*bmc {
	return slices.DeleteFunc(slices.Clone(bmcs), func(b *bmc) bool { return slices.Contains(others, b) })
}

func decode(t *testing.T, body []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
}
