//go:build linux

package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// machines is a room of virtual machines with the BOS that drives it.
type machines struct {
	t *testing.T
	// api is where BOS is, store where its machines find their images, dir has the
	// room's state, images what the store serves.
	api, store, dir, images string
	room                    *process
}

// startMachines starts n virtual machines, which are off, and a BOS with the
// configuration that their room writes.
func startMachines(t *testing.T, n int, flags ...string) *machines {
	t.Helper()
	needQEMU(t)
	m := &machines{t: t, dir: t.TempDir(), images: realImages(t)}
	program, config := filepath.Join(parts(t), "terraform-provider-bos"), filepath.Join(m.dir, "bos.yaml")
	listen := "127.0.0.1:" + freePort(t)
	m.api = "http://" + listen
	emulate := command(program, append([]string{
		"emulate", "qemu", "--nodes", fmt.Sprint(n), "--images", m.images, "--state-dir", m.dir, "--listen", "127.0.0.1:0",
		"--bos", listen, "--boot-scripts", "127.0.0.1:" + freePort(t), "--write-config", config, "--memory", "320",
	}, flags...)...)
	m.room = launch(t, emulate)
	await(t, "the machines are there", func() (bool, string) {
		text, err := os.ReadFile(m.room.log)
		match := regexp.MustCompile(`virtual machines with images at http://127\.0\.0\.1(:\d+)\n`).FindSubmatch(text)
		if match != nil {
			m.store = "http://10.0.2.2" + string(match[1])
		}
		return match != nil, fmt.Sprintf("their room said %q, %v", text, err)
	})
	serve := launch(t, command(program, "serve", "--config", config))
	m.said(serve.log, "BOS is ready at", 1) // it drives its database, and takes writes
	t.Cleanup(func() {
		if t.Failed() {
			for i := range n {
				t.Logf("the last on the console of %s:\n%s", nodeNumber(i+1), tail(m.consoleOf(i+1)))
			}
		}
	})
	return m
}

// realImages is a copy, which the test may change, of the image that prepare.sh has
// made.
func realImages(t *testing.T) string {
	t.Helper()
	made := os.Getenv("BOS_REAL_NODE")
	if made == "" {
		t.Skip("BOS_REAL_NODE does not name a folder with an image that examples/real-node/prepare.sh made; make integration does that where apt has a kernel")
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(made)); err != nil {
		t.Fatal(err)
	}
	return folder
}

func nodeNumber(i int) string { return fmt.Sprintf("x3000c0s%db0n0", i) }

// consoleOf is the file of what the node with a number has said.
func (m *machines) consoleOf(i int) string { return filepath.Join(m.dir, nodeNumber(i)+".console") }

// said waits until a file has a passage a number of times.
func (m *machines) said(file, passage string, times int) {
	m.t.Helper()
	await(m.t, fmt.Sprintf("%s says %q %d times", filepath.Base(file), passage, times), func() (bool, string) {
		text, err := os.ReadFile(file)
		return bytes.Count(text, []byte(passage)) >= times, fmt.Sprintf("it said %q, %v", tail(file), err)
	})
}

// terraform is terraform in a copy of a folder of this repository, with the provider
// of the service.
func (m *machines) terraform(folder string) func(args ...string) *exec.Cmd {
	m.t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		m.t.Skip("terraform is not on PATH")
	}
	dir := m.t.TempDir()
	if err := os.CopyFS(dir, onlyTerraform(folder)); err != nil {
		m.t.Fatal(err)
	}
	settings := filepath.Join(dir, "terraformrc")
	text := fmt.Sprintf("provider_installation {\n  dev_overrides { \"bootorch/bos\" = %q }\n  direct {}\n}\n", parts(m.t))
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return func(args ...string) *exec.Cmd {
		cmd := command(program, append(args, "-no-color", "-input=false", "-var", "endpoint="+m.api)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+settings, "CHECKPOINT_DISABLE=1")
		return cmd
	}
}

// onlyTerraform is a folder without what was made in it.
func onlyTerraform(folder string) fs.FS {
	return onlyFiles{os.DirFS(folder)}
}

type onlyFiles struct{ fs.FS }

// ReadDir leaves out all but configuration.
func (f onlyFiles) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(f.FS, name)
	var kept []fs.DirEntry
	for _, entry := range all {
		if filepath.Ext(entry.Name()) == ".tf" {
			kept = append(kept, entry)
		}
	}
	return kept, err
}

