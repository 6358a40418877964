package machineroom

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// phase is where a node is between off and booted.
type phase int

const (
	phaseOff phase = iota
	phasePoweringOn
	// phaseBooting: it has power and its boot script.
	phaseBooting
	// phaseUp: it has booted, or found nothing to boot.
	phaseUp
	phasePoweringOff
)

// script is what BSS gives a node to boot; the zero value is nothing.
type script struct {
	artifacts bos.BootArtifacts
	token     string
}

type node struct {
	bos.Node
	nid      int
	class    string
	endpoint Endpoint
	profile  *Profile
	// place is the node's place in the room, queued that in the schedule or
	// -1, due the earliest of its timers.
	place, queued int
	due           time.Time
	timers        [timers]time.Time
	pace          float64
	phase         phase
	// restart is set while it powers off to power on again.
	restart bool
	// script is what BSS has for it, earlier what it had before with other
	// artifacts, fetched what it boots or booted.
	script, earlier, fetched script
	// boot counts its boots, calls the resets asked of it, reports those it
	// made or would have made.
	boot, calls, reports uint64
	// told is the power state its BMC goes on telling until toldUntil.
	told      bos.PowerState
	toldUntil time.Time
	// ignoreUntil is how long its BMC ignores resets.
	ignoreUntil time.Time
	resets      []ResetRecord
	// operations are those that PCS offers for it, task is what it does with
	// it now.
	operations []string
	task       *task
	// heldBy is the last transition that reserved it, for as long as any of its
	// tasks is open.
	heldBy *transition
	// cfs is what CFS keeps of it, configuring what it is being configured
	// with, configs counts the runs.
	cfs         cfsRecord
	configuring string
	configs     uint64
}

// timer is something a node waits for.
type timer int

const (
	// timerPhase is the end of its phase, or its next report.
	timerPhase timer = iota
	// timerTask is when PCS looks at its task again.
	timerTask
	// timerConfig is when CFS has done with it.
	timerConfig
	timers
)

// Report is a node telling BOS what it booted. Node, Token and Artifacts are
// for the receiver; the whole is for Reporting.
type Report struct {
	Node      string
	Token     string
	Artifacts bos.BootArtifacts
	Time      time.Time
	boot      uint64
}

// NodeState is the truth about a node, whatever its BMC tells.
type NodeState struct {
	bos.Node
	NID   int
	Class string
	Power bos.PowerState
	// Booted says that it runs what Artifacts and Token name.
	Booted    bool
	Artifacts bos.BootArtifacts
	Token     string
	Endpoint  Endpoint
}

// State is the state of a node in HSM.
func (n NodeState) State() string {
	switch {
	case n.Endpoint.BMC == "":
		return "Populated"
	case n.Booted:
		return "Ready"
	case n.Power == bos.PowerStateOn || n.Power == bos.PowerStatePoweringOff:
		return "On"
	default:
		return "Off"
	}
}

func (n *node) power() bos.PowerState {
	switch n.phase {
	case phaseOff:
		return bos.PowerStateOff
	case phasePoweringOn:
		return bos.PowerStatePoweringOn
	case phasePoweringOff:
		return bos.PowerStatePoweringOff
	case phaseBooting, phaseUp:
		return bos.PowerStateOn
	default:
		return bos.PowerStateUnknown
	}
}

func (n *node) state() NodeState {
	s := NodeState{Node: n.Node, NID: n.nid, Class: n.class, Power: n.power(), Endpoint: n.endpoint}
	if n.phase == phaseUp && n.fetched != (script{}) && n.fetched != elsewhere {
		s.Booted, s.Artifacts, s.Token = true, n.fetched.artifacts, n.fetched.token
	}
	return s
}

// Bucket is that of the images.
const Bucket = "boot-images"

// wrongImage is what a node boots by a fault that had nothing else before.
var wrongImage = bos.BootArtifacts{
	Kernel: "s3://" + Bucket + "/wrong/kernel", Initrd: "s3://" + Bucket + "/wrong/initrd", KernelParameters: "wrong=1",
}

// otherScript is what a node boots instead of what BSS has for it.
func (n *node) otherScript() script {
	if n.earlier != (script{}) {
		return n.earlier
	}
	return script{artifacts: wrongImage}
}

// takes is a duration at the node's own pace.
func (n *node) takes(d time.Duration) time.Duration { return time.Duration(float64(d) * n.pace) }

// wake sets a timer of a node; the zero time stops it.
func (r *Room) wake(n *node, t timer, at time.Time) {
	n.timers[t] = at
	n.due = time.Time{}
	for _, at := range n.timers {
		if !at.IsZero() && (n.due.IsZero() || at.Before(n.due)) {
			n.due = at
		}
	}
	if n.due.IsZero() {
		r.schedule.remove(n)
		return
	}
	r.schedule.put(n)
}

