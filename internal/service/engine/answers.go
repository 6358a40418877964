package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// sight takes a power reading in, for the node and for what is known of its BMC.
func (e *Engine) sight(r bos.PowerReading) {
	bad := r.State == bos.PowerStateUnknown || r.State == bos.PowerStatePoweringOff
	delete(e.asked, r.ID)
	e.room.see(r, e.step.now)
	n, ok := e.nodes[r.ID]
	if !ok {
		return
	}
	n.watch.power.out = false
	e.step.touched[r.ID] = true
	if r.Asked.Before(n.since) {
		return
	}
	n.silence.add(bad, e.step.now, 2*e.room.fresh)
	if decide.DefersByInability(r.Undone) {
		e.room.setDeferring(r.ID, true, e.step.now)
	}
	action := n.rec.Work.Attempt.Kind
	if o, ok := outcomeOf(n, r); ok && e.pacer.learn(action, o) {
		e.learned(action)
	}
	n.reading = r
	n.darken(r)
	if r.State == bos.PowerStateOn {
		n.seenOn = r.Asked
	}
}

// darken takes note of since when the node is off, for all that its readings say.
func (n *node) darken(r bos.PowerReading) {
	switch r.State {
	case bos.PowerStateOff:
		if n.offSince.IsZero() {
			n.offSince = r.Asked
		}
		if n.firstOff.IsZero() {
			n.firstOff = r.Asked
		}
	case bos.PowerStateUnknown:
		n.offSince = time.Time{}
	default:
		n.offSince, n.firstOff = time.Time{}, time.Time{}
	}
}

// fetched takes note that a node was given its boot script. That it cannot load what
// the script names is shown at once.
func (e *Engine) fetched(f bos.ScriptFetch) {
	n, ok := e.nodes[f.Host]
	if !ok {
		return
	}
	if n.trail.Last.Before(n.rec.Work.Attempt.At) {
		n.trail = bos.Trail{} // of what it booted before it was powered on
	}
	n.trail = n.trail.Add(f, e.step.now)
	if f.Again && n.trail.Again == 1 {
		e.step.touched[f.Host] = true
	}
}

// sightConfiguration takes an answer of the configuration service in.
func (e *Engine) sightConfiguration(r bos.ConfigurationReading) {
	n, ok := e.nodes[r.ID]
	if !ok {
		return
	}
	n.watch.configured.out = false
	e.step.touched[r.ID] = true
	if r.Asked.Before(n.since) {
		return
	}
	e.learnConfiguration(n, r)
	n.missing.add(r.Missing, e.step.now, 2*max(e.policy.Polling, time.Second))
	n.configuration = r
}

// sightProof takes in what was seen of the proof of a boot.
func (e *Engine) sightProof(r bos.ProofReading) {
	n, ok := e.nodes[r.ID]
	if !ok {
		return
	}
	n.watch.proof.out = false
	e.step.touched[r.ID] = true
	if !r.Asked.Before(n.since) {
		n.proof = r
	}
}

// settle takes the answer to an effect in.
func (e *Engine) settle(r Result) {
	if e.inFlight[r.ID] == r.Effect.Kind { // else it is of an earlier call, told to an engine that starts
		delete(e.inFlight, r.ID)
	}
	if r.Effect.Kind.PowerOp() != "" {
		e.ramp.landed(r.ID, r.Outcome != bos.CallNotAttempted, e.step.now)
		e.room.setDeferring(r.ID, decide.DefersByInability(r.CallResult), e.step.now)
		e.room.answered(r.CallResult, e.step.now)
	}
	n, ok := e.nodes[r.ID]
	if !ok {
		e.settleIdle(r)
		return
	}
	e.step.touched[r.ID] = true
	now := e.step.now
	if r.Withheld {
		e.gate(r.ID, n) // the brake may be as new as the answer, or the node's turn to be decided on not have come since
	}
	if r.Withheld && !n.stopped.IsZero() {
		e.write(n, decide.Withhold(n.rec, r.Effect.Kind))
		return
	}
	switch r.Effect.Kind {
	case bos.EffectWriteBoot:
		if r.Outcome == bos.CallDone {
			e.keepToken(r)
		}
		next := decide.SettleBoot(n.rec, r.Effect.Artifacts, r.Token, r.CallResult, now)
		if r.Outcome == bos.CallDone && next.Enabled {
			// It is written with what is decided on the node next, and not for itself.
			n.rec, n.unwritten = stamped(n.rec, next, e.step.times.Wall), true
			return
		}
		e.write(n, next)
	case bos.EffectDrain, bos.EffectReword, bos.EffectReturn:
		// Likewise of its workload manager.
		n.workload, n.reordered = bos.WorkloadReading{}, now
		e.write(n, decide.SettleWorkload(n.rec, r.Effect, r.CallResult, now))
	case bos.EffectConfigure:
		// What was read before is no longer what the service has.
		n.configuration = bos.ConfigurationReading{}
		next := decide.SettleConfigure(n.rec, r.Effect.Configuration, r.CallResult, now)
		if r.Outcome == bos.CallDone && next.Enabled && next != n.rec {
			n.rec, n.unwritten = stamped(n.rec, next, e.step.times.Wall), true
			return
		}
		e.write(n, next)
	default:
		next := decide.Settle(n.rec, r.Effect, e.room.shared(r.CallResult), now)
		told := e.noteAnswer(n.rec, next, r.CallResult)
		if r.Outcome == bos.CallDone && next.Work.Attempt.At.Equal(n.rec.Work.Attempt.At) {
			n.accepted.at, n.accepted.answered = next.Work.Flight.At, now
			if !told {
				n.accepted.unstored, n.rec = r.Effect.Kind, stamped(n.rec, next, e.step.times.Wall)
				return
			}
		}
		e.write(n, next)
	}
}
