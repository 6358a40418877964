package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// node is an enabled component with what is going on around it.
type node struct {
	rec           bos.Record
	reading       bos.PowerReading
	configuration bos.ConfigurationReading
	proof         bos.ProofReading
	workload      bos.WorkloadReading
	health        bos.HealthReading
	// reordered is when its workload manager last answered a call for it: what was asked
	// before is of before.
	reordered time.Time
	// seenOn is when the last reading was asked for by which the node is on, trail what
	// it has fetched of its boot script. They are gone with the engine, and then say
	// nothing.
	seenOn time.Time
	trail  bos.Trail
	// offSince is when the first reading was asked for since which all have it off, zero if
	// the last one does not.
	offSince time.Time
	// firstOff is when the first one was asked for that has it off since the last that has it
	// on or powering off: between them its power may not have been known.
	firstOff time.Time
	// since is when the component was last armed by somebody else: older
	// readings do not count.
	since time.Time
	// silence is the streak of power readings that do not settle what the power is,
	// missing that of answers of the configuration service without the node.
	silence, missing streak
	watch            watch
	accepted         accepted
	scouting         scouting
	// stopped is since when a brake keeps it, zero if none does.
	stopped time.Time
	// seen is what its rollout knows of its power, while it waits for its turn there.
	seen queued
	// unwritten says that the record is ahead of the stored one, by boot parameters
	// that the boot service has, or a configuration that the configuration service
	// has: after a crash they are given them again.
	unwritten bool
}

// watch is what is asked about a node, and why.
type watch struct {
	// power and configured are the questions to the two upstreams, proof the one for
	// the proof of the boot.
	power, configured, proof question
	// workload and health are those to the workload manager and the health check.
	workload, health question
	// proofAsked is when the last question for the proof went out.
	proofAsked time.Time
	// awaits says that the last decision waits for the power to change, or to
	// become known.
	awaits bool
	// hinted is when a hint came that no probe has followed yet.
	hinted time.Time
	// reported is when its last report was taken in, zero if that was by an engine
	// before this one.
	reported time.Time
}

// accepted is the power action that its target is known to have taken. It shows in
// the record with the next write, which is soon enough: after a crash the power
// state tells.
type accepted struct {
	// at is when the action was sent, answered when its answer came: its call may
	// have waited long for its turn among those of other nodes.
	at, answered time.Time
	// unstored is the effect of the action until a write of the node is durable.
	unstored bos.EffectKind
}

// scouting is the part of a node in learning the pace of the power action under way.
type scouting struct {
	// rank is the node's among those that have an action under way, and at is the
	// action that it is for; the first in rank are scouts.
	rank int
	at   time.Time
	// shifted is the action under way if a brake has kept the node since: how long it
	// takes says nothing about the pace.
	shifted time.Time
}

// decide asks for the decision on one node and takes it over.
func (e *Engine) decide(id string) {
	n, ok := e.nodes[id]
	if !ok {
		e.decideIdle(id)
		return
	}
	gate := e.gate(id, n)
	if e.inFlight[id] != bos.EffectNone {
		return
	}
	now := e.step.now
	if n.stopped.IsZero() && !n.rec.Work.StoppedAt.IsZero() {
		n.silence.restart(now)
		n.missing.restart(now)
	}
	o := decide.Observation{
		Gate:  gate,
		Power: n.reading, Elapsed: n.silence.take(), Unknown: n.silence.length(), Expect: e.expect(n), Scouted: e.scouted(n),
		Configuration: n.configuration, ConfigurationElapsed: n.missing.take(), ConfigurationDue: e.configurationDue(n),
		Proof: n.proof, Hearing: e.step.times.Hearing, Wall: e.step.times.Wall,
		SeenOn: n.seenOn, OffSince: n.offSince, FirstOff: n.firstOff, Trail: n.trail, Scripted: e.settings.Scripted && n.since.Before(n.rec.Work.Attempt.At),
	}
	o.Workload, o.Health = n.workload, n.health
	if n.watch.proof.out {
		o.ProofAsked = n.watch.proofAsked
	}
	o.Power.Undone = e.room.shared(o.Power.Undone)
	if n.reading.State == bos.PowerStateUnknown && !n.reading.Asked.IsZero() {
		o.Verdict = e.verdict(id)
	}
	if n.rec.Work.Flight.Unanswered && n.rec.Work.Flight.Kind != bos.EffectNone {
		o.ManyUnanswered = e.manyUnanswered()
	}
	before := n.rec
	d := decide.Decide(n.rec, o, e.policy, now)
	n.wentOn(before, d.Next)
	e.ramp.decided(id, d)
	e.write(n, d.Next)
	e.note(before, d)
	e.noteWorkload(before, d.Next, n.workload)
	e.noteForeign(before, d.Next, n.proof)
	e.noteOutage(id, o, d)
	if d.Effect.Kind != bos.EffectNone {
		e.inFlight[id] = d.Effect.Kind
		e.step.effects[id] = decide.Wanted{Effect: d.Effect, Session: d.Next.Session}
		e.step.out.Orders[id] = d.Next.Order()
	}
	e.schedule(id, n, d)
	e.moved(before, n)
}

// manyUnanswered reports whether power actions go unanswered for an outage; the room
// is asked once in a step.
func (e *Engine) manyUnanswered() bool {
	if e.step.manyUnanswered == nil {
		many := e.room.manyUnanswered(e.step.now)
		e.step.manyUnanswered = &many
	}
	return *e.step.manyUnanswered
}

// admitQueued decides on the nodes whose turn has come to use the power limits. A
// turn that is not needed any more goes to the next.
func (e *Engine) admitQueued() {
	for ids := e.ramp.admit(e.step.now); len(ids) > 0; ids = e.ramp.admit(e.step.now) {
		for _, id := range ids {
			if _, ok := e.nodes[id]; !ok || e.inFlight[id] != bos.EffectNone {
				e.ramp.leave(id)
				continue
			}
			e.decide(id)
		}
	}
}