// enter begins a phase that lasts d from at on; 0 is until the next reset.
func (r *Room) enter(n *node, p phase, at time.Time, d time.Duration) {
	if r.watched {
		before := n.state()
		defer func() { r.note(n, before, at) }()
	}
	n.phase = p
	until := at.Add(d)
	if d == 0 {
		until = time.Time{}
	}
	r.wake(n, timerPhase, until)
	if p != phaseUp {
		r.wake(n, timerConfig, time.Time{})
	}
}

// advance brings one node to now. What it reports on the way goes to pending.
func (r *Room) advance(n *node, now time.Time) {
	if now.After(r.now) {
		r.now = now
	}
	for n.queued >= 0 && !n.due.After(now) {
		switch at := n.due; at {
		case n.timers[timerPhase]:
			r.phaseEnds(n, at, now)
		case n.timers[timerConfig]:
			r.configured(n, at)
		default:
			r.wake(n, timerTask, time.Time{})
			r.advanceTask(n, at)
		}
	}
}

// phaseEnds takes a node from one phase to the next, at a time that may be
// before now.
func (r *Room) phaseEnds(n *node, at, now time.Time) {
	switch n.phase {
	case phasePoweringOn:
		n.fetched = n.script
		if r.elsewhere {
			n.fetched = elsewhere
		}
		n.boot++
		if r.hit(fault.WrongImage, n.ID, n.boot, at, nil) != nil {
			n.fetched = n.otherScript()
		}
		if n.fetched == (script{}) || r.failsBoot(n, at) {
			n.fetched = script{}
			r.enter(n, phaseUp, at, 0)
		} else {
			r.enter(n, phaseBooting, at, max(n.takes(r.config.BootTime), 1))
		}
		r.advanceTask(n, at)
	case phaseBooting, phaseUp:
		n.reports++
		told := r.hit(fault.NoReport, n.ID, n.reports, at, nil) == nil
		if told {
			r.pending = append(r.pending, Report{n.ID, n.fetched.token, n.fetched.artifacts, at, n.boot})
		}
		booted := told && n.phase == phaseBooting
		next, every := at, r.config.ReportEvery
		if every > 0 {
			next = at.Add(now.Sub(at).Truncate(every)) // a late look is one report, not many
		}
		r.enter(n, phaseUp, next, every)
		if booted {
			r.agent(n, at)
		}
	case phasePoweringOff:
		if n.restart {
			n.restart = false
			r.enter(n, phasePoweringOn, at, r.powerTime(n))
			return
		}
		r.enter(n, phaseOff, at, 0)
		r.advanceTask(n, at)
	case phaseOff:
		r.enter(n, phaseOff, at, 0)
	}
}

func (r *Room) powerTime(n *node) time.Duration { return max(n.takes(r.config.PowerTime), 1) }

// Power is the power state that a node's BMC tells now, outdated where Faults
// say so. The error is ErrUnknownNode or ErrNoBMC.
func (r *Room) Power(id string, now time.Time) (bos.PowerState, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.withBMC(id)
	if err != nil {
		return bos.PowerStateUnknown, err
	}
	r.advance(n, now)
	return n.tells(now), nil
}

// tells is the power state that its BMC tells.
func (n *node) tells(now time.Time) bos.PowerState {
	if now.Before(n.toldUntil) {
		return n.told
	}
	switch state := n.power(); {
	case n.profile.Plain && state == bos.PowerStatePoweringOn:
		return bos.PowerStateOff
	case n.profile.Plain && state == bos.PowerStatePoweringOff:
		return bos.PowerStateOn
	default:
		return state
	}
}

func (r *Room) withBMC(id string) (*node, error) {
	n, ok := r.find(id)
	switch {
	case !ok:
		return nil, ErrUnknownNode
	case n.endpoint.BMC == "":
		return nil, ErrNoBMC
	default:
		return n, nil
	}
}

// Node is the truth about a node now; ok is false for an unknown one.
func (r *Room) Node(id string, now time.Time) (s NodeState, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.find(id)
	if !ok {
		return NodeState{}, false
	}
	r.advance(n, now)
	return n.state(), true
}

// States is the truth about all nodes now, in the order of Inventory.
func (r *Room) States(now time.Time) []NodeState {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]NodeState, len(r.order))
	for i, n := range r.order {
		r.advance(n, now)
		all[i] = n.state()
	}
	return all
}

// Reporting is whether the node still runs the boot it reports: a report whose
// node has been reset since then has nobody to send it.
func (r *Room) Reporting(rep Report) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[rep.Node]
	return ok && n.phase == phaseUp && n.boot == rep.boot && n.fetched.token == rep.Token
}
