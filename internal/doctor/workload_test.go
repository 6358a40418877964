package doctor_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/doctor"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// scontrol is a folder with a program of this name, which writes down how it was called
// into the file calls beside it.
func scontrol(t *testing.T, script string) (folder, calls string) {
	t.Helper()
	folder = t.TempDir()
	calls = filepath.Join(folder, "calls")
	text := "#!/bin/sh\necho \"$@\" >> " + calls + "\n" + script
	if err := os.WriteFile(filepath.Join(folder, "scontrol"), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return folder, calls
}

func TestAWorkloadManagerIsAskedAboutEveryNodeAndTouchesNone(t *testing.T) {
	server, settings := room(t, emulator.ServerConfig{})
	nodes := server.Room().Inventory().Nodes
	known := func(from int) (script string) {
		for i, n := range nodes {
			if i < from {
				script += "echo 'Node " + n.ID + " not found'\n"
				continue
			}
			script += "echo 'NodeName=" + n.ID + " Arch=x86_64 CPUAlloc=0 State=IDLE Reason=none'\n"
		}
		if from > 0 {
			script += "exit 1\n"
		}
		return script
	}
	for _, c := range []struct {
		name, script, unmanaged string
		level                   doctor.Level
		says                    string
	}{
		{"all known", known(0), "", doctor.LevelOK, "it knows all 4 nodes"},
		{"one unknown", known(1), "", doctor.LevelWarning, "does not know 1 of 4 nodes (" + nodes[0].ID + ")"},
		{"one unknown and meant to be", known(1), "boot", doctor.LevelOK, "the others are booted without it"},
		{"none known", known(len(nodes)), "", doctor.LevelError, "knows none of the 4 nodes"},
		{"no answer", "echo 'Unable to contact slurm controller (connect failure)' >&2; exit 1\n", "", doctor.LevelError, "Unable to contact slurm controller"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder, calls := scontrol(t, c.script)
			of := settings
			of.Workload = config.Workload{Manager: "slurm", Folder: folder, Unmanaged: c.unmanaged}
			want(t, checked(t, doctor.Options{Config: of}), c.level, "workload", c.says)
			said, err := os.ReadFile(calls)
			if err != nil || len(said) < 9 || string(said[:9]) != "show node" {
				t.Errorf("scontrol was called with %q, %v", said, err)
			}
		})
	}
}
