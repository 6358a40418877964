package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// pinned runs bmc pin on a file of pins.
func pinned(t *testing.T, config, file string, args ...string) (printed string, status int) {
	t.Helper()
	return run(t, bmcCommand(), append([]string{"pin", "--config", config, "--pins-file", file}, args...)...)
}

func read(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// changePin replaces the pin of a BMC by another.
func changePin(t *testing.T, file, bmc string) (was string) {
	t.Helper()
	lines := strings.Split(read(t, file), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, bmc+" ") {
			was = strings.Fields(line)[1]
			lines[i] = bmc + " " + strings.Repeat("0", 64)
		}
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return was
}

func TestNewPinsAreWrittenWhenAskedForAndServeTheService(t *testing.T) {
	room, config := emulated(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 6, NodesPerBMC: 2}})
	file := filepath.Join(t.TempDir(), "pins")
	printed, status := pinned(t, config, file)
	if _, err := os.Stat(file); err == nil || status != 0 || strings.Count(printed, "new ") != 4 || !strings.Contains(printed, "nothing was written; --write adds the new ones") {
		t.Errorf("%d, %v:\n%s", status, err, printed)
	}
	if printed, status = pinned(t, config, file, "--write"); status != 0 || !strings.Contains(printed, "3 were written") {
		t.Errorf("%d:\n%s", status, printed)
	}
	if printed, status = pinned(t, config, file, "--write"); status != 0 || !strings.Contains(printed, "0 new, 0 changed, 3 as pinned, 0 silent") {
		t.Errorf("%d:\n%s", status, printed)
	}
	for method := range room.Requests(false) {
		if strings.HasPrefix(method, "BMC") {
			t.Errorf("a BMC was asked for something: %s", method)
		}
	}
	// With the pins, and without the authority, the service trusts the BMCs.
	text := read(t, config)
	i, j := strings.Index(text, "ca_file: "), strings.Index(text, ", credentials")
	bos := settingsFile(t, text[:i]+"pins_file: "+file+text[j:])
	printed, _ = run(t, checkCommand(), "--config", bos, "--listen", "127.0.0.1:0", "--database", filepath.Join(t.TempDir(), "bos.db"))
	if !strings.Contains(printed, "takes user and password") || strings.Contains(printed, "error    bmc") {
		t.Errorf("with pins:\n%s", printed)
	}
	changePin(t, file, "x1000c0s0b0")
	printed, _ = run(t, checkCommand(), "--config", bos, "--listen", "127.0.0.1:0", "--database", filepath.Join(t.TempDir(), "bos.db"))
	if !strings.Contains(printed, "error    bmc x1000c0s0b0") || !strings.Contains(printed, "and not the one that it is pinned to") {
		t.Errorf("with another pin:\n%s", printed)
	}
}

func TestAChangedCertificateIsNeverTakenSilently(t *testing.T) {
	_, config := emulated(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 4, NodesPerBMC: 1}})
	file := filepath.Join(t.TempDir(), "pins")
	pinned(t, config, file, "--write")
	is := changePin(t, file, "x1000c0s0b1")
	for _, args := range [][]string{nil, {"--write"}, {"--write", "--changed", "x1000c0s0b0"}} {
		printed, status := pinned(t, config, file, args...)
		if status != statusWarnings || !strings.Contains(printed, "changed  x1000c0s0b1 was "+strings.Repeat("0", 64)+", is "+is) || strings.Contains(read(t, file), "x1000c0s0b1 "+is) {
			t.Errorf("%q: %d:\n%s%s", args, status, printed, read(t, file))
		}
	}
	if printed, status := pinned(t, config, file, "--changed", "x1000c0s0b1"); status == 0 || !strings.Contains(printed, "--changed needs --write") {
		t.Errorf("%d:\n%s", status, printed)
	}
	printed, status := pinned(t, config, file, "--write", "--changed", "x1000c0s0b1")
	if status != 0 || !strings.Contains(printed, "taken, as --changed names it") || !strings.Contains(read(t, file), "x1000c0s0b1 "+is) {
		t.Errorf("%d:\n%s%s", status, printed, read(t, file))
	}
}

func TestASilentBMCKeepsItsPinAndIsNamed(t *testing.T) {
	t.Parallel()
	room, config := emulated(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 2, NodesPerBMC: 1}})
	file := filepath.Join(t.TempDir(), "pins")
	pinned(t, config, file, "--write")
	before := read(t, file)
	if err := room.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.Dead, Nodes: "x1000c0s0b0"}); err != nil {
		t.Fatal(err)
	}
	printed, status := pinned(t, config, file, "--write")
	if status != statusWarnings || !strings.Contains(printed, "silent   x1000c0s0b0: ") || !strings.Contains(printed, "1 as pinned, 1 silent") || read(t, file) != before {
		t.Errorf("%d:\n%s", status, printed)
	}
	if printed, _ = pinned(t, config, file, "--bmcs", "x1000c0s0b1"); !strings.Contains(printed, "1 as pinned, 0 silent") {
		t.Errorf("one of them:\n%s", printed)
	}
	if printed, status = pinned(t, config, file, "--bmcs", "x1000c0s0b7"); status == 0 || !strings.Contains(printed, "no BMC x1000c0s0b7") {
		t.Errorf("a BMC that there is not: %d:\n%s", status, printed)
	}
}
