package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/doctor"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// run runs a command and returns what it printed and the status that the program would
// end with.
func run(t *testing.T, c *cobra.Command, args ...string) (printed string, status int) {
	t.Helper()
	var out bytes.Buffer
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetOut(&out)
	c.SetErr(io.Discard)
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	var exit *Exit
	switch {
	case errors.As(err, &exit):
		status = exit.Status
	case err != nil:
		return out.String() + err.Error(), 1
	}
	return out.String(), status
}

// emulated starts a room and is the file of its settings.
func emulated(t *testing.T, c emulator.ServerConfig) (*emulator.Server, string) {
	t.Helper()
	c.Listen, c.StateDir = "127.0.0.1:0", t.TempDir()
	room, err := emulator.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = room.Close() })
	file := filepath.Join(t.TempDir(), "bos.yaml")
	if err := room.WriteConfig(file); err != nil {
		t.Fatal(err)
	}
	return room, file
}

func TestTheStatusOfACheckSaysHowBadItIs(t *testing.T) {
	room, file := emulated(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 2}})
	database := filepath.Join(t.TempDir(), "bos.db")
	printed, status := run(t, checkCommand(), "--config", file, "--database", database, "--listen", "127.0.0.1:0")
	if status != statusWarnings || !strings.Contains(printed, "warning  power.redfish.networks: ") || !strings.Contains(printed, "0 errors, ") {
		t.Errorf("%d:\n%s", status, printed)
	}
	room.BMCs().SetPassword("another")
	printed, status = run(t, checkCommand(), "--config", file, "--database", database, "--listen", "127.0.0.1:0", "--json")
	var report struct {
		Outcome doctor.Level
		doctor.Report
	}
	if err := json.Unmarshal([]byte(printed), &report); err != nil || status != statusErrors || report.Outcome != doctor.LevelError {
		t.Errorf("%d, %v:\n%s", status, err, printed)
	}
	printed, status = run(t, checkCommand(), "--config", settingsFile(t, "inventory: { hsn: { url: http://smd } }"))
	if status != statusErrors || !strings.Contains(printed, "hsn") {
		t.Errorf("%d: a setting that there is not:\n%s", status, printed)
	}
}

func TestACheckTellsItsOwnServiceFromAnotherProgram(t *testing.T) {
	nodes := freeAddress(t)
	url := start(t, "--emulate", "1", "--config", settingsFile(t, "boot_parameters: { builtin: { listen: "+nodes+" } }"))
	file := settingsFile(t, "boot_parameters: { builtin: { listen: "+nodes+" } }")
	printed, _ := run(t, checkCommand(), "--config", file, "--listen", strings.TrimPrefix(url, "http://"), "--database", filepath.Join(t.TempDir(), "bos.db"))
	for _, want := range []string{"a BOS answers there already", "boot scripts are served there already"} {
		if !strings.Contains(printed, want) {
			t.Errorf("nothing says %q:\n%s", want, printed)
		}
	}
	var lc net.ListenConfig
	other, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { // a program that speaks no HTTP
		for {
			c, err := other.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "220 smtp\r\n")
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = other.Close() })
	printed, status := run(t, checkCommand(), "--listen", other.Addr().String(), "--database", filepath.Join(t.TempDir(), "bos.db"))
	if status != statusErrors || !strings.Contains(printed, "another program listens there") {
		t.Errorf("%d:\n%s", status, printed)
	}
}

func TestADatabaseIsLookedAtBesideItsService(t *testing.T) {
	database := filepath.Join(t.TempDir(), "bos.db")
	url := start(t, "--emulate", "1", "--database", database)
	printed, _ := run(t, checkCommand(), "--database", database, "--listen", strings.TrimPrefix(url, "http://"))
	if !strings.Contains(printed, "it has the version of this program") {
		t.Errorf("the database of a service that runs:\n%s", printed)
	}
}
