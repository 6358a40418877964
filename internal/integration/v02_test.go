//go:build linux

package integration_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// startInventoryService starts an inventory-service. Its sources are not on the module
// proxy: BOS_INVENTORY_SERVICE is the program that was built of them.
func startInventoryService(t *testing.T) string {
	t.Helper()
	program := os.Getenv("BOS_INVENTORY_SERVICE")
	if program == "" {
		t.Skip("BOS_INVENTORY_SERVICE does not name the program of OpenCHAMI's inventory-service")
	}
	port, dir := freePort(t), t.TempDir()
	server := command(program, "serve", "--auth-enabled=false", "--host", "127.0.0.1", "--port", port, "--database-url", "file:"+filepath.Join(dir, "inventory.db")+"?_fk=1")
	server.Dir = dir
	url := "http://127.0.0.1:" + port + "/hsm/v2"
	launch(t, server).ready(t, url+"/service/ready")
	return url
}

// asIPXE puts the variables of boot-service's scripts in, as iPXE does.
func asIPXE(t *testing.T, scripts string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, script, err := ask(r.Context(), http.MethodGet, scripts+r.URL.String(), "")
		if err != nil || status != http.StatusOK {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		set := make(map[string]string)
		for _, line := range setLine.FindAllStringSubmatch(string(script), -1) {
			set[line[1]] = html.UnescapeString(line[2])
		}
		if set["kernel"] == "" {
			_, _ = io.WriteString(w, "#!ipxe\nhalt\n")
			return
		}
		_, _ = fmt.Fprintf(w, "#!ipxe\nkernel --name kernel %s %s || goto again\ninitrd --name initrd %s || goto again\n", set["kernel"], set["params"], set["initrd"])
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestTheNodesOfTheTutorialBootByInventoryServiceAndBootServiceAsShipped is the tutorial
// with the services that take the places of SMD and BSS.
func TestTheNodesOfTheTutorialBootByInventoryServiceAndBootServiceAsShipped(t *testing.T) {
	parts(t)
	inventory := startInventoryService(t)
	nodes := tutorialNodes()
	listen := "127.0.0.1:" + freePort(t)
	bosURL := "http://" + listen
	room, caFile := tutorialRoom(t, nodes, bosURL)
	group := make([]string, len(nodes))
	for i, c := range nodes {
		c.post(t, inventory, i+1)
		group[i] = fmt.Sprintf("%q", c.id)
	}
	must(t, http.MethodPost, inventory+"/groups", `{"label":"compute","description":"","members":{"ids":[`+strings.Join(group, ",")+`]}}`)
	boots := startBootService(t, inventory)
	await(t, "boot-service knows the nodes", func() (bool, string) {
		var known []struct {
			Spec struct{ XName, BootMAC string }
		}
		decode(t, must(t, http.MethodGet, boots+"/nodes", ""), &known)
		named := make(map[string]bool)
		for _, n := range known {
			if n.Spec.BootMAC != "" {
				named[n.Spec.XName] = true
			}
		}
		return len(named) >= computes, fmt.Sprintf("it knows %+v", known)
	})
	room.SetBootScripts(asIPXE(t, byMAC(t, nodes, boots)))

	text := rewritten(t, "openchami-v0.2.yaml", map[string]string{
		"listen: 127.0.0.1:8770": "listen: " + listen, "http://inventory-service:8080/hsm/v2": inventory, "10.2.0.0/16": "127.84.0.0/16",
		"http://boot-service:8080": boots, `endpoint: "http://10.1.0.1:9000"`: fmt.Sprintf("endpoint: %q", room.Endpoints().S3), "/etc/bos/bmc-ca.pem": caFile,
	})
	bootsTheTutorial(t, room, text, bosURL)
}
