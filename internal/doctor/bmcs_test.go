package doctor_test

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/doctor"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

const bmcPassword = "planted-passw0rd"

// bmc is a BMC of a make that counts who gives it a password, and what else than reads
// it is asked for.
type bmc struct {
	address string
	cert    string // in PEM form

	mu              sync.Mutex
	tries, accepted int
	changes         []string
}

type bmcOf struct {
	make    string
	systems map[string]string // by path
	answer  http.HandlerFunc  // in place of the systems, to who has the password
	tls     *tls.Config
	refuses bool
	plain   bool
}

func startBMC(t *testing.T, of bmcOf) *bmc {
	t.Helper()
	b := &bmc{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/redfish/v1/" {
			says(200, "application/json", fmt.Sprintf(`{"Vendor":%q,"Product":"board","RedfishVersion":"1.6.0"}`, of.make))(w, r)
			return
		}
		user, password, _ := r.BasicAuth()
		right := !of.refuses && user == "root" && password == bmcPassword
		b.mu.Lock()
		if r.Method != http.MethodGet {
			b.changes = append(b.changes, r.Method+" "+r.URL.Path)
		}
		if right {
			b.accepted++
		} else {
			b.tries++
		}
		b.mu.Unlock()
		switch {
		case !right:
			says(401, "application/json", `{}`)(w, r)
		case of.answer != nil:
			of.answer(w, r)
		case r.URL.Path == "/redfish/v1/Systems":
			var members []string
			for path := range of.systems {
				members = append(members, fmt.Sprintf(`{"@odata.id":%q}`, path))
			}
			says(200, "application/json", `{"Members":[`+strings.Join(members, ",")+`]}`)(w, r)
		default:
			says(200, "application/json", of.systems[r.URL.Path])(w, r)
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = of.tls
	if of.plain {
		s.Start()
	} else {
		s.StartTLS()
		b.cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	}
	t.Cleanup(s.Close)
	b.address = s.Listener.Addr().String()
	return b
}

var oneSystem = map[string]string{"/redfish/v1/Systems/1": `{"Id":"1","PowerState":"On","Actions":{"#ComputerSystem.Reset":{"target":"/redfish/v1/Systems/1/Actions/ComputerSystem.Reset","ResetType@Redfish.AllowableValues":["On","ForceOff","GracefulShutdown"]}}}`}

// siteOf is a site of BMCs with one node each, by an inventory file.
func siteOf(t *testing.T, trusted string, bmcs ...*bmc) config.Config {
	t.Helper()
	t.Setenv("DOCTOR_BMC_PASSWORD", bmcPassword)
	dir := t.TempDir()
	text := "nodes:\n"
	for i, b := range bmcs {
		text += fmt.Sprintf("  - { xnames: x3000c0s%db0n0, bmc: { address: %q } }\n", i+1, b.address)
	}
	writeFile(t, filepath.Join(dir, "nodes.yaml"), text, 0o600)
	settings := fmt.Sprintf("listen: 127.0.0.1:0\ndatabase: %s/bos.db\ninventory: { file: %s/nodes.yaml }\npower: { redfish: { credentials: { user: root, password_env: DOCTOR_BMC_PASSWORD } } }\n", dir, dir)
	c, err := config.Parse("bos.yaml", settings)
	if err != nil {
		t.Fatal(err)
	}
	if trusted != "" {
		c.Power.Redfish.CAFile = filepath.Join(dir, "ca.pem")
		writeFile(t, c.Power.Redfish.CAFile, trusted, 0o600)
	}
	return c
}

func TestAWrongPasswordIsGivenToOneBMCOnce(t *testing.T) {
	var bmcs []*bmc
	for i := range 6 {
		// Of three makes, two of each: one of each would be tried.
		bmcs = append(bmcs, startBMC(t, bmcOf{make: fmt.Sprint("Make", i/2), systems: oneSystem, refuses: true}))
	}
	r := checked(t, doctor.Options{Config: siteOf(t, bmcs[0].cert, bmcs...)})
	want(t, r, doctor.LevelError, "bmc", "401 Unauthorized", "user and password")
	want(t, r, doctor.LevelError, "bmc", "refused them", "lest both lock the account")
	tries := 0
	for _, b := range bmcs {
		tries += b.tries
	}
	if tries != 1 {
		t.Errorf("the BMCs were given the wrong password %d times, want once in all", tries)
	}
}

func TestABMCThatWantsALoginIsGivenThePasswordOnce(t *testing.T) {
	b := startBMC(t, bmcOf{make: "Make", systems: oneSystem, refuses: true})
	c := siteOf(t, b.cert, b)
	c.Power.Redfish.Sessions = true
	c.Power.Redfish.NextPasswordEnv = "DOCTOR_BMC_PASSWORD_NEXT"
	t.Setenv("DOCTOR_BMC_PASSWORD_NEXT", "planted-passw0rd-2")
	checked(t, doctor.Options{Config: c})
	if b.tries != 1 {
		t.Errorf("it was given a password %d times, want once", b.tries)
	}
}

func TestThePowerOfNoNodeIsTouched(t *testing.T) {
	b := startBMC(t, bmcOf{make: "Make", systems: oneSystem})
	r := checked(t, doctor.Options{Config: siteOf(t, b.cert, b)})
	want(t, r, doctor.LevelOK, "bmc", "x3000c0s1b0 (Make board)", "x3000c0s1b0n0 is on", "GracefulShutdown")
	if len(b.changes) > 0 || b.accepted == 0 {
		t.Errorf("the BMC was asked for %v, and accepted the password %d times", b.changes, b.accepted)
	}
}

func TestWhatIsWrongWithABMCIsToldWithItsWayOut(t *testing.T) {
	for _, o := range []struct {
		name string
		of   bmcOf
		l    doctor.Level
		says []string
		ca   bool
	}{
		{"a certificate that nobody vouches for", bmcOf{systems: oneSystem}, doctor.LevelError, []string{"TLS certificate is not trusted", "bos bmc pin"}, false},
		{"no TLS at all", bmcOf{systems: oneSystem, plain: true}, doctor.LevelError, []string{"does not speak TLS", "port is that of HTTPS"}, false},
		{"TLS that is too old", bmcOf{systems: oneSystem, tls: &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}}, doctor.LevelError, []string{"tls: legacy"}, true},
		{"two systems that the inventory does not tell apart", bmcOf{systems: map[string]string{
			"/redfish/v1/Systems/1": `{"Id":"1","PowerState":"On"}`, "/redfish/v1/Systems/HGX_Baseboard_0": `{"Id":"HGX_Baseboard_0","PowerState":"On"}`,
		}}, doctor.LevelError, []string{"not one of", "HGX_Baseboard_0", "UUID"}, true},
		{"no system", bmcOf{systems: nil}, doctor.LevelError, []string{"lists no system"}, true},
		{"a state that is none", bmcOf{systems: map[string]string{"/redfish/v1/Systems/1": `{"PowerState":null}`}}, doctor.LevelError, []string{"no PowerState"}, true},
		{"a BMC in trouble", bmcOf{answer: says(503, "application/json", `{"error":{"message":"starting"}}`)}, doctor.LevelError, []string{"503", "starting"}, true},
	} {
		t.Run(o.name, func(t *testing.T) {
			o.of.make = "Make"
			b := startBMC(t, o.of)
			trusted := ""
			if o.ca {
				trusted = b.cert
			}
			want(t, checked(t, doctor.Options{Config: siteOf(t, trusted, b)}), o.l, "bmc", o.says...)
		})
	}
}

