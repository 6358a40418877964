package machineroom

import (
	"fmt"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// task is what PCS does with one node of a transition.
type task struct {
	of    *transition
	xname string
	// status, description and failure are what PCS tells.
	status, description, failure string
	// steps are the power actions left, the one under way first; until is
	// when PCS gives up waiting for it, zero for never.
	steps []powerAction
	until time.Time
	// sent is set once the reset of the step is, or would be if the BMC were
	// not silent.
	sent, silent bool
}

const (
	actionOn       powerAction = "on"
	actionGraceful powerAction = "gracefulshutdown"
	actionForce    powerAction = "forceoff"
	actionRestart  powerAction = "gracefulrestart"
)

// The states of a task.
const (
	taskInProgress  = "in-progress"
	taskFailed      = "failed"
	taskSucceeded   = "succeeded"
	taskUnsupported = "unsupported"
)

// startTask does with a node what can be done at once. What is there already
// needs no reservation; a node that is locked or in another transition cannot
// be reserved.
func (r *Room) startTask(t *transition, l TransitionOf, now time.Time) {
	n, ok := r.find(l.Xname)
	k := &task{of: t, xname: bos.CanonicalXname(l.Xname), status: taskInProgress, description: "Gathering data"}
	t.tasks = append(t.tasks, k)
	t.open++
	if !ok {
		failure := "Missing xname"
		if !bos.IsNodeXname(k.xname) {
			failure = "Invalid xname"
		}
		r.endTask(nil, k, taskFailed, "Failed to achieve transition", failure)
		return
	}
	r.advance(n, now)
	state := bos.PowerStateUnknown
	if !r.silences(n.endpoint.BMC, now) {
		state = n.tells(now)
	}
	switch {
	case !slices.Contains(n.operations, t.operation):
		r.endTask(nil, k, taskUnsupported, "Component does not support the specified transition operation, "+t.operation, "Unsupported for transition operation")
	case k.already(state):
		r.endTask(nil, k, taskSucceeded, "Component already in desired state", "")
	case state != bos.PowerStateOn && (t.operation == opHardRestart || t.operation == opSoftRestart):
		r.endTask(nil, k, taskFailed, fmt.Sprintf("Component must be in the On state for %s", t.operation), "Component is in the wrong power state")
	case r.kept(n, now) || n.heldBy.holds():
		failure := "Unable to reserve component"
		if l.DeputyKey != "" {
			failure = "Invalid deputy key and unable to reserve component"
		}
		r.endTask(nil, k, taskFailed, "Failed to achieve transition", failure)
	case r.unreserved(k, now):
	default:
		n.task, n.heldBy = k, t
		k.steps = stepsOf(t.operation, state, n.endpoint.ResetTypes)
		r.advanceTask(n, now)
	}
}

// unreserved ends a task where PCS does not get its reservation, or loses it at once.
func (r *Room) unreserved(k *task, now time.Time) bool {
	form, shows := r.shows(fault.Unreserved, fault.PCS, now)
	switch {
	case !shows:
		return false
	case form == fault.FormExpired:
		r.endTask(nil, k, taskFailed, "Failed to achieve transition", "Reservation expired")
	default:
		r.endTask(nil, k, taskFailed, "Error acquiring reservations", "dial tcp: connect: connection refused")
	}
	return true
}

// already tells whether a node is where its operation leads.
func (k *task) already(state bos.PowerState) bool {
	switch k.of.operation {
	case opOn:
		return state == bos.PowerStateOn
	case opOff, opSoftOff, opForceOff:
		return state == bos.PowerStateOff
	default:
		return false
	}
}

// stepsOf are the actions of an operation.
func stepsOf(operation string, state bos.PowerState, types []string) []powerAction {
	switch operation {
	case opOn:
		return []powerAction{actionOn}
	case opOff, opSoftOff:
		return []powerAction{actionGraceful}
	case opForceOff:
		return []powerAction{actionForce}
	case opSoftRestart:
		if slices.Contains(types, ResetGracefulRestart) {
			return []powerAction{actionRestart}
		}
	case opInit:
		if state == bos.PowerStateOff {
			return []powerAction{actionOn}
		}
	}
	return []powerAction{actionGraceful, actionOn}
}

// resetOf is the reset type of an action; a BMC offers it if it offers the
// operations that need it.
func resetOf(a powerAction, types []string) string {
	switch {
	case a == actionOn:
		return ResetOn
	case a == actionForce:
		return ResetForceOff
	case a == actionRestart:
		return ResetGracefulRestart
	case slices.Contains(types, ResetGraceful):
		return ResetGraceful
	default:
		return ResetOff
	}
}

// transitionsOf are the operations that PCS offers for reset types.
func transitionsOf(types []string) []string {
	var ops []string
	add := func(op string) {
		if !slices.Contains(ops, op) {
			ops = append(ops, op)
		}
	}
	for _, t := range types {
		switch t {
		case ResetForceOff:
			add(opForceOff)
		case ResetForceRestart, ResetGracefulRestart:
			add(opSoftRestart)
		case ResetOff, ResetGraceful:
			add(opSoftOff)
			add(opOff)
		case ResetOn:
			add(opOn)
		}
	}
	if slices.Contains(ops, opOn) && slices.Contains(ops, opOff) {
		add(opInit)
		add(opHardRestart)
		add(opSoftRestart)
	}
	return ops
}

// is tells whether a node is where an action leads.
func (n *node) is(a powerAction) bool {
	if a == actionOn || a == actionRestart {
		return n.power() == bos.PowerStateOn
	}
	return n.power() == bos.PowerStateOff
}

// sendStep sends the reset of a step. A BMC that does not answer is waited for.
func (r *Room) sendStep(n *node, k *task, now time.Time) {
	step := k.steps[0]
	trouble := r.bmcTrouble(n.endpoint.BMC, now).Fault
	k.sent, k.silent = true, trouble == fault.Dead || trouble == fault.Hang
	k.description = "Applying transition, " + string(step)
	if k.silent {
		k.until = now.Add(pcsPatience)
		return
	}
	var answer Answer
	switch trouble {
	case fault.Busy:
		answer = AnswerBusy
	case fault.Credentials:
		answer = AnswerDenied
	case fault.Forbidden:
		answer = AnswerForbidden
	default:
		answer = r.ask(n, resetOf(step, n.endpoint.ResetTypes), now).Answer
	}
	if answer != AnswerAccepted {
		r.endTask(n, k, taskFailed, "Failed to apply transition, "+string(step), answer.String())
		return
	}
	if k.of.deadline == 0 {
		r.stepDone(n, k)
		return
	}
	k.description = "Confirming successful transition, " + string(step)
	k.until = time.Time{}
	if k.of.deadline > 0 {
		k.until = now.Add(k.of.deadline)
	}
}

// stepDone goes on to the next step, or ends the task after the last.
func (r *Room) stepDone(n *node, k *task) {
	step := string(k.steps[0])
	k.steps, k.sent = k.steps[1:], false
	switch {
	case len(k.steps) > 0:
		k.description = "Transition confirmed, " + step + ". Waiting for next transition"
	case k.of.deadline == 0:
		r.endTask(n, k, taskSucceeded, "Transition applied, "+step+". Not confirming.", "")
	default:
		r.endTask(n, k, taskSucceeded, "Transition confirmed, "+step, "")
	}
}

// giveUp forces a node off that would not go gracefully, unless it was to be
// asked only, and ends the task otherwise.
func (r *Room) giveUp(n *node, k *task) {
	step := k.steps[0]
	switch {
	case k.silent:
		r.endTask(n, k, taskFailed, "Failed to apply transition, "+string(step), "No response from target")
	case step == actionGraceful && k.of.operation != opSoftOff && slices.Contains(n.endpoint.ResetTypes, ResetForceOff):
		k.steps[0], k.sent = actionForce, false
	default:
		r.endTask(n, k, taskFailed, "Failed to achieve transition", "Timeout waiting for transition, "+string(step)+".")
	}
}

// endTask ends a task; n is its node if it was reserved, else nil.
func (r *Room) endTask(n *node, k *task, status, description, failure string) {
	k.status, k.description, k.failure = status, description, failure
	k.of.open--
	if n != nil {
		n.task = nil
		r.wake(n, timerTask, time.Time{})
	}
}

// advanceTask takes the task of a node on as far as it goes at this time: sends
// what is to be sent, confirms what has happened, gives up what takes too long.
func (r *Room) advanceTask(n *node, now time.Time) {
	for n.task != nil {
		k := n.task
		switch {
		case !k.sent:
			r.sendStep(n, k, now)
		case !k.silent && now.Before(n.toldUntil): // its BMC tells what was
			r.wake(n, timerTask, n.toldUntil)
			return
		case !k.silent && n.is(k.steps[0]):
			r.stepDone(n, k)
		case k.until.IsZero() || now.Before(k.until):
			r.wake(n, timerTask, k.until)
			return
		default:
			r.giveUp(n, k)
		}
	}
}
