package decide_test

import (
	"errors"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// booting is a node that was powered on a minute ago for an image.
func bootingNode(now time.Time) bos.Record {
	var r bos.Record
	r.ID, r.Enabled, r.Goal = "x1c0s0b0n0", true, bos.GoalBoot
	r.DesiredState.BootArtifacts = bos.BootArtifacts{Kernel: "new", Initrd: "i"}
	r.DesiredState.BSSToken = "T2"
	r.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOn, At: now.Add(-time.Minute)}
	r.LastAction = bos.LastAction{Action: bos.ActionPoweringOn, LastUpdated: bos.At(now.Add(-time.Minute))}
	r.Status.Phase = bos.PhasePoweringOn
	return r
}

func TestAProofOfABootIsOfTheBootThatIsWaitedForOnly(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	old := bos.ActualState{BootArtifacts: bos.BootArtifacts{Kernel: "old"}, BSSToken: "T1"}
	for name, c := range map[string]struct {
		change func(*bos.Record)
		want   error
		proven bool
	}{
		"powered on":                        {func(*bos.Record) {}, nil, true},
		"the call not answered yet":         {func(r *bos.Record) { r.Work.Flight.Kind = bos.EffectPowerOn }, nil, true},
		"the state of before the power-on":  {func(r *bos.Record) { r.ActualState = old; r.ActualState.LastUpdated = bos.At(now.Add(-time.Hour)) }, nil, true},
		"not powered off yet":               {func(r *bos.Record) { r.Work.Attempt = bos.Attempt{} }, decide.ErrNotBooting, false},
		"being powered off":                 {func(r *bos.Record) { r.Work.Attempt.Kind = bos.EffectPowerOffGraceful }, decide.ErrNotBooting, false},
		"a power-on without effect":         {func(r *bos.Record) { r.Work.Attempt.Failed = true }, decide.ErrNotBooting, false},
		"it reported another image":         {func(r *bos.Record) { r.ActualState = old; r.ActualState.LastUpdated = bos.At(now) }, decide.ErrOtherBoot, false},
		"it reported that image":            {func(r *bos.Record) { r.ActualState.BootArtifacts = r.DesiredState.BootArtifacts }, nil, false},
		"not in work":                       {func(r *bos.Record) { r.Enabled = false }, nil, false},
		"to be off":                         {func(r *bos.Record) { r.Goal = bos.GoalOff }, nil, false},
		"to be configured":                  {func(r *bos.Record) { r.Goal = bos.GoalConfigure }, nil, false},
		"it reported another in the second": {func(r *bos.Record) { r.ActualState = old; r.ActualState.LastUpdated = r.LastAction.LastUpdated }, decide.ErrOtherBoot, false},
	} {
		r := bootingNode(now)
		c.change(&r)
		next, err := decide.Proven(r, now)
		if !errors.Is(err, c.want) || (next != r) != c.proven {
			t.Errorf("%s: %v, changed %t", name, err, next != r)
		}
		if c.proven && (next.ActualState.BootArtifacts != r.DesiredState.BootArtifacts || next.ActualState.BSSToken != "T2" || next.ActualState.LastUpdated != bos.At(now)) {
			t.Errorf("%s: %+v", name, next.ActualState)
		}
	}
}