func TestASilentBMCIsNamedAndTheOthersAreTried(t *testing.T) {
	server, settings := room(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 4, NodesPerBMC: 1}})
	if err := server.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.Dead, Nodes: "x1000c0s0b0"}); err != nil {
		t.Fatal(err)
	}
	settings.Power.Redfish.TLSTimeout = time.Second
	r := checked(t, doctor.Options{Config: settings})
	want(t, r, doctor.LevelError, "bmc", "x1000c0s0b0", "power and network")
	want(t, r, doctor.LevelOK, "bmc", "takes user and password")
}

func TestNodesWithoutBMCAreCounted(t *testing.T) {
	b := startBMC(t, bmcOf{make: "Make", systems: oneSystem})
	c := siteOf(t, b.cert, b)
	writeFile(t, c.Inventory.File, fmt.Sprintf("nodes:\n  - { xnames: x3000c0s1b0n0, bmc: { address: %q } }\n  - { xnames: \"x3000c0s[2-3]b0n0\" }\n", b.address), 0o600)
	want(t, checked(t, doctor.Options{Config: c}), doctor.LevelWarning, "power.redfish", "no BMC of 2 nodes", "x3000c0s[2-3]b0n0")
}

func TestAReportIsJSONThatToolsCanRead(t *testing.T) {
	r := doctor.Report{Findings: []doctor.Finding{{Level: doctor.LevelError, What: "bmc", Value: "x1", Cause: "it is silent", WayOut: "look at it"}}}
	text, err := json.Marshal(r)
	if err != nil || string(text) != `{"findings":[{"level":"error","what":"bmc","value":"x1","cause":"it is silent","way_out":"look at it"}]}` {
		t.Errorf("%s, %v", text, err)
	}
}
