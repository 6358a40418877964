package sim

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// soon is within what time a client takes a node over whose BMC has just accepted a power
// action, and may tell the power of before yet.
const soon = 1500 * time.Millisecond

// takeOver has a client want something else of a node right after its BMC has accepted a
// power action, by chance: what the node does next is not what is wanted by then.
func (w *World) takeOver(op bos.PowerOp, id string) {
	if !w.chance(w.config.TakeOver) {
		return
	}
	on, kind := op == bos.PowerOn, w.rng.IntN(4)
	w.after(time.Duration(w.rng.Int64N(int64(soon))), func() {
		if !w.faulty || w.serving() == nil {
			return
		}
		w.happened(TakenUnseen)
		switch {
		case !on:
			w.want(id, true)
		case kind == 0 && w.sessions < maxSessions:
			w.createSession(request{op: bos.OperationShutdown, limit: id})
		case kind == 1 && w.sessions < maxSessions:
			w.createSession(request{op: bos.OperationConfigure, limit: id})
		case kind == 2 && w.deleteOne(id):
			w.want(id, false)
		default:
			w.want(id, false)
		}
	})
}

// want has a client want a node by hand, without a session: as it is, running what it was
// last known to run, or off.
func (w *World) want(id string, running bool) {
	written, err := w.store.MutateComponents(w.ctx, []string{id}, func(r *bos.Record, _ bool) error {
		var a bos.BootArtifacts
		if running {
			if a = r.ActualState.BootArtifacts; a.Empty() {
				return bos.ErrSkip
			}
		}
		enabled, configuration := true, ""
		bos.ComponentPatch{Enabled: &enabled, DesiredState: &bos.DesiredPatch{
			BootArtifacts: &bos.ArtifactsPatch{Kernel: &a.Kernel, Initrd: &a.Initrd, KernelParameters: &a.KernelParameters}, Configuration: &configuration,
		}}.Apply(r, nil, w.wall())
		return nil
	})
	if err != nil {
		w.violated("want: %s", err)
	}
	if len(written) == 0 {
		return
	}
	w.check.arm([]string{id})
	w.check.byHand[id] = true
	w.wrote(shell.Change{Records: written})
}

// endsOff holds a node that counts as off against the room: one that comes on right after
// is not.
func (c *checks) endsOff(r bos.Record) {
	truth, _ := c.w.room.Node(r.ID, c.w.Now)
	off := truth.Power == bos.PowerStateOff
	switch {
	case r.Excluded() && r.Work.Cause == bos.CausePoweredOff && !off && truth.Power != bos.PowerStatePoweringOff:
		c.w.violated("%s is left out as it is off, and is %s", r.ID, truth.Power)
	case !r.Excluded() && r.Goal == bos.GoalOff && !off:
		c.w.violated("%s counts as off and is %s", r.ID, truth.Power)
	default:
	}
}

// forgetsUnseen makes the mistakes that concern power actions that have not shown.
func (w *World) forgetsUnseen(r *bos.Record) (spoilt bool) {
	if w.config.Bug != BugForgetsUnseen || r.Work.Unseen.Kind == bos.EffectNone {
		return false
	}
	r.Work.Unseen = bos.Unseen{}
	return true
}

// forgetDeparted has nothing remembered of a component that is deleted.
func (w *World) forgetDeparted(id string) {
	if w.config.Bug != BugForgetsDeparted {
		return
	}
	_, err := w.store.MutateComponents(w.ctx, []string{id}, func(r *bos.Record, exists bool) error {
		if !exists {
			return bos.ErrSkip
		}
		r.Work.Unseen = bos.Unseen{}
		return nil
	})
	if err != nil {
		w.violated("forget: %s", err)
	}
}
