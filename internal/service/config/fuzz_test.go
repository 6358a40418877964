package config

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzSettings reads any file: it is refused in words, or what it says belongs
// together.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{
		"", "listen: 127.0.0.1:1\n", "boot_parameters: { builtin: { presign_ttl: 1h } }", "inventory: { hsm: { url: 'http://smd/hsm/v2' } }",
		keys, "a: &a [*a]", "max_unreachable_time: -5m", "max_unreachable_time: 99999999999h", "power: [", "\xff", "? {}\n: 1", "listen: !!binary aGk=",
	} {
		f.Add([]byte(s))
	}
	name := filepath.Join(f.TempDir(), "bos.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(name)
		if err != nil {
			if err.Error() == "" {
				t.Error("refused without a word")
			}
			return
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%q was taken and is not valid: %v", text, err)
		}
	})
}
