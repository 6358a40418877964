package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// hintGap is the shortest time between two probes of one node that hints bring
// about: a source that repeats itself costs no more than a decision each time.
const hintGap = 250 * time.Millisecond

// hint takes a hint in: the node is decided on again, and what it waits for is
// probed soon. While a call is out, its answer comes first.
func (e *Engine) hint(id string) {
	n, ok := e.nodes[id]
	if !ok || !n.watch.awaits || e.inFlight[id] != bos.EffectNone {
		return
	}
	n.watch.hinted = e.step.now
	e.step.touched[id] = true
}

// probeSooner is when to probe, a hint considered: a node that waits is probed
// as soon as the gap allows, also if the answer that just came was asked for
// before the hint.
func (n *node) probeSooner(at, now time.Time) time.Time {
	if !n.watch.awaits || n.watch.hinted.IsZero() || at.IsZero() {
		return at
	}
	soon := now
	if allowed := n.reading.Asked.Add(hintGap); allowed.After(soon) {
		soon = allowed
	}
	if soon.Before(at) {
		return soon
	}
	return at
}