// apply runs terraform to its end, with success.
func apply(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// component is what BOS has of a node.
func (m *machines) component(i int) bos.Component {
	m.t.Helper()
	var c bos.Component
	decode(m.t, must(m.t, http.MethodGet, m.api+"/v2/components/"+nodeNumber(i), ""), &c)
	return c
}

// resets are those that the BMC of a node took, in their order.
func (m *machines) resets(i int) []string {
	m.t.Helper()
	text, err := os.ReadFile(m.room.log)
	if err != nil {
		m.t.Fatal(err)
	}
	var all []string
	for _, match := range regexp.MustCompile(`msg=reset node=`+nodeNumber(i)+` type=(\w+)`).FindAllSubmatch(text, -1) {
		all = append(all, string(match[1]))
	}
	return all
}

func TestApplyBootsANodeThatReallyBootsAndItsButtonShutsItDown(t *testing.T) {
	m := startMachines(t, 1)
	terraform := m.terraform("../../examples/real-node")

	apply(t, terraform("apply", "-auto-approve"))
	m.wantRuns(1)
	first := m.component(1).ActualState.BSSToken
	m.said(m.consoleOf(1), "bos-report: reported to", 1)

	apply(t, terraform("apply", "-auto-approve", "-var", "operation=reboot"))
	m.wantRuns(1)
	if second := m.component(1).ActualState.BSSToken; second == first {
		t.Errorf("after the reboot it runs what it ran before, by the token %q", second)
	}
	m.said(m.consoleOf(1), "Linux version", 2)

	apply(t, terraform("apply", "-auto-approve", "-var", "operation=shutdown"))
	if got, want := fmt.Sprint(m.resets(1)), "[On GracefulShutdown On GracefulShutdown]"; got != want {
		t.Errorf("its BMC took %s, want %s", got, want)
	}
	m.said(m.room.log, "guest-shutdown", 2)
}

// wantRuns expects that a node is stable as it said that it runs what it should.
func (m *machines) wantRuns(i int) {
	m.t.Helper()
	c := m.component(i)
	if c.Status.Status != "stable" || c.Error != "" || c.ActualState.BSSToken == "" || c.ActualState.BootArtifacts != c.DesiredState.BootArtifacts {
		m.t.Errorf("%s is %s with the error %q, and runs %+v; want %+v", c.ID, c.Status.Status, c.Error, c.ActualState, c.DesiredState)
	}
}

func TestANodeWithUEFIFirmwareReallyBoots(t *testing.T) {
	if _, err := os.Stat("/usr/share/OVMF/OVMF_CODE_4M.fd"); err != nil {
		t.Skip("there is no UEFI firmware for QEMU: install the Debian package ovmf")
	}
	m := startMachines(t, 1, "--uefi")
	apply(t, m.terraform("../../examples/real-node")("apply", "-auto-approve"))
	m.wantRuns(1)
	m.said(m.consoleOf(1), "efi: EFI v", 1)
}

func TestABootThatFailsIsToldWithItsCause(t *testing.T) {
	m := startMachines(t, 4)
	must(t, http.MethodPatch, m.api+"/v2/options", `{"default_retry_policy":1}`)
	terraform := m.terraform("testdata/faults")

	// An image that is not there is refused by the plan.
	out, err := terraform("plan").CombinedOutput()
	if err == nil || !strings.Contains(unwrapped(out), "boot-images/missing/manifest.json") {
		t.Fatalf("the plan of an image that is not there: %v\n%s", err, out)
	}
	// One whose kernel is where BOS may not look is found missing by the node.
	missing := filepath.Join(m.images, "boot-images", "missing")
	manifest, err := os.ReadFile(filepath.Join(m.images, "boot-images", "debian", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	kernel := m.store + "/boot-images/missing/kernel"
	elsewhere := bytes.ReplaceAll(manifest, []byte("s3://boot-images/debian/kernel"), []byte(kernel))
	if err := os.Mkdir(missing, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(missing, "manifest.json"), elsewhere, 0o600); err != nil {
		t.Fatal(err)
	}

	running := launch(t, terraform("apply", "-auto-approve"))
	m.said(m.room.log, "guest-shutdown", 1)
	m.said(m.consoleOf(4), "is up and reports nothing", 1)
	m.said(m.consoleOf(3), "Kernel panic", 2)
	await(t, "it is told that a node cannot load its image", func() (bool, string) {
		c := m.component(2)
		return strings.Contains(c.Error, kernel), fmt.Sprintf("%q", c.Error)
	})
	// All has happened that shall: their time is up.
	must(t, http.MethodPatch, m.api+"/v2/options", `{"max_boot_wait_time":1}`)
	await(t, "terraform has ended", func() (bool, string) {
		select {
		case <-running.ended:
			return true, ""
		default:
			return false, tail(running.log)
		}
	})
	text, err := os.ReadFile(running.log)
	if err != nil {
		t.Fatal(err)
	}
	wantCauses(t, m, unwrapped(text))
}

// wantCauses holds what BOS and terraform say of the four nodes against what became
// of them.
func wantCauses(t *testing.T, m *machines, output string) {
	t.Helper()
	var sessions []bos.Session
	decode(t, must(t, http.MethodGet, m.api+"/v2/sessions", ""), &sessions)
	if len(sessions) != 1 {
		t.Fatalf("there are %d sessions", len(sessions))
	}
	var list struct{ Components []bos.NodeOutcome }
	answer := must(t, http.MethodGet, m.api+"/x/v1/sessions/"+sessions[0].Name+"/components", "")
	if err := json.Unmarshal(answer, &list); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	causes := make(map[string]bos.Cause)
	for _, n := range list.Components {
		causes[n.ID] = n.Cause
	}
	for i, want := range []bos.Cause{bos.CausePowerLost, bos.CauseImageNotLoaded, bos.CauseBootRestarts, bos.CauseNoReport} {
		c := m.component(i + 1)
		if causes[c.ID] != want || !strings.Contains(c.Error, want.Sentence()) {
			t.Errorf("%s failed by %q with %q; want %q", c.ID, causes[c.ID], c.Error, want)
		}
		if !strings.Contains(output, c.ID+": "+want.Sentence()) {
			t.Errorf("terraform does not say of %s: %s", c.ID, want.Sentence())
		}
	}
	if t.Failed() {
		t.Logf("%s\n%s", answer, output)
	}
}

// unwrapped is what terraform says, in one line.
func unwrapped(text []byte) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(string(text), "│", " ")), " ")
}
