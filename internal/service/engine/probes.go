package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// question is one to an upstream about one node: out, or due at a time.
type question struct {
	out bool
	at  time.Time
	// why is what the node was found to wait for when that time was set.
	why decide.Reason
}

// want takes a decision's wish over: it reports whether to ask at once. Who decides anew
// counts from then. While the node waits for the same as before, the earlier time stands:
// one that is written all the time would never be asked about.
func (l *question) want(at time.Time, why decide.Reason, now time.Time) bool {
	if at.IsZero() || l.out {
		return false
	}
	if why == l.why && !l.at.IsZero() && l.at.Before(at) {
		at = l.at
	}
	l.at, l.why = at, why
	return !at.After(now)
}

// due reports whether a question that was put off is to go out now.
func (l *question) due(now time.Time) bool { return !l.out && !l.at.IsZero() && !l.at.After(now) }

// ask notes that the question goes out.
func (l *question) ask() { l.out, l.at = true, time.Time{} }

// schedule turns the wish for a probe or a wake into one.
func (e *Engine) schedule(id string, n *node, d decide.Decision) {
	now := e.step.now
	n.watch.awaits = d.AwaitsPower()
	d.Probe = n.probeSooner(d.Probe, now)
	if d.Next.Enabled && n.watch.power.want(d.Probe, d.Why, now) {
		e.probe(id, n)
	}
	if d.Next.Enabled && n.watch.configured.want(e.onGrid(n, d.ProbeConfiguration), d.Why, now) {
		e.probeConfiguration(id, n)
	}
	if d.Next.Enabled && n.watch.proof.want(toGrid(d.ProbeProof, now, proofGrid), d.Why, now) {
		e.probeProof(id, n)
	}
	if d.Next.Enabled && n.watch.workload.want(toGrid(d.ProbeWorkload, now, workloadGrid), d.Why, now) {
		e.probeWorkload(id, n)
	}
	if d.Next.Enabled && n.watch.health.want(toGrid(d.ProbeHealth, now, workloadGrid), d.Why, now) {
		e.probeHealth(id, n)
	}
	at := d.Wake
	for _, other := range []time.Time{n.watch.power.at, n.watch.configured.at, n.watch.proof.at, n.watch.workload.at, n.watch.health.at} {
		if !other.IsZero() && (at.IsZero() || other.Before(at)) {
			at = other
		}
	}
	e.wakes.set(id, at)
}

// What the times of probes of the configuration service are rounded up to, so that nodes
// which wait for the same thing are asked about in one request: less where it is known
// when they will be done.
const (
	coarseGrid = 2 * time.Second
	fineGrid   = 350 * time.Millisecond
)

// onGrid is when to ask about the configuration of a node that is to be asked about at a
// time. Where it is known how long its configuration takes, the first question after its
// report need only tell whether the configuration service has what is wanted.
func (e *Engine) onGrid(n *node, at time.Time) time.Time {
	now, due := e.step.now, e.configurationDue(n)
	switch {
	case due.IsZero() || at.IsZero():
		return toGrid(at, now, coarseGrid)
	case !at.After(now) && n.configuration.Asked.Before(n.watch.reported) && now.Add(coarseGrid).Before(due):
		return now.Truncate(coarseGrid).Add(coarseGrid)
	default:
		return toGrid(at, now, fineGrid)
	}
}

// toGrid puts a later probe off to the next whole step of the grid.
func toGrid(at, now time.Time, grid time.Duration) time.Time {
	if !at.After(now) {
		return at
	}
	return at.Truncate(grid).Add(grid)
}

// probe asks for a power reading.
func (e *Engine) probe(id string, n *node) {
	n.watch.power.ask()
	n.watch.hinted = time.Time{}
	e.asked[id] = true
	e.step.out.Probes = append(e.step.out.Probes, id)
}

// probeConfiguration asks the configuration service.
func (e *Engine) probeConfiguration(id string, n *node) {
	n.watch.configured.ask()
	e.step.out.ConfigurationProbes = append(e.step.out.ConfigurationProbes, id)
}

// proofGrid likewise is for proofs of boots: the states of all nodes are one request.
const proofGrid = 5 * time.Second

// probeProof asks for the proof of the boot.
func (e *Engine) probeProof(id string, n *node) {
	n.watch.proof.ask()
	n.watch.proofAsked = e.step.now
	e.step.out.ProofProbes = append(e.step.out.ProofProbes, bos.ProofAsk{ID: id, Proof: n.rec.BootProof(e.policy.BootProof)})
}

// wake takes the nodes that fall due: probes that were put off go out, and the
// node is decided on.
func (e *Engine) wake() {
	now := e.step.now
	for _, id := range e.wakes.due(now) {
		e.step.touched[id] = true
		n, ok := e.nodes[id]
		if !ok || e.inFlight[id] != bos.EffectNone {
			continue
		}
		if n.watch.power.due(now) {
			e.probe(id, n)
		}
		if n.watch.configured.due(now) {
			e.probeConfiguration(id, n)
		}
		if n.watch.proof.due(now) {
			e.probeProof(id, n)
		}
		if n.watch.workload.due(now) {
			e.probeWorkload(id, n)
		}
		if n.watch.health.due(now) {
			e.probeHealth(id, n)
		}
	}
}

// nextWake is when to step again without new input.
func (e *Engine) nextWake() time.Time {
	var wake time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	if at, ok := e.wakes.next(); ok {
		earlier(at)
	}
	if e.step.out.More {
		earlier(e.step.now)
	}
	for _, s := range e.sessions {
		earlier(s.retryAt)
		earlier(s.rollout.wake(e.step.now))
		earlier(s.queue.wake())
	}
	if len(e.sessions) > 0 {
		earlier(e.nextRecheck)
	}
	earlier(e.nextDiscovery)
	earlier(e.nextClean)
	earlier(e.room.nextCall)
	earlier(e.ramp.wake(e.step.now))
	return wake
}
