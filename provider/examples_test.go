package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// use copies the .tf files of a folder of examples/ into the workspace.
func (w *workspace) use(folder string) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join("../examples", folder, "*.tf"))
	if err != nil || len(files) == 0 {
		w.t.Fatalf("no example was found in %s (%v)", folder, err)
	}
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "import") {
			continue // importing needs something to import; see TestAnExistingSiteIsImported
		}
		content, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		w.add(filepath.Base(file), string(content))
	}
}

// add writes a file of the configuration.
func (w *workspace) add(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func TestTheQuickstartAppliesAndRollsAChangeOut(t *testing.T) {
	bos := startBOS(t)
	w := newWorkspace(t)
	w.use("quickstart")
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

// TestTheSnippetsOfTheDocsPlan plans what the pages of the registry show, each
// folder as one configuration.
func TestTheSnippetsOfTheDocsPlan(t *testing.T) {
	bos := startBOS(t)
	folders, err := filepath.Glob("../examples/*/*")
	if err != nil {
		t.Fatal(err)
	}
	planned := 0
	for _, folder := range folders {
		kind, name := filepath.Split(strings.TrimPrefix(folder, "../examples/"))
		if kind != "resources/" && kind != "data-sources/" && kind != "functions/" {
			continue
		}
		planned++
		t.Run(kind+name, func(t *testing.T) {
			w := newWorkspace(t)
			w.write(providerBlock(bos))
			w.use(kind + name)
			w.plan().exits(t, 2)
		})
	}
	if planned == 0 {
		t.Error("no snippet was planned")
	}
}
