package sim

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// mostPhoneHomes is how often a node phones home that is answered that it proves nothing.
const mostPhoneHomes = 10

// proofs are what shows that nodes have booted, as a process asks for it.
type proofs struct{ p *process }

// state is what was true of a node at a time.
type state struct {
	is bos.ProofSight
	at time.Time
}

// inventoryLag is the longest that the inventory is behind.
const inventoryLag = time.Minute

// Probe asks for the proofs of boots: a port that answers while the node runs, or the
// state of the inventory, which is as old as the question before, but not too old.
func (o proofs) Probe(_ context.Context, asks []bos.ProofAsk, each func(bos.ProofReading)) {
	p, w := o.p, o.p.w
	p.sleep(w.delay())
	for _, ask := range asks {
		is := bos.ProofReading{ID: ask.ID, Proof: ask.Proof, Sight: bos.ProofAbsent, Asked: w.Now}
		node, _ := w.room.Node(ask.ID, w.Now)
		if node.Booted {
			is.Sight = bos.ProofPresent
		}
		if ask.Proof.Kind == bos.ProofReady {
			was := w.states[ask.ID]
			w.states[ask.ID] = state{is.Sight, w.Now}
			if w.Now.Sub(was.at) < inventoryLag {
				is.Sight = was.is
			}
		}
		switch {
		case ask.Proof.Kind == bos.ProofReady && w.out[HSM], w.chance(w.config.Faults.Refuse):
			is.Sight, is.Detail = bos.ProofUnknown, errOut.Error()
		case w.config.Bug == BugProofInvented:
			if is.Sight = bos.ProofPresent; !w.asked[ask.ID] {
				is.Sight, w.asked[ask.ID] = bos.ProofAbsent, true
			}
		default:
		}
		w.check.proof.answered(ask.ID, is.Sight)
		each(is)
	}
}

// proofCheck holds power actions against what was said of the proofs of boots.
type proofCheck struct {
	w *World
	// missing are the nodes whose proof was said to be missing while they were off,
	// before those of them that were then powered on, there those of these of which it
	// was said since that it is there.
	missing, before, there map[string]bool
}

func newProofCheck(w *World) proofCheck {
	return proofCheck{w: w, missing: make(map[string]bool), before: make(map[string]bool), there: make(map[string]bool)}
}

// forget forgets what was said of a node.
func (c proofCheck) forget(id string) {
	for _, of := range []map[string]bool{c.missing, c.before, c.there} {
		delete(of, id)
	}
}

// answered takes note of what is said of a proof.
func (c proofCheck) answered(id string, sight bos.ProofSight) {
	node, _ := c.w.room.Node(id, c.w.Now)
	switch {
	case sight == bos.ProofAbsent && node.Power == bos.PowerStateOff:
		c.missing[id] = true
	case sight == bos.ProofPresent && node.Booted && c.before[id]:
		c.there[id] = true
	}
}

// acts holds a power action against them: a node that runs what it shall, and is known
// to, is not reset.
func (c proofCheck) acts(kind bos.EffectKind, id string) {
	if kind == bos.EffectPowerOn {
		missing := c.missing[id]
		c.forget(id)
		c.before[id] = missing
		return
	}
	node, _ := c.w.room.Node(id, c.w.Now)
	if c.there[id] && node.Booted && decide.Matches(node.Artifacts, c.w.check.record(id).DesiredState.BootArtifacts) {
		c.w.violated("%s of %s, whose proof was missing before it was powered on, and is there", kind, id)
	}
	c.forget(id)
}

// leaveAtPowerOn takes the service away right after the first power-on.
func (w *World) leaveAtPowerOn(op bos.PowerOp) {
	if op != bos.PowerOn || w.config.AwayAtPowerOn == 0 || w.left {
		return
	}
	w.left = true
	w.happened(LeftAtPowerOn)
	w.after(0, func() { w.leave(w.config.AwayAtPowerOn) })
}

// mute reports whether a node has nothing in its image that reports: one in two where
// there is another proof.
func (w *World) mute(id string) bool {
	if w.config.Proof.Kind == "" {
		return false
	}
	h := fnv.New32a()
	h.Write([]byte(id)) //nolint:gosec // a hash takes everything
	return h.Sum32()%2 == 0
}

// phoneHome applies that a node says that it is up, as the API does.
func (w *World) phoneHome(rep machineroom.Report, again int) {
	if !w.room.Reporting(rep) || w.config.Proof.Kind != bos.ProofPhoneHome {
		return
	}
	retry := func() {
		if again++; again < mostPhoneHomes || w.serving() == nil {
			w.after(awayRetry, func() { w.phoneHome(rep, again) })
		}
	}
	if w.serving() == nil {
		retry()
		return
	}
	written, err := w.store.MutateComponents(w.ctx, []string{rep.Node}, func(r *bos.Record, exists bool) error {
		if !exists {
			return bos.ErrNotFound
		}
		before := r.ActualState
		if w.config.Bug == BugProofOfAnother && r.Enabled {
			r.ActualState.BootArtifacts, r.ActualState.BSSToken = r.DesiredState.BootArtifacts, r.DesiredState.BSSToken
		}
		next, err := decide.Proven(*r, w.wall())
		if err != nil {
			return err
		}
		if *r = next; r.ActualState != before {
			w.happened(PhonedHome)
			w.check.proven(next)
		}
		return nil
	})
	w.written++
	if err != nil {
		if !errors.Is(err, bos.ErrNotFound) && !slices.ContainsFunc(decide.UnprovenErrors(), func(of error) bool { return errors.Is(err, of) }) {
			w.violated("%s phones home: %s", rep.Node, err)
		}
		retry()
		return
	}
	w.wrote(shell.Change{Records: written})
}

// proven holds a node that something else than its report shows to have booted against
// what it runs.
func (c *checks) proven(r bos.Record) {
	truth, _ := c.w.room.Node(r.ID, c.w.Now)
	if !truth.Booted || !decide.Matches(truth.Artifacts, r.ActualState.BootArtifacts) {
		c.w.violated("%s is taken for booted with %+v and is %s with %+v", r.ID, r.ActualState.BootArtifacts, truth.Power, truth.Artifacts)
	}
}
