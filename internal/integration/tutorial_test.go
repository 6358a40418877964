//go:build linux

package integration_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

// computes are the nodes of OpenCHAMI's tutorial, as its nodes.yaml has them: each with
// a BMC that is known by its IP address alone.
const computes = 8

// compute is one of them.
type compute struct {
	id, bmc, mac string
	// ip is where the node asks from, bmcIP where its BMC is.
	ip, bmcIP string
}

func tutorialNodes() (list []compute) {
	for i := range computes {
		bmc := fmt.Sprintf("x1000c0s0b%d", i)
		list = append(list, compute{
			id: bmc + "n0", bmc: bmc, mac: fmt.Sprintf("52:54:00:be:ef:%02x", i+1), ip: fmt.Sprintf("127.84.0.%d", i+1), bmcIP: fmt.Sprintf("127.84.1.%d", i+1),
		})
	}
	return list
}

// post tells SMD of the node as `ochami discover static` does: everything but addresses
// and names is invented, such as UUIDs, the path of the system and what resets it takes.
func (c compute) post(t *testing.T, smd string, nid int) {
	t.Helper()
	must(t, http.MethodPost, smd+"/State/Components", fmt.Sprintf(`{"Components":[{"ID":%q,"Type":"Node","State":"On","Enabled":true,"NID":%d}]}`, c.id, nid))
	must(t, http.MethodPost, smd+"/Inventory/RedfishEndpoints", fmt.Sprintf(`{"SchemaVersion":1,"ID":%[1]q,"Type":"NodeBMC","Name":"compute%[2]d",
		"UUID":%[4]q,"MACAddr":"de:ca:fc:0f:fe:e%[2]d","IPAddress":%[3]q,"DiscoveryInfo":{"LastAttempt":"0001-01-01T00:00:00Z"},
		"Managers":[{"uri":"https://demo.openchami.cluster:8443/redfish/v1/Managers/%[1]s","uuid":%[4]q,"name":%[1]q,"description":"","type":"NodeBMC","actions":null,
			"ethernet_interfaces":[{"name":%[1]q,"description":"Interface for BMC %[1]s","mac":"de:ca:fc:0f:fe:e%[2]d","ip":%[3]q}]}],
		"Systems":[{"uri":"https://demo.openchami.cluster:8443/redfish/v1/Systems/%[5]s","uuid":%[6]q,"name":"compute%[2]d",
			"ethernet_interfaces":[{"name":%[5]q,"description":"Interface 0 for compute%[2]d","mac":%[7]q,"ip":%[8]q}],
			"actions":["On","ForceOff","GracefulShutdown","GracefulRestart","ForceRestart","Nmi","ForceOn","PushPowerButton","PowerCycle","Suspend","Pause","Resume"]}]}`,
		c.bmc, nid, c.bmcIP, uuid.NewString(), c.id, uuid.NewString(), c.mac, c.ip))
	// SMD has it already by what was posted of the BMC, and says so; inventory-service
	// wants an id, which the tool does not give, and has it by then too.
	status, answer, err := ask(t.Context(), http.MethodPost, smd+"/Inventory/EthernetInterfaces", fmt.Sprintf(
		`{"ID":"","ComponentID":%q,"Type":"Node","Description":"Interface 0 for compute%d","MACAddress":%q,"IPAddresses":[{"IPAddress":%q,"Network":"management"}]}`, c.id, nid, c.mac, c.ip))
	wantsID := status == http.StatusBadRequest && strings.Contains(string(answer), "properties/ID")
	if err != nil || status != http.StatusCreated && status != http.StatusConflict && !wantsID {
		t.Fatalf("the interface of %s was answered %d %s, %v", c.id, status, answer, err)
	}
}

// tutorialRoom are machines of these names, with their BMCs where SMD says, at the port
// that BMCs have.
func tutorialRoom(t *testing.T, nodes []compute, bosURL string) (room *emulator.Server, caFile string) {
	t.Helper()
	dump := &machineroom.Dump{}
	for i, c := range nodes {
		system := "/redfish/v1/Systems/Self"
		dump.Nodes = append(dump.Nodes, machineroom.DumpNode{
			Node: bos.Node{ID: c.id, Role: "Compute", Enabled: true}, NID: i + 1,
			Endpoint: machineroom.Endpoint{BMC: c.bmc, System: system, Target: system + "/Actions/ComputerSystem.Reset", ResetTypes: resets, Listed: resets},
		})
	}
	room, err := emulator.Start(t.Context(), emulator.ServerConfig{
		Config: machineroom.Config{Dump: dump, PowerTime: 50 * time.Millisecond, BootTime: 100 * time.Millisecond, ReportEvery: time.Hour},
		Listen: "127.0.0.1:0", BOSURL: bosURL, StateDir: t.TempDir(), Token: localtoken.Find, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := room.Close(); err != nil {
			t.Error(err)
		}
	})
	var names, addresses []string
	for _, c := range nodes {
		names, addresses = append(names, c.bmc), append(addresses, c.bmcIP)
	}
	certificate, caFile := certifyNames(t, names, addresses)
	for _, c := range nodes {
		inFront(t, net.JoinHostPort(c.bmcIP, "443"), certificate, "https://"+room.BMCAddress(c.bmc))
	}
	return room, caFile
}

