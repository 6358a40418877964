package emulator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Limits and pace of PCS.
const (
	// MaxTransitionNodes is how many nodes one transition can name: what
	// fits into a request to etcd, where PCS keeps it.
	MaxTransitionNodes = 2500
	// transitionLife is after what time PCS forgets a transition.
	transitionLife = 24 * time.Hour
	// maxTransitions bounds those remembered; the oldest go first.
	maxTransitions = 1000
	// pcsPatience is how long PCS waits for a BMC that does not answer.
	pcsPatience = 5 * time.Second
)

// Errors of PCS.
var (
	ErrTransitionTooLarge = errors.New("etcdserver: request is too large")
	ErrTransitionOver     = errors.New("Transition is already finished and cannot be aborted.") //nolint:revive,staticcheck // PCS' own words
)

// pcs is the power control service: transitions, oldest first, and by id.
type pcs struct {
	byID  map[string]*transition
	order []*transition
}

// transition is one order to change the power of nodes.
type transition struct {
	id, operation    string
	created, expires time.Time
	// deadline is how long each step may take: none below 0, and 0 is that
	// nobody waits for it.
	deadline time.Duration
	tasks    []*task
	// open counts the tasks that have not ended.
	open    int
	aborted bool
}

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

// powerAction is a step of a task, by the name of the reset type in PCS.
type powerAction string

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

// The operations of PCS.
const (
	opOn          = "On"
	opOff         = "Off"
	opSoftOff     = "Soft-Off"
	opForceOff    = "Force-Off"
	opSoftRestart = "Soft-Restart"
	opHardRestart = "Hard-Restart"
	opInit        = "Init"
)

var operations = []string{opOn, opOff, opSoftRestart, opHardRestart, opInit, opForceOff, opSoftOff}

// TransitionOrder is what a client asks of PCS.
type TransitionOrder struct {
	// Operation is On, Off, Soft-Off, Force-Off, Soft-Restart, Hard-Restart
	// or Init, in any case.
	Operation string `json:"operation"`
	// Deadline is in minutes: 5 if nil, none below 0, and with 0 nobody
	// waits for what the nodes do.
	Deadline *int           `json:"taskDeadlineMinutes"`
	Location []TransitionOf `json:"location"`
}

// TransitionOf names a node of an order.
type TransitionOf struct {
	Xname     string `json:"xname"`
	DeputyKey string `json:"deputyKey,omitempty"`
}

// Transition is what PCS tells of an order.
type Transition struct {
	ID        string           `json:"transitionID"`
	Operation string           `json:"operation"`
	Created   time.Time        `json:"createTime"`
	Expires   time.Time        `json:"automaticExpirationTime"`
	Status    string           `json:"transitionStatus"`
	Counts    TaskCounts       `json:"taskCounts"`
	Tasks     []TransitionTask `json:"tasks,omitempty"`
}

// TaskCounts are the tasks of a transition by status.
type TaskCounts struct {
	Total       int `json:"total"`
	New         int `json:"new"`
	InProgress  int `json:"in-progress"`
	Failed      int `json:"failed"`
	Succeeded   int `json:"succeeded"`
	Unsupported int `json:"un-supported"`
}

// TransitionTask is what PCS tells of one node of an order.
type TransitionTask struct {
	Xname       string `json:"xname"`
	Status      string `json:"taskStatus"`
	Description string `json:"taskStatusDescription"`
	Error       string `json:"error,omitempty"`
}

const defaultDeadline = 5 * time.Minute

