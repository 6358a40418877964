package provider

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestWhatBOSDidAndCountsIsFoldedIntoATextEach(t *testing.T) {
	t.Parallel()
	at := bos.At(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))
	for want, did := range map[string]bos.LastAction{
		"":                                   {},
		"powering_on at 2026-01-31T12:00:00": {Action: bos.ActionPoweringOn, LastUpdated: at},
		"powering_on at 2026-01-31T12:00:00, without effect": {Action: bos.ActionPoweringOn, LastUpdated: at, Failed: true},
	} {
		c := bos.Component{LastAction: did}
		c.EventStats.PowerOnAttempts, c.EventStats.PowerOffForcefulAttempts = 2, 1
		m := observedResource(types.StringNull(), types.StringValue("x0c0s0b0n0"), c, bos.Brake{})
		if got := m.LastAction.ValueString(); got != want {
			t.Errorf("it did %q instead of %q", got, want)
		}
		if got := m.EventStats.ValueString(); got != "2 power on, 0 graceful off, 1 forceful off" {
			t.Errorf("it counts %q", got)
		}
	}
}
