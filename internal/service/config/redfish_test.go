package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheTimeoutsOfBMCsAreSettings(t *testing.T) {
	const site = "inventory: { hsm: { url: 'http://hsm' } }\n"
	c, err := load(t, site+"power: { redfish: { connect_timeout: 2s, tls_timeout: 15s, read_timeout: 40s, reset_timeout: 90s } }")
	if r := c.Power.Redfish; err != nil || r.ConnectTimeout != 2*time.Second || r.TLSTimeout != 15*time.Second || r.ReadTimeout != 40*time.Second || r.ResetTimeout != 90*time.Second {
		t.Errorf("%+v, %v", c.Power.Redfish, err)
	}
	for _, wrong := range []string{"connect_timeout: -1s", "tls_timeout: 6m", "read_timeout: 1h", "reset_timeout: -3s"} {
		name, _, _ := strings.Cut(wrong, ":")
		if _, err := load(t, site+"power: { redfish: { "+wrong+" } }"); err == nil || !strings.Contains(err.Error(), "power.redfish."+name) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestSomeBMCsHaveSettingsOfTheirOwn(t *testing.T) {
	const site = "inventory: { hsm: { url: 'http://hsm' } }\n"
	pin := strings.Repeat("ab:", 31) + "ab"
	c, err := load(t, site+`power: { redfish: { networks: [10.1.0.0/16, "fd00::1"], concurrency: 32, reserve: true, next_password_file: /n, bmcs: [
  { names: "x3000c0s[1-2]b0", credentials: { user: admin, password_env: ADMIN }, sessions: true, read_timeout: 45s },
  { names: X3000c0s03b0n0, tls: legacy, certificate_sha256: "`+pin+`" } ] } }`)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Power.Redfish
	networks, err := r.Prefixes()
	if err != nil || len(networks) != 2 || networks[1].String() != "fd00::1/128" || r.Concurrency != 32 || !r.Reserve || r.NextPassword().File != "/n" {
		t.Errorf("%v, %v, %d", networks, err, r.Concurrency)
	}
	first, _ := r.BMCs[0].Xnames()
	second, _ := r.BMCs[1].Xnames()
	if strings.Join(first, " ") != "x3000c0s1b0 x3000c0s2b0" || strings.Join(second, " ") != "x3000c0s3b0" || !*r.BMCs[0].Sessions || r.BMCs[1].TLS != TLSLegacy {
		t.Errorf("%v, %v, %+v", first, second, r.BMCs)
	}
	for wrong, want := range map[string]string{
		"next_password_env: A, next_password_file: b":                   "power.redfish.next_password_env and power.redfish.next_password_file",
		"networks: [bmc.example]":                                       "power.redfish.networks: \"bmc.example\"",
		"insecure: true":                                                "power.redfish.insecure needs power.redfish.networks",
		"concurrency: -1":                                               "power.redfish.concurrency -1",
		"bmcs: [{ tls: legacy }]":                                       "power.redfish.bmcs[0].names is missing",
		"bmcs: [{ names: x3000c0 }]":                                    "\"x3000c0\" is no xname of a BMC",
		"bmcs: [{ names: x1c0s0b0, tls: '1.0' }]":                       "power.redfish.bmcs[0].tls is \"1.0\"",
		"bmcs: [{ names: x1c0s0b0, read_timeout: 10m }]":                "power.redfish.bmcs[0].read_timeout 10m0s",
		"bmcs: [{ names: x1c0s0b0, certificate_sha256: ab }]":           "power.redfish.bmcs[0].certificate_sha256",
		"bmcs: [{ names: x1c0s0b0, credentials: { user: u } }]":         "power.redfish.bmcs[0].credentials",
		"bmcs: [{ names: x1c0s0b0, credentials: { password_env: P } }]": "power.redfish.bmcs[0].credentials",
		"bmcs: [{ names: x1c0s0b0 }, { names: 'x1c0s[0-3]b0' }]":        "both name x1c0s0b0",
	} {
		if _, err := load(t, site+"power: { redfish: { "+wrong+" } }"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", wrong, err, want)
		}
	}
}

func TestPinsAreReadFromAFileWithTheLineInEachError(t *testing.T) {
	pin := strings.Repeat("AB", 32)
	name := filepath.Join(t.TempDir(), "pins")
	for text, want := range map[string]string{
		"# of March\nx3000c0s01b0 " + pin + "\n\nX3000c0s2b0  " + pin + "\n": "",
		"x3000c0s1b0 " + pin + " x\n":                                        ":1: there are 3 words",
		"\nx3000c0s1 " + pin:                                                 ":2: \"x3000c0s1\" is no xname of a BMC",
		"x3000c0s1b0 abc":                                                    ":1: \"abc\" is no SHA-256",
		"x3000c0s1b0 " + pin + "\nx3000c0s1b0 " + strings.Repeat("cd", 32):   ":2: x3000c0s1b0 has another one above",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		pins, err := Redfish{PinsFile: name}.Pins()
		if want == "" && (err != nil || len(pins) != 2 || pins["x3000c0s1b0"] != strings.ToLower(pin)) {
			t.Errorf("%v, %v", pins, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), name+want)) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestNumbersAreReadFromTheEnvironment(t *testing.T) {
	t.Setenv("BOS_INVENTORY_HSM_URL", "http://hsm")
	t.Setenv("BOS_POWER_REDFISH_CONCURRENCY", "64")
	t.Setenv("BOS_POWER_LIMITS_STARTS", "10")
	c, err := FromEnvironment()
	if err != nil || c.Power.Redfish.Concurrency != 64 || c.Power.Limits.Starts != 10 {
		t.Errorf("%+v, %v", c.Power, err)
	}
	t.Setenv("BOS_POWER_LIMITS_STARTS", "many")
	if _, err := FromEnvironment(); err == nil || !strings.Contains(err.Error(), "BOS_POWER_LIMITS_STARTS") {
		t.Errorf("%v", err)
	}
}
