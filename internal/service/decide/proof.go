package decide

import (
	"errors"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// ErrNotBooting is why a proof of a boot is not taken: it would be one of the boot
// before.
var ErrNotBooting = errors.New("BOS has not powered it on yet for what it is to boot, so this can only be of the boot before; say it again when the node is up")

// ErrOtherBoot is why a proof of a boot is not taken: the node has said itself what it
// booted.
var ErrOtherBoot = errors.New("the node has reported that it booted something else than it should, which nobody knows better")

// Proven is the record of a node that something else than its report shows to have
// booted: it runs what it was powered on for. This must be known to have been seen
// after the power-on, before which the node was off. A node that nothing is waited for
// is left as it is.
func Proven(r bos.Record, wall time.Time) (bos.Record, error) {
	switch {
	case !r.Enabled || r.Goal != bos.GoalBoot:
		return r, nil
	case !r.Work.Called(bos.EffectPowerOn):
		return r, ErrNotBooting
	case runs(r):
		return r, nil
	case reportedSince(r):
		return r, ErrOtherBoot
	}
	r.ActualState = bos.ActualState{
		BootArtifacts: r.DesiredState.BootArtifacts, BSSToken: r.DesiredState.BSSToken, LastUpdated: bos.At(wall),
	}
	return r, nil
}

// reportedSince reports whether the actual state is of the boot under way: dates have
// whole seconds, and one of the same second is.
func reportedSince(r bos.Record) bool {
	return !r.ActualState.BootArtifacts.Empty() && !r.ActualState.LastUpdated.Before(r.LastAction.LastUpdated.Time)
}
