package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const whole = `
listen: 127.0.0.1:8770
database: /var/lib/bos/bos.db
public_url: https://bos.example
max_unreachable_time: 5m
max_setup_wait_time: 30m
inventory: { hsm: { url: "https://smd.example/hsm/v2", ca_file: ca.pem, token_file: /run/token } }
power:
  limits: { window: 30s, starts: 100, starts_per_cabinet: 20, actions: 400, actions_per_cabinet: 80 }
  pcs: { url: "http://pcs:28007/v1", token_env: TOKEN, task_deadline: 2m }
boot_parameters: { bss: { url: "http://bss:27778/boot/v1", token_command: [get-token, --quiet] } }
configuration: { cfs: { url: "http://cfs:9000/v3" } }
artifacts:
  s3: { endpoint: "http://rgw:8080", access_key_env: A, secret_key_env: B, session_token_file: t, ca_file: ca.pem, region: eu-west-1, virtual_hosts: true, buckets: [boot-images, other/prefix/] }
  http: { prefixes: ["https://images.example/boot/"] }
  files: { root: /srv/images }
images: { ims: { url: "http://ims:9000/v3" } }
tenants: { tapms: { url: "http://tapms:2875/v1alpha3" } }
`

func TestEverySettingIsRead(t *testing.T) {
	got, err := load(t, whole)
	want := Config{
		Listen: "127.0.0.1:8770", PublicURL: "https://bos.example", Database: "/var/lib/bos/bos.db", MaxUnreachable: 5 * time.Minute, MaxSetupWait: 30 * time.Minute,
		Inventory:      Inventory{HSM: &Upstream{URL: "https://smd.example/hsm/v2", CAFile: "ca.pem", TokenFile: "/run/token"}},
		Power:          Power{PCS: &PCS{Upstream: Upstream{URL: "http://pcs:28007/v1", TokenEnv: "TOKEN"}, TaskDeadline: 2 * time.Minute}, Limits: PowerLimits{30 * time.Second, 100, 20, 400, 80}},
		BootParameters: BootParameters{BSS: &Upstream{URL: "http://bss:27778/boot/v1", TokenCommand: []string{"get-token", "--quiet"}}},
		Configuration:  Configuration{CFS: &Upstream{URL: "http://cfs:9000/v3"}},
		Artifacts: Artifacts{
			S3: &S3{
				Endpoint: "http://rgw:8080", AccessKeyEnv: "A", SecretKeyEnv: "B", SessionTokenFile: "t",
				CAFile: "ca.pem", Region: "eu-west-1", VirtualHosts: true, Buckets: []string{"boot-images", "other/prefix/"},
			},
			HTTP:  &HTTP{Prefixes: []string{"https://images.example/boot/"}},
			Files: &Files{Root: "/srv/images"},
		},
		Images:  Images{IMS: &Upstream{URL: "http://ims:9000/v3"}},
		Tenants: Tenants{TAPMS: &Upstream{URL: "http://tapms:2875/v1alpha3"}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestAnEmptyFileIsAServiceWithoutUpstreams(t *testing.T) {
	if c, err := load(t, ""); err != nil || c.Inventory.HSM != nil {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestWhatIsUnknownOrWrongIsNamed(t *testing.T) {
	hsm := "inventory: { hsm: { url: 'http://hsm' } }\n"
	for text, want := range map[string]string{
		"inventroy: {}":                                                                         "inventroy",
		"power: { limits: { window: 2h } }":                                                     "power.limits.window 2h0m0s",
		"power: { limits: { starts_per_cabinet: -1 } }":                                         "power.limits.starts_per_cabinet -1",
		"power: { pcs: { url: 'http://pcs', retries: 3 } }":                                     "retries",
		"Listen: here":                                                                          "Listen",
		"listen: [a]":                                                                           "bos.yaml:1: here is a list; it should be text",
		"inventory: { hsm: { url: 'http://u:secret@hsm' } }":                                    "inventory.hsm.url holds a user",
		"inventory: { hsm: { url: hsm:80 } }":                                                   "inventory.hsm.url",
		"inventory: { notifications: 'http://bos' }":                                            "inventory.notifications needs inventory.hsm",
		"inventory: { hsm: {} }":                                                                "inventory.hsm.url is missing",
		"inventory: { hsm: { url: 'http://hsm', token_env: A, token_file: b } }":                "inventory.hsm.token_env and inventory.hsm.token_file",
		hsm + "inventory: { file: nodes.yaml }":                                                 "inventory",
		"inventory: { file: nodes.yaml, hsm: { url: 'http://hsm' } }":                           "inventory.hsm and inventory.file are both set",
		hsm + "power: { redfish: {}, pcs: { url: 'http://pcs' } }":                              "power.redfish and power.pcs are both set",
		"tenants: { file: t.yaml }\nartifacts: { s3: { endpoint: 'http://rgw' } }":              "artifacts.s3.buckets is missing, which tenants need",
		"artifacts: { s3: { endpoint: 'http://rgw', buckets: ['s3://boot-images'] } }":          "artifacts.s3.buckets: \"s3://boot-images\" is no bucket",
		"artifacts: { s3: { endpoint: 'http://rgw', buckets: [a/../b] } }":                      "artifacts.s3.buckets: \"a/../b\" is no bucket",
		"power: { redfish: {} }":                                                                "power.redfish needs inventory.hsm, inventory.inventory_service or inventory.file",
		"inventory: { hsm: { url: 'http://a' }, inventory_service: { url: 'http://b' } }":       "inventory.hsm and inventory.inventory_service are both set",
		"inventory: { file: a, inventory_service: { url: 'http://b' } }":                        "inventory.inventory_service and inventory.file are both set",
		"inventory: { inventory_service: {} }":                                                  "inventory.inventory_service.url is missing",
		"inventory: { inventory_service: { url: 'http://b' }, notifications: 'http://bos' }":    "inventory-service sends none",
		"boot_parameters: { bss: { url: 'http://a' }, bootservice: { url: 'http://b' } }":       "boot_parameters has both bss and bootservice",
		"boot_parameters: { builtin: {}, bootservice: { url: 'http://b' } }":                    "boot_parameters has both bootservice and builtin",
		"boot_parameters: { bootservice: {} }":                                                  "boot_parameters.bootservice.url is missing",
		"boot_parameters: { bootservice: { url: 'http://b/boot/v1/' } }":                        "is the path of BSS",
		"boot_parameters: { bootservice: { url: 'http://b', artifacts_url: 'http://s3?a=b' } }": "boot_parameters.bootservice.artifacts_url",
		"boot_parameters: { bootservice: { url: 'http://b', token_env: A, token_file: b } }":    "boot_parameters.bootservice.token_env",
		"power: { pcs: { url: 'http://pcs' } }":                                                 "power.pcs needs inventory.hsm, inventory.inventory_service or inventory.file",
		hsm + "power: { pcs: { url: 'http://pcs', task_deadline: 30s } }":                       "task_deadline",
		hsm + "power: { redfish: { credentials: { password_env: A, password_file: b } } }":      "password_env and power.redfish.credentials.password_file",
		hsm + "power: { redfish: { events: 'bos:8770' } }":                                      "power.redfish.events",
		"configuration: { cfs: { url: 'http://cfs' } }":                                         "configuration.cfs needs",
		"artifacts: { s3: {} }":                                                                 "artifacts.s3.endpoint",
		"artifacts: { files: { root: images } }":                                                "artifacts.files.root",
		"artifacts: { http: {} }":                                                               "artifacts.http.prefixes",
		"artifacts: { http: { prefixes: ['https://images.example/boot'] } }":                    "slash",
		"tenants: { file: t.yaml, tapms: { url: 'http://tapms' } }":                             "tenants.tapms and tenants.file",
		"max_unreachable_time: -1m":                                                             "max_unreachable_time",
	} {
		_, err := load(t, text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret@") {
			t.Errorf("a password is in %v", err)
		}
	}
}

func TestTheEnvironmentGoesBeforeTheFile(t *testing.T) {
	t.Setenv("BOS_POWER_PCS_URL", "http://other:28007/v1")
	t.Setenv("BOS_POWER_PCS_TASK_DEADLINE", "3m")
	t.Setenv("BOS_ARTIFACTS_HTTP_PREFIXES", "http://a/,http://b/")
	t.Setenv("BOS_ENDPOINT", "of the provider")
	c, err := load(t, whole)
	if err != nil || c.Power.PCS.URL != "http://other:28007/v1" || c.Power.PCS.TaskDeadline != 3*time.Minute || c.Power.PCS.TokenEnv != "TOKEN" {
		t.Errorf("%+v, %v", c.Power.PCS, err)
	}
	if diff := cmp.Diff([]string{"http://a/", "http://b/"}, c.Artifacts.HTTP.Prefixes); diff != "" {
		t.Error(diff)
	}
}

func TestTheEnvironmentAloneIsEnough(t *testing.T) {
	for name, value := range map[string]string{
		"BOS_INVENTORY_HSM_URL": "http://hsm", "BOS_POWER_REDFISH_INSECURE": "true", "BOS_POWER_REDFISH_NETWORKS": "10.1.0.0/16,fd00::/8", "BOS_POWER_REDFISH_SESSIONS": "true", "BOS_POWER_REDFISH_CREDENTIALS_USER": "root",
		"BOS_BOOT_PARAMETERS_BUILTIN_PRESIGN": "false", "BOS_MAX_UNREACHABLE_TIME": "1m", "BOS_LISTEN": "127.0.0.1:1",
	} {
		t.Setenv(name, value)
	}
	c, err := FromEnvironment()
	if err != nil || c.Inventory.HSM.URL != "http://hsm" || !c.Power.Redfish.Insecure || !c.Power.Redfish.Sessions || c.Power.Redfish.Credentials.User != "root" ||
		*c.BootParameters.Builtin.Presign || c.MaxUnreachable != time.Minute || c.Listen != "127.0.0.1:1" {
		t.Errorf("%+v, %v", c, err)
	}
	t.Setenv("BOS_MAX_UNREACHABLE_TIME", "soon")
	if _, err := FromEnvironment(); err == nil || !strings.Contains(err.Error(), "BOS_MAX_UNREACHABLE_TIME") || !strings.Contains(err.Error(), "soon") {
		t.Errorf("got %v", err)
	}
}

func TestASecretIsReadFromWhereItIs(t *testing.T) {
	t.Setenv("SECRET", "from the environment")
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from a file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]SecretSource{
		"":                     {},
		"from the environment": {Env: "SECRET"},
		"from a file":          {File: file},
		"from a command":       {Command: []string{"echo", "from a command"}},
	} {
		if got, err := s.Read(); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	for want, s := range map[string]SecretSource{
		"a.password_env names the environment variable NOT_THERE": {What: "a.password", Env: "NOT_THERE"},
		"a.password_file:":                     {What: "a.password", File: file + "x"},
		"a.password_command false failed":      {What: "a.password", Command: []string{"false"}},
		"a.password_command true printed":      {What: "a.password", Command: []string{"true"}},
		"a.password_command:":                  {What: "a.password", Command: []string{"/no/such/command"}},
		"a.password_env and a.password_file":   {What: "a.password", Env: "SECRET", File: file},
		"are both set":                         {What: "a.password", Env: "SECRET", Command: []string{"echo"}},
		"a.password_command sh failed: exit s": {What: "a.password", Command: []string{"sh", "-c", "echo hidden; exit 3"}},
	} {
		if _, err := s.Read(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestACommandThatFailsForWantOfAVariableIsToldWithTheSettingThatNamesIt(t *testing.T) {
	t.Setenv("VAULT_TOKEN", "hunter2")
	c, err := load(t, "command_environment: [VAULT_ADDR]")
	if err != nil {
		t.Fatal(err)
	}
	s := SecretSource{What: "a.password", Command: []string{"sh", "-c", "test -n \"$VAULT_TOKEN\" && echo x"}}
	if _, err = c.Commanded(s).Read(); err == nil || !strings.Contains(err.Error(), "with PATH") || !strings.Contains(err.Error(), "command_environment") || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	c.CommandEnvironment = append(c.CommandEnvironment, "VAULT_TOKEN")
	if got, err := c.Commanded(s).Read(); got != "x" || err != nil {
		t.Error(got, err)
	}
	if _, err := load(t, "command_environment: [VAULT_TOKEN=hunter2]"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

func TestWhatACommandPrintedIsUsedForAWhileAndAFileIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	count := SecretSource{Command: []string{"sh", "-c", "echo x >> " + dir + "/n; wc -l < " + dir + "/n"}}.Cached()
	first, err := count()
	if second, _ := count(); err != nil || first != second {
		t.Errorf("%q then %q, %v", first, second, err)
	}
	file := filepath.Join(dir, "secret")
	read := SecretSource{File: file}.Cached()
	for _, want := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := read(); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

func TestWhatACommandPrintedAndWasRefusedIsPrintedAnewAndNotAtEachRefusal(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	runs := 0
	p := &printed{now: func() time.Time { return now }, run: func() (string, error) { runs++; return fmt.Sprint("token-", runs), nil }}
	reads := func(want string) {
		t.Helper()
		if got, err := p.read(); got != want || err != nil {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	reads("token-1")
	p.refused("token-1") // just printed: it is not too old
	reads("token-1")
	now = now.Add(refusedAge)
	p.refused("another")
	reads("token-1")
	p.refused("token-1")
	reads("token-2")
	for range 100 { // requests that were under way with the old one, and with the new
		p.refused("token-1")
		p.refused("token-2")
		reads("token-2")
	}
	now = now.Add(commandTTL)
	reads("token-3")
	now = now.Add(-time.Hour) // a clock that was set back
	reads("token-4")
}

// TestACommandThatFailsIsNotRunForEachRequest: those who wait run one after the other,
// and of 64 requests the last waited for 64 failures.
func TestACommandThatFailsIsNotRunForEachRequest(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	runs, works := 0, false
	p := &printed{now: func() time.Time { return now }, run: func() (string, error) {
		runs++
		now = now.Add(10 * time.Second) // it takes long, and the pause counts from its end
		if works {
			return "token", nil
		}
		return "", errors.New("the vault is sealed")
	}}
	for range 64 {
		if got, err := p.read(); got != "" || err == nil || !strings.Contains(err.Error(), "sealed") {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if runs != 1 {
		t.Errorf("it ran %d times", runs)
	}
	works, now = true, now.Add(failedAge)
	if got, err := p.read(); got != "token" || err != nil || runs != 2 {
		t.Errorf("when it works again: %q, %v, after %d runs", got, err, runs)
	}
	works, now = false, now.Add(commandTTL)
	_, first := p.read()
	now = now.Add(-time.Hour) // a clock that was set back
	if _, err := p.read(); first == nil || err == nil || runs != 4 {
		t.Errorf("%v, %v, after %d runs", first, err, runs)
	}
}