// StartTransition gives PCS an order under an id that the caller has made up.
// What can end at once has ended when it returns; the rest goes on as the room
// advances. The error is ErrTransitionTooLarge or says what is wrong with the
// order.
func (r *Room) StartTransition(id string, order TransitionOrder, now time.Time) (operation string, err error) {
	at := slices.IndexFunc(operations, func(op string) bool { return strings.EqualFold(op, order.Operation) })
	switch {
	case at < 0:
		return "", fmt.Errorf("invalid Operation type %s", order.Operation)
	case len(order.Location) > MaxTransitionNodes:
		return "", ErrTransitionTooLarge
	}
	t := &transition{id: id, operation: operations[at], created: now, expires: now.Add(transitionLife), deadline: defaultDeadline}
	if order.Deadline != nil {
		t.deadline = time.Duration(*order.Deadline) * time.Minute
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pcs.add(t, now)
	r.catchUpHolders(order.Location, now)
	for _, l := range order.Location {
		r.startTask(t, l, now)
	}
	return t.operation, nil
}

func (p *pcs) add(t *transition, now time.Time) {
	if p.byID == nil {
		p.byID = make(map[string]*transition)
	}
	for len(p.order) > 0 && (len(p.order) == maxTransitions || !now.Before(p.order[0].expires)) {
		delete(p.byID, p.order[0].id)
		p.order = slices.Delete(p.order, 0, 1)
	}
	p.byID[t.id] = t
	p.order = append(p.order, t)
}

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
	case n.Locked || n.heldBy.holds() || r.lockOf(n.ID, "Node", false, now).Reserved:
		failure := "Unable to reserve component"
		if l.DeputyKey != "" {
			failure = "Invalid deputy key and unable to reserve component"
		}
		r.endTask(nil, k, taskFailed, "Failed to achieve transition", failure)
	default:
		n.task, n.heldBy = k, t
		k.steps = stepsOf(t.operation, state, n.endpoint.ResetTypes)
		r.advanceTask(n, now)
	}
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
	k.sent, k.silent = true, trouble == FaultDead || trouble == FaultHang
	k.description = "Applying transition, " + string(step)
	if k.silent {
		k.until = now.Add(pcsPatience)
		return
	}
	var answer Answer
	switch trouble {
	case FaultBusy:
		answer = AnswerBusy
	case FaultCredentials:
		answer = AnswerDenied
	default:
		answer = r.ask(n, resetOf(step, n.endpoint.ResetTypes), now)
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

// Transition is what PCS tells of an order now; ok is false for an unknown one.
func (r *Room) Transition(id string, now time.Time) (told Transition, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.pcs.byID[id]
	if !ok || !now.Before(t.expires) {
		return Transition{}, false
	}
	r.catchUp(t, now)
	told = t.tell()
	told.Tasks = make([]TransitionTask, len(t.tasks))
	for i, k := range t.tasks {
		told.Tasks[i] = TransitionTask{k.xname, k.status, k.description, k.failure}
	}
	return told, true
}

// Transitions are all orders that PCS remembers, without their tasks.
func (r *Room) Transitions(now time.Time) []Transition {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []Transition{}
	for _, t := range r.pcs.order {
		if now.Before(t.expires) {
			r.catchUp(t, now)
			all = append(all, t.tell())
		}
	}
	return all
}

// catchUpHolders brings the transitions up to date that may hold nodes.
func (r *Room) catchUpHolders(of []TransitionOf, now time.Time) {
	seen := make(map[*transition]bool)
	for _, l := range of {
		if n, ok := r.find(l.Xname); ok && n.heldBy.holds() && !seen[n.heldBy] {
			seen[n.heldBy] = true
			r.catchUp(n.heldBy, now)
		}
	}
}

// holds reports whether PCS still keeps the nodes of a transition: until its last
// task has ended.
func (t *transition) holds() bool { return t != nil && t.open > 0 }

func (r *Room) catchUp(t *transition, now time.Time) {
	if t.open == 0 {
		return
	}
	for _, k := range t.tasks {
		if n, ok := r.nodes[k.xname]; ok && n.task == k {
			r.advance(n, now)
		}
	}
}

func (t *transition) tell() Transition {
	told := Transition{ID: t.id, Operation: t.operation, Created: t.created, Expires: t.expires, Status: "in-progress"}
	switch {
	case t.aborted:
		told.Status = "aborted"
	case t.open == 0:
		told.Status = "completed"
	}
	told.Counts.Total = len(t.tasks)
	for _, k := range t.tasks {
		switch k.status {
		case taskInProgress:
			told.Counts.InProgress++
		case taskFailed:
			told.Counts.Failed++
		case taskSucceeded:
			told.Counts.Succeeded++
		case taskUnsupported:
			told.Counts.Unsupported++
		}
	}
	return told
}

// AbortTransition ends the tasks of an order that have not ended; what their
// nodes are doing they finish. ok is false for an unknown order, the error is
// ErrTransitionOver.
func (r *Room) AbortTransition(id string, now time.Time) (ok bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.pcs.byID[id]
	switch {
	case !ok || !now.Before(t.expires):
		return false, nil
	case t.aborted:
		return true, nil
	}
	r.catchUp(t, now)
	if t.open == 0 {
		return true, ErrTransitionOver
	}
	t.aborted = true
	for _, k := range t.tasks {
		if k.status == taskInProgress {
			r.endTask(r.nodes[k.xname], k, taskFailed, "Aborted. Last status - "+k.description, "Transition aborted")
		}
	}
	return true, nil
}
