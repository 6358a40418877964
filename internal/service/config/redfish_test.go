package config

import (
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
