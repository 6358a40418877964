package qemu_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/qemu"
)

// TestMain lets this program stand in for QEMU, as far as its monitor goes: what a
// machine does inside is for the tests that have a real one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-name" {
		standIn()
		return
	}
	os.Exit(m.Run())
}

func standIn() {
	fmt.Println(`{"QMP": {"version": {}}}`)
	deaf := os.Getenv("DEAF") != ""
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(`{"return": {}}`)
		if strings.Contains(lines.Text(), "system_powerdown") && !deaf {
			return
		}
	}
	select {} // QEMU goes on without a monitor
}

// room is one of a machine, and how its BMC is spoken to.
type room struct {
	*qemu.Server
	t      *testing.T
	client *http.Client
	secret string
	state  string
}

func open(t *testing.T, change func(*qemu.Config)) room {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := room{t: t, state: t.TempDir()}
	c := qemu.Config{
		Nodes: 1, Listen: "127.0.0.1:0", Images: t.TempDir(), StateDir: r.state, BootScripts: "http://10.0.2.2:1/boot/v1", QEMU: program,
	}
	if change != nil {
		change(&c)
	}
	if r.Server, err = qemu.Start(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(r.file("bmc-ca.pem"))
	r.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	t.Cleanup(r.client.CloseIdleConnections)
	r.secret = strings.TrimSpace(string(r.file("bmc-password")))
	return r
}

func (r room) file(name string) []byte {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.state, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return text
}

// ask sends a request to the BMC and returns what it answers.
func (r room) ask(method, path, body, password string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, "https://"+r.Nodes()[0].BMC+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth("admin", password)
	res, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

const system = "/redfish/v1/Systems/Self"

func (r room) reset(kind string) int {
	r.t.Helper()
	status, text := r.ask(http.MethodPost, system+"/Actions/ComputerSystem.Reset", `{"ResetType":"`+kind+`"}`, r.secret)
	if status >= 500 {
		r.t.Errorf("%s: %s", kind, text)
	}
	return status
}

// wantPower waits until the BMC says so.
func (r room) wantPower(want string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		_, text := r.ask(http.MethodGet, system, "", r.secret)
		var s struct{ PowerState string }
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			r.t.Fatal(err)
		}
		if s.PowerState == want {
			return
		}
		select {
		case <-ctx.Done():
			r.t.Fatalf("the machine is %s, want %s", s.PowerState, want)
		case <-tick.C:
		}
	}
}

func TestABMCSwitchesItsMachineOnAndOff(t *testing.T) {
	r := open(t, nil)
	r.wantPower("Off")
	for _, kind := range []string{"GracefulShutdown", "ForceOff"} {
		for range 2 {
			if status := r.reset("On"); status != http.StatusNoContent { // the second finds it on
				t.Fatalf("On answered %d", status)
			}
			r.wantPower("On")
		}
		for range 2 {
			if status := r.reset(kind); status != http.StatusNoContent {
				t.Fatalf("%s answered %d", kind, status)
			}
			r.wantPower("Off")
		}
	}
}

func TestAMachineThatDoesNotHearTheButtonIsSwitchedOffByForce(t *testing.T) {
	t.Setenv("DEAF", "yes")
	r := open(t, nil)
	r.reset("On")
	r.reset("GracefulShutdown")
	r.wantPower("On")
	r.reset("ForceOff")
	r.wantPower("Off")
}

func TestABMCRefusesWhatItDoesNotKnow(t *testing.T) {
	r := open(t, nil)
	if status, _ := r.ask(http.MethodGet, system, "", "wrong"); status != http.StatusUnauthorized {
		t.Errorf("a wrong password is answered %d", status)
	}
	if status := r.reset("Nmi"); status != http.StatusBadRequest {
		t.Errorf("Nmi is answered %d", status)
	}
	if status, _ := r.ask(http.MethodPost, system+"/Actions/ComputerSystem.Reset", "On", r.secret); status != http.StatusBadRequest {
		t.Errorf("a body that is no JSON is answered %d", status)
	}
	if status, _ := r.ask(http.MethodGet, system+"/Actions/ComputerSystem.Reset", "", r.secret); status != http.StatusMethodNotAllowed {
		t.Errorf("GET of the reset is answered %d", status)
	}
	if status, _ := r.ask(http.MethodGet, "/redfish/v1/Systems/1", "", r.secret); status != http.StatusNotFound {
		t.Errorf("another system is answered %d", status)
	}
	r.wantPower("Off")
}

func TestAProgramThatIsNotThereIsNamed(t *testing.T) {
	r := open(t, func(c *qemu.Config) { c.QEMU = "/nowhere/qemu" })
	status, text := r.ask(http.MethodPost, system+"/Actions/ComputerSystem.Reset", `{"ResetType":"On"}`, r.secret)
	if status != http.StatusInternalServerError || !strings.Contains(text, "/nowhere/qemu") || !strings.Contains(text, "qemu-system-x86") {
		t.Errorf("answered %d %s", status, text)
	}
	r.wantPower("Off")
}

func TestARoomIsReachedFromItsHostOnly(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", "10.0.0.1:80", "127.0.0.1", "localhost:1", "[::1]:0", ""} {
		c := qemu.Config{Nodes: 1, Listen: listen, Images: t.TempDir(), StateDir: t.TempDir(), QEMU: "none"}
		if listen == "" {
			c.Listen, c.Nodes = "127.0.0.1:0", qemu.MostNodes+1
		}
		if s, err := qemu.Start(c); err == nil {
			_ = s.Close()
			t.Errorf("%q is taken", listen)
		}
	}
}

func TestTheImageStoreServesTheFilesOfItsFolderAndNoOthers(t *testing.T) {
	images := t.TempDir()
	if err := os.MkdirAll(filepath.Join(images, "bucket"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(images, "bucket", "kernel"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	r := open(t, func(c *qemu.Config) { c.Images = images })
	if err := os.Symlink(r.state, filepath.Join(images, "bucket", "out")); err != nil {
		t.Fatal(err)
	}
	get := func(method, path string) (int, string, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, r.Store()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text), res.Header.Get("ETag")
	}
	status, text, first := get(http.MethodGet, "/bucket/kernel")
	if status != http.StatusOK || text != "one" || first == "" {
		t.Errorf("answered %d %q, etag %q", status, text, first)
	}
	write("two")
	if _, _, second := get(http.MethodHead, "/bucket/kernel"); second == first {
		t.Error("another object has the same etag")
	}
	for _, path := range []string{"/", "/bucket", "/bucket/", "/bucket/initrd", "/bucket/out/bmc-password", "/../bmc-password", "/bucket/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd"} {
		if status, text, _ := get(http.MethodGet, path); status == http.StatusOK {
			t.Errorf("%s has %q", path, text)
		}
	}
	if status, text, _ := get(http.MethodGet, "/bucket/initrd"); status != http.StatusNotFound || !strings.Contains(text, "NoSuchKey") {
		t.Errorf("what is not there is answered %d %s", status, text)
	}
	if status, _, _ := get(http.MethodPut, "/bucket/kernel"); status != http.StatusMethodNotAllowed {
		t.Errorf("a write is answered %d", status)
	}
}
