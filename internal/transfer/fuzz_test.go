package transfer

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzImportFile reads any file: it is refused in words, or all that is in it
// has a name, and templates have boot sets.
func FuzzImportFile(f *testing.F) {
	for _, s := range []string{
		`[{"name":"t","boot_sets":{"c":{"path":"p","type":"s3","node_list":["x1"]}},"links":[]}]`,
		`{"boot_sets":{"c":{"path":"p","type":"s3","node_groups":["g"],"rootfs_provider":"cpss3"}},"enable_cfs":true,"cfs":{"configuration":"c"}}`,
		`{"session_templates":[],"options":{"polling_frequency":15,"max_boot_wait_time":-1}}`,
		`{"polling_frequency":15}`, `[]`, `[null]`, `{"boot_sets":7}`, `{"options":[]}`, `{"boot_sets":{"c":null}}`, "\xff", `[[{"boot_sets":{}}]]`,
	} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(dir, "site.json")
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := Read([]string{name}, "")
		if err != nil {
			if err.Error() == "" {
				t.Error("refused without a word")
			}
			return
		}
		for _, template := range in.Templates {
			if template.Name == "" || len(template.BootSets) == 0 || template.Source == "" {
				t.Errorf("%q gave the template %+v", text, template)
			}
		}
		if in.Options != nil {
			if err := in.Options.Validate(); err != nil {
				t.Errorf("%q gave options that no service takes: %v", text, err)
			}
		}
	})
}
