package decide

import (
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// RolloutNode is what a rollout goes by of one of its nodes.
type RolloutNode struct {
	Is RolloutNodeIs
	// At is when it was done or, of one that is silent, since when it is, by the
	// service's clock.
	At time.Time
}

// RolloutNodeIs is where a node is in a rollout.
type RolloutNodeIs int

// Where a node may be. The first five wait, and are told apart by their power.
const (
	// NodeUnloaded: nothing is known of it yet.
	NodeUnloaded RolloutNodeIs = iota
	// NodeUnread: its power was not asked for yet.
	NodeUnread
	NodeWaits
	NodeWaitsOff
	NodeWaitsSilent
	NodeInFlight
	NodeDone
	NodeFailed
	// NodeLeft: the session has it no more, as another took it.
	NodeLeft
)

// RolloutView is what the next move of a rollout is decided by.
type RolloutView struct {
	State bos.RolloutState
	// Batches are the nodes of the batches, Nodes what is known of each, in this order.
	Batches [][]string
	Nodes   [][]RolloutNode
	// Now is the service's clock, Wall the time of windows.
	Now, Wall time.Time
	Window    *bos.WindowClock
	// Paused says that the site or the session is.
	Paused bool
	// Stalled says that there was no progress for longer than the rollout may take.
	Stalled bool
}

// RolloutMove is what becomes of a rollout.
type RolloutMove struct {
	Next bos.RolloutState
	// Admit are the nodes to be started.
	Admit []string
	// Closed counts the nodes that the rollout waits for no more.
	Closed int
	// Wake is when to look again without news; zero for never.
	Wake   time.Time
	Events []RolloutEvent
}

// RolloutEvent is a line of history about a rollout.
type RolloutEvent struct{ Kind, Detail string }

// What happens to a rollout, as kinds of events.
const (
	RolloutBatchBegun    = "rollout_batch"
	RolloutHeld          = "rollout_held"
	RolloutReleased      = "rollout_released"
	RolloutHaltedEvent   = "rollout_halted"
	RolloutCompleteEvent = "rollout_complete"
)

// rolloutCount is the nodes of a rollout, or of some batches of it, counted.
type rolloutCount struct {
	all, failed, done, inFlight, open int
	// left are those that other sessions have taken, vanished those of the failed that
	// wait and are silent beyond their deadline.
	left, vanished int
	// down are those that wait and are not in service, or not known to be; up, off and
	// silent are those whose turn may come, by their power.
	down, up, off, silent, unread int
}

func (c *rolloutCount) add(o rolloutCount) {
	c.all, c.failed, c.done, c.inFlight, c.open = c.all+o.all, c.failed+o.failed, c.done+o.done, c.inFlight+o.inFlight, c.open+o.open
	c.down, c.unread, c.left, c.vanished = c.down+o.down, c.unread+o.unread, c.left+o.left, c.vanished+o.vanished
	c.up, c.off, c.silent = c.up+o.up, c.off+o.off, c.silent+o.silent
}

// Advance is the next move: the one place that decides which nodes of a rollout start.
func (v RolloutView) Advance() RolloutMove {
	a := advance{RolloutView: v, move: RolloutMove{Next: v.State}}
	a.move.Next.Held, a.move.Next.Detail = bos.HoldNone, ""
	counts := make([]rolloutCount, len(v.Batches))
	var all rolloutCount
	for i, nodes := range v.Nodes {
		counts[i] = a.count(nodes)
		all.add(counts[i])
	}
	a.move.Closed = all.all - all.open
	switch {
	case !v.State.Open():
		a.move.Next.Held, a.move.Next.Detail = v.State.Held, v.State.Detail
	case v.State.Phase == bos.RolloutHalted:
		a.hold(bos.HoldHalted, v.State.Detail)
	default:
		a.run(counts, all)
	}
	a.tellHold()
	return a.move
}

type advance struct {
	RolloutView
	move RolloutMove
}

func (a *advance) hold(by bos.RolloutHold, detail string) {
	a.move.Next.Held, a.move.Next.Detail = by, detail
}

func (a *advance) tell(kind, format string, args ...any) {
	a.move.Events = append(a.move.Events, RolloutEvent{kind, fmt.Sprintf(format, args...)})
}

func (a *advance) wake(at time.Time) {
	if a.move.Wake.IsZero() || at.Before(a.move.Wake) {
		a.move.Wake = at
	}
}

// halt stops the rollout until somebody resumes it: what was started goes on.
func (a *advance) halt(format string, args ...any) {
	a.move.Next.Phase = bos.RolloutHalted
	a.hold(bos.HoldHalted, fmt.Sprintf(format, args...))
	a.tell(RolloutHaltedEvent, "%s", a.move.Next.Detail)
}

// tellHold says what the rollout is held by, when that begins or ends.
func (a *advance) tellHold() {
	was, is := a.State.Held, a.move.Next.Held
	switch {
	case was == is || is == bos.HoldHalted:
	case is == bos.HoldNone:
		a.tell(RolloutReleased, "%s", was)
	default:
		a.tell(RolloutHeld, "%s: %s", is, a.move.Next.Detail)
	}
	if was == is && was != bos.HoldUnavailable {
		a.move.Next.Detail = a.State.Detail
	}
}

// count counts nodes; one that waits and is silent beyond its deadline has failed.
func (a *advance) count(nodes []RolloutNode) rolloutCount {
	c := rolloutCount{all: len(nodes)}
	for _, n := range nodes {
		switch n.Is {
		case NodeFailed:
			c.failed++
		case NodeLeft:
			c.left++
		case NodeInFlight:
			c.inFlight++
			c.open++
		case NodeDone:
			c.done++
			if healthy := n.At.Add(a.State.Spec.MinHealthyTime.Length()); healthy.After(a.Now) {
				c.inFlight++
				c.open++
				a.wake(healthy)
			}
		case NodeWaits:
			c.open++
			c.up++
		case NodeWaitsOff:
			c.down++
			c.open++
			c.off++
		case NodeWaitsSilent:
			c.open++
			c.silent++
			if a.vanished(n) {
				c.failed++
				c.vanished++
				continue
			}
			a.wake(n.At.Add(a.State.Spec.NodeDeadline()))
			c.down++
		case NodeUnread, NodeUnloaded:
			c.down++
			c.unread++
			c.open++
		}
	}
	return c
}

func (a *advance) vanished(n RolloutNode) bool {
	return n.Is == NodeWaitsSilent && !a.Now.Before(n.At.Add(a.State.Spec.NodeDeadline()))
}

// run goes on with a rollout that nobody has stopped.
func (a *advance) run(counts []rolloutCount, all rolloutCount) {
	next := &a.move.Next
	passed := next.Resumed && a.resume(counts, all)
	if a.spent(all) {
		return
	}
	for ; next.Batch < len(counts) && counts[next.Batch].open == 0; passed = false {
		if !a.leave(counts, all, passed) {
			return
		}
	}
	if next.Batch == len(counts) {
		next.Phase = bos.RolloutComplete
		a.tell(RolloutCompleteEvent, "%d of %d nodes are done, %d failed", all.done, all.all, all.failed)
		return
	}
	if a.State.Phase == bos.RolloutPlanned {
		next.Phase = bos.RolloutRunning
		a.tellBatch()
	}
	switch {
	case a.Stalled:
		a.halt("no node became healthy for progress_deadline (%s): %d are worked on, %d wait and are down or not known to be up; read the errors of its nodes, then resume or cancel it", a.State.Spec.StallDeadline(), all.inFlight, all.down)
	case a.Paused:
		a.hold(bos.HoldPaused, "the site or the session is paused")
	default:
		if a.inTime() {
			a.admit(counts, all)
		}
	}
}

// resume takes in that somebody resumed the rollout: what had failed then is forgiven, and
// what has vanished, as nobody has stored that. Whoever resumes a batch of which no node
// is worked on lets its order pass as it is; one of which a node has failed since they
// have not seen.
func (a *advance) resume(counts []rolloutCount, all rolloutCount) (passed bool) {
	next := &a.move.Next
	forgiven := all.failed
	if then := next.FailedThen; then != nil {
		forgiven = min(*then+all.vanished, all.failed)
	}
	next.Resumed, next.FailedThen, next.Forgiven = false, nil, forgiven
	return next.Batch < len(counts) && counts[next.Batch].open == 0 && forgiven == all.failed
}

// spent halts a rollout of which more nodes failed than may. Of a canary none may.
func (a *advance) spent(all rolloutCount) bool {
	failed, budget := all.failed-a.move.Next.Forgiven, a.State.Spec.Budget(all.all)
	batch := a.State.Batch
	if batch < len(a.State.Batches) && a.State.Batches[batch].Canary && failed > 0 {
		a.halt("%d of the %d nodes of the canary failed, so none of the others is touched; mend what is wrong, then resume it, which tries them again, or cancel it", failed, a.State.Batches[batch].Count)
		return true
	}
	if failed <= budget {
		return false
	}
	a.halt("%d of %d nodes failed and failure_budget allows %d; nodes that were started go on, no other is; mend what is wrong, then resume or cancel it", failed, all.all, budget)
	return true
}

// leave ends the present batch, if what follows it may begin. passed says that somebody
// has let the order of its boot sets pass.
func (a *advance) leave(counts []rolloutCount, all rolloutCount, passed bool) bool {
	next := &a.move.Next
	batch, last := a.State.Batches[next.Batch], next.Batch == len(counts)-1
	if batch.Canary && !last && !next.Promoted {
		if !a.State.Spec.AutoPromote {
			a.hold(bos.HoldPromotion, bos.AwaitsPromotion("NAME"))
			return false
		}
		next.Promoted = true
	}
	if !last && !passed && a.State.Batches[next.Batch+1].Ordinal != batch.Ordinal && !a.inOrder(counts, all) {
		return false
	}
	next.Batch++
	if next.Batch < len(counts) {
		a.tellBatch()
	}
	return true
}

// inOrder halts the rollout unless enough nodes of the present ordinal are done for the
// next. Failures that were forgiven count for the ordinal that they are of.
func (a *advance) inOrder(counts []rolloutCount, all rolloutCount) bool {
	at := a.move.Next.Batch
	batch, threshold := a.State.Batches[at], a.State.Spec.Threshold()
	var of rolloutCount
	for i, b := range a.State.Batches {
		if b.Ordinal == batch.Ordinal {
			of.add(counts[i])
		}
	}
	forgiven := max(a.move.Next.Forgiven-(all.failed-of.failed), 0)
	if of.done+forgiven >= min(threshold.Of(of.all), of.all) {
		return true
	}
	taken := ""
	if of.left > 0 {
		taken = fmt.Sprintf(" (another session took %d)", of.left)
	}
	a.halt("%d of the %d nodes of ordinal %d are done%s and order_threshold asks for %s, so those of ordinal %d are not started; mend what is wrong, then resume or cancel it",
		of.done, of.all, batch.Ordinal, taken, threshold, a.State.Batches[at+1].Ordinal)
	return false
}

func (a *advance) tellBatch() {
	b := a.State.Batches[a.move.Next.Batch]
	a.tell(RolloutBatchBegun, "%s of %d nodes: %s", b.Name, b.Count, b.Nodes)
}

// inTime reports whether nodes may be started at this time of day.
func (a *advance) inTime() bool {
	if f, frozen := a.State.Spec.Frozen(a.Wall); frozen {
		a.hold(bos.HoldFreeze, f.String())
		a.wake(a.Now.Add(f.Until.Sub(a.Wall)))
		return false
	}
	open, next := a.Window.Open(a.Wall)
	if !open {
		a.hold(bos.HoldWindow, "its window opens "+next.UTC().Format(time.RFC3339))
		a.wake(a.Now.Add(next.Sub(a.Wall)))
	}
	return open
}

// admit starts nodes of the batches up to the present one as far as both limits allow.
// A node that is off already takes nothing more out of service. One whose power is not
// known may be up, and is started only where the limit holds even if it is. One that
// has been silent for too long has spent the budget, and is given its turn to fail.
func (a *advance) admit(counts []rolloutCount, all rolloutCount) {
	total := all.all
	inFlight, unavailable := all.inFlight, all.inFlight+all.down
	mostInFlight, mostUnavailable := a.State.Spec.InFlightMost(total), a.State.Spec.UnavailableMost(total)
	blocked := 0
	take := func(is RolloutNodeIs, of func(rolloutCount) int, may func(RolloutNode) bool, costs func(RolloutNode) int) {
		for i, nodes := range a.Nodes[:a.move.Next.Batch+1] {
			left := of(counts[i])
			for at := 0; left > 0 && inFlight < mostInFlight; at++ {
				if nodes[at].Is != is {
					continue
				}
				if left--; !may(nodes[at]) {
					blocked++
					continue
				}
				inFlight++
				unavailable += costs(nodes[at])
				a.move.Admit = append(a.move.Admit, a.Batches[i][at])
			}
			blocked += left
		}
	}
	free, one := func(RolloutNode) int { return 0 }, func(RolloutNode) int { return 1 }
	// One that has vanished had failed, and is worked on from now on: it counts again.
	vanished := func(n RolloutNode) int {
		if a.vanished(n) {
			return 1
		}
		return 0
	}
	take(NodeWaitsOff, func(c rolloutCount) int { return c.off }, func(RolloutNode) bool { return true }, free)
	take(NodeWaitsSilent, func(c rolloutCount) int { return c.silent }, func(n RolloutNode) bool { return a.vanished(n) || unavailable <= mostUnavailable }, vanished)
	take(NodeWaits, func(c rolloutCount) int { return c.up }, func(RolloutNode) bool { return unavailable < mostUnavailable }, one)
	if blocked > 0 && inFlight == 0 && len(a.move.Admit) == 0 && all.unread == 0 {
		a.hold(bos.HoldUnavailable, fmt.Sprintf("%d nodes that wait are down, or not known to be up, and max_unavailable allows %d; bring them up, leave them out or allow more", all.down, mostUnavailable))
	}
}
