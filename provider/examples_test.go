package provider_test

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheQuickstartAppliesAndRollsAChangeOut(t *testing.T) {
	bos := startBOS(t)
	w := newWorkspace(t)
	files, err := filepath.Glob("../examples/quickstart/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no example was found (%v)", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.dir, filepath.Base(file)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	endpoint := "-var=endpoint=" + bos.URL()
	apply := w.apply(endpoint)
	apply.exits(t, 0)
	apply.says(t, `status = "complete"`, `planned = "x1000c0s[0-3]b0n0"`)
	w.plan(endpoint).exits(t, 0)

	rolled := []string{endpoint, "-var=operation=reboot", "-var=kernel_parameters=quiet console=ttyS0"}
	bos.Break("x1000c0s1b0n0")
	failed := w.apply(rolled...)
	failed.exits(t, 0)
	failed.says(t, "Check block assertion failed", "x1000c0s1b0n0", `retry_limit = "x1000c0s1b0n0"`)
	w.plan(rolled...).exits(t, 0)
	sessions(t, bos, 2)
	w.apply(append(rolled, "-destroy")...).exits(t, 0)
}
