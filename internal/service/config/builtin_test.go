package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func load(t *testing.T, text string) (Config, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "bos.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(name)
}

const keys = "artifacts: { s3: { endpoint: 'http://rgw:8080', access_key_env: A, secret_key_env: B } }\n"

func TestTheBuiltInEndpointNeedsNoSetting(t *testing.T) {
	c, err := load(t, "boot_parameters: { builtin: {} }")
	if err != nil || c.BootParameters.Builtin == nil {
		t.Fatalf("%+v, %v", c.BootParameters, err)
	}
}

func TestLinksAreSignedWhereThereAreKeysAndNoOtherAddress(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"builtin: {}": time.Hour,
		"builtin: { artifacts_url: 'http://cache' }":                0,
		"builtin: { artifacts_url: 'http://cache', presign: true }": time.Hour,
		"builtin: { presign: false }":                               0,
		"builtin: { presign_ttl: 10m }":                             10 * time.Minute,
	} {
		c, err := load(t, keys+"boot_parameters: { "+text+" }")
		if err != nil {
			t.Fatal(err)
		}
		if got := c.BootParameters.Builtin.Signs(true); got != want {
			t.Errorf("%s: links are good for %s, want %s", text, got, want)
		}
	}
	if got := (Builtin{}).Signs(false); got != 0 {
		t.Errorf("without keys links are signed for %s", got)
	}
}

func TestAWrongSettingOfTheBuiltInEndpointIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"boot_parameters: { builtin: {}, bss: { url: 'http://bss' } }":          "both bss and builtin",
		"boot_parameters: { builtin: { presign: true } }":                       "artifacts.s3",
		"boot_parameters: { builtin: { url: 'bos:8771' } }":                     "builtin.url",
		"boot_parameters: { builtin: { artifacts_url: 'http://u:p@cache' } }":   "builtin.artifacts_url",
		keys + "boot_parameters: { builtin: { presign_ttl: -1h } }":             "presign_ttl",
		"boot_parameters: { builtin: { tokens: shown } }":                       "tokens",
		"boot_parameters: { builtin: { url: 'http://bos/boot/v1?name=x1' } }\n": "builtin.url",
	} {
		_, err := load(t, text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "u:p@") {
			t.Errorf("the password is in %v", err)
		}
	}
}
