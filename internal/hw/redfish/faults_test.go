package redfish_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// faulty starts a room with its first node on, which then has a fault.
func faulty(t *testing.T, rules ...fault.Rule) (*emulator.Server, *redfish.Client) {
	t.Helper()
	s, c := startRoom(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 2}}, redfish.Config{})
	wantResult(t, apply(t.Context(), t, c, bos.PowerOn, first).results[first], bos.CallDone, bos.CauseNone)
	becomes(t, c, first, bos.PowerStateOn)
	if err := s.Room().AddFaults(time.Now(), rules...); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestWhatGoesWrongOverAGracefulPowerOffIsToldAsItIs(t *testing.T) {
	for kind, want := range map[fault.Kind]struct {
		outcome bos.CallOutcome
		cause   bos.Cause
		says    string
	}{
		fault.NotReady: {bos.CallBusy, bos.CauseNotReady, "iDRAC is not ready"},
		fault.Break:    {bos.CallUnknown, bos.CauseResetUnconfirmed, "500"},
		fault.Cut:      {bos.CallUnknown, bos.CauseResetUnconfirmed, "broke"},
		fault.Refuse:   {bos.CallBusy, bos.CauseBMCError, "503"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s, c := faulty(t, fault.Rule{Fault: kind, Nodes: first, Resets: "graceful", Times: 1})
			wantResult(t, apply(t.Context(), t, c, bos.PowerSoftOff, first).results[first], want.outcome, want.cause, want.says)
			becomes(t, c, first, bos.PowerStateOn)
			wantResult(t, apply(t.Context(), t, c, bos.PowerSoftOff, first).results[first], bos.CallDone, bos.CauseNone)
			becomes(t, c, first, bos.PowerStateOff)
			if got := resetsOf(s, first); len(got) != 2 || got[1] != "GracefulShutdown" {
				t.Errorf("resets %v", got)
			}
		})
	}
}
