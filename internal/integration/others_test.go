//go:build linux

package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
)

// few is how many nodes boot where it is about the services.
const few = 8

// site is SMD with a few nodes that it has discovered, each known by its MAC address.
type site struct {
	postgres, smd string
	s3            emulator.Endpoints
	bmcs          []*bmc
	caFile        string
}

func startSite(t *testing.T) *site {
	t.Helper()
	parts(t)
	s := &site{postgres: startPostgres(t), s3: startS3(t)}
	s.smd = startSMD(t, s.postgres)
	s.bmcs, s.caFile = startBMCs(t, few)
	discover(t, s.smd, s.bmcs)
	for i, b := range s.bmcs {
		b.MAC = fmt.Sprintf("02:00:00:00:01:%02x", i)
		must(t, http.MethodPost, s.smd+"/Inventory/EthernetInterfaces", fmt.Sprintf(`{"MACAddress":%q,"ComponentID":%q}`, b.MAC, b.Node))
	}
	return s
}

// bos runs the service with power and boot parameters as they are named, and the nodes
// asking at scripts.
func (s *site) bos(t *testing.T, power, boot, scripts string) string {
	t.Helper()
	dir, listen := t.TempDir(), "127.0.0.1:"+freePort(t)
	url := "http://" + listen
	if power == "" {
		power = fmt.Sprintf("redfish: { ca_file: %q, credentials: { user: %s, password_env: BMC_PASSWORD } }", s.caFile, bmcUser)
	}
	serve(t, filepath.Join(dir, "bos.yaml"), fmt.Sprintf(`listen: %q
database: %q
inventory: { hsm: { url: %q } }
power: { %s }
boot_parameters: { %s }
artifacts: { s3: { endpoint: %q, access_key_env: S3_ACCESS_KEY, secret_key_env: S3_SECRET_KEY } }
`, listen, filepath.Join(dir, "bos.db"), s.smd, power, boot, s.s3.S3), url, s.s3)
	live(t, s.bmcs, scripts, url)
	await(t, "BOS knows the nodes", func() (bool, string) {
		var known []bos.Component
		decode(t, must(t, http.MethodGet, url+"/v2/components", ""), &known)
		return len(known) == few, fmt.Sprintf("it knows %d", len(known))
	})
	template(t, url)
	return url
}

// wantRunning checks that each node has reported the write that it is to boot.
func (s *site) wantRunning(t *testing.T, url string) {
	t.Helper()
	var known []bos.Component
	decode(t, must(t, http.MethodGet, url+"/v2/components", ""), &known)
	for _, c := range known {
		if c.Status.Status != "stable" || c.ActualState.BootArtifacts != c.DesiredState.BootArtifacts || !strings.Contains(c.ActualState.BootArtifacts.Kernel, services.ImageX86) {
			t.Errorf("%s is %s and runs %+v, want %+v", c.ID, c.Status.Status, c.ActualState.BootArtifacts, c.DesiredState.BootArtifacts)
		}
	}
	wantPower(t, s.bmcs, "On")
}

func TestNodesBootByTheOtherServicesOfOpenCHAMIToo(t *testing.T) {
	s := startSite(t)
	t.Run("BSS without PostgreSQL", func(t *testing.T) {
		bss := startBSSWithoutPostgres(t, s.smd, s.s3.S3, s.s3.AccessKey, s.s3.SecretKey)
		url := s.bos(t, "", fmt.Sprintf("bss: { url: %q }", bss), bss)
		for _, operation := range []string{"boot", "reboot"} {
			session(t, url, operation, few)
			s.wantRunning(t, url)
			wantStable(t, url, bss, s.bmcs)
		}
	})
	t.Run("boot-service", s.bootsByBootService)
	t.Run("PCS", s.rebootsByPCS)
}

