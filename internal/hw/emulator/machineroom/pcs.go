package machineroom

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
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

// powerAction is a step of a task, by the name of the reset type in PCS.
type powerAction string

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