var resets = []string{"On", "ForceOff", "GracefulShutdown", "ForceRestart"}

// inFront serves TLS at an address for what is elsewhere.
func inFront(t *testing.T, address string, certificate tls.Certificate, at string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if errors.Is(err, os.ErrPermission) {
		t.Skipf("BMCs are known by their IP addresses alone, so they have to be at port 443, and that takes rights: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	server := &http.Server{
		ErrorLog: proxy.ErrorLog, ReadHeaderTimeout: time.Minute, Handler: proxy,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(l, "", "") }()
	t.Cleanup(func() {
		_ = server.Close() // it is over either way
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// byMAC asks for boot scripts as iPXE does by what DHCP told it: by MAC address, and
// from the address of the node.
func byMAC(t *testing.T, nodes []compute, scripts string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, c := range nodes {
			if c.id != r.URL.Query().Get("name") {
				continue
			}
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.ip)}}).DialContext(ctx, network, address)
			}}}
			req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, scripts+"/bootscript?mac="+c.mac, nil)
			if err != nil {
				t.Error(err)
				return
			}
			res, err := client.Do(req)
			if err != nil {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			defer res.Body.Close()
			w.WriteHeader(res.StatusCode)
			_, _ = io.Copy(w, res.Body) // the node is gone if this fails
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// rewritten is an example of a configuration with the addresses that a test has;
// nothing else of it is changed.
func rewritten(t *testing.T, name string, addresses map[string]string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "contrib", "config", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(body)
	for was, is := range addresses {
		if !strings.Contains(text, was) {
			t.Errorf("%s has no %s", name, was)
		}
		text = strings.ReplaceAll(text, was, is)
	}
	return text
}

func TestTheNodesOfOpenCHAMIsTutorialBootWithTheConfigurationAsShipped(t *testing.T) {
	parts(t)
	postgres := startPostgres(t)
	smd := startSMD(t, postgres)
	nodes := tutorialNodes()
	listen, scripts := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	bosURL := "http://" + listen
	room, caFile := tutorialRoom(t, nodes, bosURL)
	group := make([]string, len(nodes))
	for i, c := range nodes {
		c.post(t, smd, i+1)
		group[i] = fmt.Sprintf("%q", c.id)
	}
	must(t, http.MethodPost, smd+"/groups", `{"label":"compute","description":"","members":{"ids":[`+strings.Join(group, ",")+`]}}`)
	room.SetBootScripts(byMAC(t, nodes, "http://"+scripts+"/boot/v1"))

	text := rewritten(t, "openchami.yaml", map[string]string{
		"listen: 127.0.0.1:8770": "listen: " + listen, "http://smd:27779/hsm/v2": smd, "10.2.0.0/16": "127.84.0.0/16",
		"10.1.0.1:8771": scripts, "http://10.1.0.1:9000": room.Endpoints().S3, "/etc/bos/bmc-ca.pem": caFile,
	})
	bootsTheTutorial(t, room, text, bosURL)
}

// bootsTheTutorial serves with these settings, and boots, reboots and shuts down its nodes.
func bootsTheTutorial(t *testing.T, room *emulator.Server, text, bosURL string) {
	t.Helper()
	t.Setenv("BOS_DATABASE", filepath.Join(t.TempDir(), "bos.db"))
	s3 := room.Endpoints()
	serveWith(t, filepath.Join(t.TempDir(), "bos.yaml"), text, bosURL, s3, s3.Password)
	await(t, "BOS knows the nodes", func() (bool, string) {
		var known []bos.Component
		decode(t, must(t, http.MethodGet, bosURL+"/v2/components", ""), &known)
		return len(known) == computes, fmt.Sprintf("it knows %d", len(known))
	})
	must(t, http.MethodPut, bosURL+"/v2/sessiontemplates/compute", `{"enable_cfs":false,"boot_sets":{"compute":{
		"path":"s3://boot-images/`+services.ImageX86+`/manifest.json","type":"s3","kernel_parameters":"quiet","node_groups":["compute"]}}}`)
	for _, operation := range []string{"boot", "reboot", "shutdown"} {
		session(t, bosURL, operation, computes)
	}
}