// bootsByBootService also looks after what others have stored there, and tries BSS' way
// in, which is refused.
func (s *site) bootsByBootService(t *testing.T) {
	service := startBootService(t, s.smd)
	await(t, "boot-service knows the nodes", func() (bool, string) {
		var nodes []struct{ Spec struct{ BootMAC string } }
		decode(t, must(t, http.MethodGet, service+"/nodes", ""), &nodes)
		macs := 0
		for _, n := range nodes {
			if n.Spec.BootMAC != "" {
				macs++
			}
		}
		return macs == few, fmt.Sprintf("it knows the addresses of %d of %d", macs, len(nodes))
	})
	theirs := must(t, http.MethodPost, service+"/bootconfigurations", `{"metadata":{"name":"site"},"spec":{"hosts":["`+s.bmcs[0].Node+`","`+s.bmcs[1].Node+`"],"kernel":"http://site/kernel","priority":50}}`)
	url := s.bos(t, "", fmt.Sprintf("bootservice: { url: %q, artifacts_url: %q }", service, s.s3.S3), service)
	for _, operation := range []string{"boot", "reboot"} {
		session(t, url, operation, few)
		s.wantRunning(t, url)
	}
	var all []struct {
		Metadata struct{ Name, UID string }
		Spec     struct{ Hosts []string }
	}
	decode(t, must(t, http.MethodGet, service+"/bootconfigurations", ""), &all)
	if len(all) != 2 {
		t.Errorf("boot-service has %+v, want the site's configuration and one of BOS", all)
	}
	var site struct{ Metadata struct{ UID string } }
	decode(t, theirs, &site)
	if now := must(t, http.MethodGet, service+"/bootconfigurations/"+site.Metadata.UID, ""); string(now) != string(theirs) {
		t.Errorf("the site's configuration is %s, was %s", now, theirs)
	}

	// The same service, taken for a BSS.
	wrong := s.bos(t, "", fmt.Sprintf("bss: { url: %q }", service), service)
	must(t, http.MethodPost, wrong+"/v2/sessions", `{"name":"wrong","template_name":"compute","operation":"reboot"}`)
	await(t, "BOS says that it is no BSS", func() (bool, string) {
		body := must(t, http.MethodGet, wrong+"/v2/components/"+s.bmcs[0].Node, "")
		return strings.Contains(string(body), "boot_parameters.bootservice.url"), string(body)
	})
	must(t, http.MethodDelete, wrong+"/v2/sessions/wrong", "")
	wantPower(t, s.bmcs, "On")
}

// rebootsByPCS counts the transitions: PCS keeps nodes until the whole of one is
// complete, and what is sent before fails.
func (s *site) rebootsByPCS(t *testing.T) {
	pcs := startPCS(t, s.postgres, s.smd)
	await(t, "PCS knows the power of the nodes", func() (bool, string) {
		var list struct {
			Status []struct{ Xname, PowerState, Error string }
		}
		decode(t, must(t, http.MethodGet, pcs+"/power-status", ""), &list)
		known := 0
		for _, n := range list.Status {
			if bos.IsNodeXname(n.Xname) && n.Error == "" && (n.PowerState == "on" || n.PowerState == "off") {
				known++
			}
		}
		return known == few, fmt.Sprintf("of %d components it knows that of %d nodes", len(list.Status), known)
	})
	bss := startBSSWithoutPostgres(t, s.smd, s.s3.S3, s.s3.AccessKey, s.s3.SecretKey)
	url := s.bos(t, fmt.Sprintf("pcs: { url: %q }", pcs), fmt.Sprintf("bss: { url: %q }", bss), bss)
	session(t, url, "boot", few)
	before := transitions(t, pcs)
	session(t, url, "reboot", few)
	s.wantRunning(t, url)
	made := transitions(t, pcs)
	for operation := range made {
		made[operation] -= before[operation]
	}
	if made["on"] != 1 || made["soft-off"] != 1 || made["force-off"] != 0 {
		t.Errorf("the reboot made the transitions %v, want one off and one on", made)
	}
}

// transitions counts those of PCS by their operation.
func transitions(t *testing.T, pcs string) map[string]int {
	t.Helper()
	var list struct {
		Transitions []struct {
			Operation, TransitionStatus string
			TaskCounts                  json.RawMessage
		}
	}
	decode(t, must(t, http.MethodGet, pcs+"/transitions", ""), &list)
	count := make(map[string]int)
	for _, one := range list.Transitions {
		count[strings.ToLower(one.Operation)]++
	}
	return count
}
