package service

import (
	"context"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// noPower stands in where no power control is configured: it knows no node.
type noPower struct{}

func powerOrNone(p bos.Power) bos.Power {
	if p == nil {
		return noPower{}
	}
	return p
}

const noPowerText = "this service has no power control; configure power.redfish or power.pcs"

// Probe answers that no node is known.
func (noPower) Probe(_ context.Context, ids []string, each func(bos.PowerReading)) {
	for _, id := range ids {
		each(bos.PowerReading{ID: id, Cause: bos.CauseUnknownToPower, Detail: noPowerText})
	}
}

// Apply refuses every operation.
func (noPower) Apply(_ context.Context, _ bos.PowerOp, ids []string, each func(bos.CallResult)) {
	for _, id := range ids {
		each(bos.CallResult{ID: id, Outcome: bos.CallRefused, Cause: bos.CauseUnknownToPower, Detail: noPowerText})
	}
}

// noBoot stands in where no boot parameter service is configured.
type noBoot struct{}

func bootOrNone(b bos.BootParameters) bos.BootParameters {
	if b == nil {
		return noBoot{}
	}
	return b
}

// Write refuses.
func (noBoot) Write(context.Context, []string, bos.BootArtifacts) (string, error) {
	return "", &bos.CallError{
		Outcome: bos.CallRefused, Cause: bos.CauseBootParameters,
		Detail: "this service has no boot parameter service; configure boot_parameters.bss or boot_parameters.builtin",
	}
}
