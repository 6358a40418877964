package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The reset types that do something here; BMCs may advertise others, which
// they then accept and ignore, as real ones do.
const (
	ResetOn           = "On"
	ResetOff          = "Off"
	ResetForceOff     = "ForceOff"
	ResetGraceful     = "GracefulShutdown"
	ResetForceRestart = "ForceRestart"
	// ResetGracefulRestart and ResetPowerCycle go through off like a forced
	// restart.
	ResetGracefulRestart = "GracefulRestart"
	ResetPowerCycle      = "PowerCycle"
	resetForceOn         = "ForceOn"
	resetButton          = "PushPowerButton"
	resetNMI             = "Nmi"
)

const resetPath = "/Actions/ComputerSystem.Reset"

// maxResets bounds the resets remembered per node; the oldest go first.
const maxResets = 1000

// Answer is how a BMC answers a reset: an HTTP status, or below 0 one that a status
// alone does not tell.
type Answer int

// The answers.
const (
	// AnswerAccepted: accepted, which is not done. Also what a node gets
	// that already is where the reset leads.
	AnswerAccepted Answer = http.StatusOK
	// AnswerUnsupported: the BMC does not offer the reset type.
	AnswerUnsupported Answer = http.StatusBadRequest
	// AnswerDenied: a fault; user and password are not accepted.
	AnswerDenied Answer = http.StatusUnauthorized
	// AnswerUnknown: there is no such node, or it has no BMC.
	AnswerUnknown Answer = http.StatusNotFound
	// AnswerChanging: power is changing and the resource is locked.
	AnswerChanging Answer = http.StatusConflict
	// AnswerBusy: a fault; the BMC asks to come back later.
	AnswerBusy Answer = http.StatusServiceUnavailable
	// AnswerBroken: a fault; it broke over the reset.
	AnswerBroken Answer = http.StatusInternalServerError
	// AnswerNotReady: a fault; 400, and that it is not ready.
	AnswerNotReady Answer = -1
	// AnswerCut: a fault; the connection ends without an answer.
	AnswerCut Answer = -2
)

// String is the answer as PCS tells it.
func (a Answer) String() string {
	switch a {
	case AnswerNotReady:
		return "400 Bad Request"
	case AnswerCut:
		return "EOF"
	default:
		return fmt.Sprintf("%d %s", int(a), http.StatusText(int(a)))
	}
}

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

// ResetRecord is one reset that was accepted and changed something.
type ResetRecord struct {
	Time   time.Time
	Type   string
	Before bos.PowerState
	// Artifacts and Token are what BSS had for the node at that time, both
	// empty for nothing.
	Artifacts bos.BootArtifacts
	Token     string
}

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

// wrongImage is what a node boots by a fault that had nothing else before.
var wrongImage = bos.BootArtifacts{
	Kernel: "s3://" + bucketName + "/wrong/kernel", Initrd: "s3://" + bucketName + "/wrong/initrd", KernelParameters: "wrong=1",
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
		if r.hit(FaultWrongImage, n.ID, n.boot, at, nil) != nil {
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
		told := r.hit(FaultNoReport, n.ID, n.reports, at, nil) == nil
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

// Reset asks a node's BMC for a reset. AnswerAccepted says neither that it
// will happen nor that anything changed: Resets tells. Of the BMC's troubles it
// heeds those that are answers.
func (r *Room) Reset(id, kind string, now time.Time) Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.withBMC(id)
	if err != nil {
		return AnswerUnknown
	}
	switch r.bmcTrouble(n.endpoint.BMC, now).Fault {
	case FaultBusy:
		return AnswerBusy
	case FaultCredentials:
		return AnswerDenied
	default:
		r.advance(n, now)
		return r.ask(n, kind, now)
	}
}

// resetAnswered is Reset for a BMC whose troubles the request has overcome.
func (r *Room) resetAnswered(id, kind string, now time.Time) Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.withBMC(id)
	if err != nil {
		return AnswerUnknown
	}
	r.advance(n, now)
	return r.ask(n, kind, now)
}

// ask asks the BMC of a node that is up to date.
func (r *Room) ask(n *node, kind string, now time.Time) Answer {
	n.calls++
	changing := n.phase == phasePoweringOn || n.phase == phasePoweringOff
	if answer := r.refusesBy(n, kind, now); answer != 0 {
		return answer
	}
	switch {
	case !slices.Contains(n.endpoint.ResetTypes, kind):
		if n.profile.Unimplemented != 0 && slices.Contains(n.endpoint.Listed, kind) {
			return Answer(n.profile.Unimplemented)
		}
		return AnswerUnsupported
	case now.Before(n.ignoreUntil) || n.profile.IgnoreFor > 0 && changing:
		return AnswerAccepted
	case changing:
		return AnswerChanging
	case n.profile.Already != 0 && n.already(kind):
		return Answer(n.profile.Already)
	}
	if !r.drops(n, kind, now) && r.reset(n, kind, now) {
		n.ignoreUntil = now.Add(n.profile.IgnoreFor)
	}
	return AnswerAccepted
}

// already tells whether a reset leads where the node is.
func (n *node) already(kind string) bool {
	off := n.phase == phaseOff
	switch kind {
	case ResetOn, resetForceOn:
		return !off
	case resetButton:
		return false
	default:
		return off
	}
}

// reset carries a reset out on a node whose power is not changing; it reports
// whether it changed anything.
func (r *Room) reset(n *node, kind string, now time.Time) bool {
	if n.already(kind) {
		return false
	}
	next := phasePoweringOff
	switch kind {
	case ResetOn, resetForceOn:
		next = phasePoweringOn
	case resetButton:
		if n.phase == phaseOff {
			next = phasePoweringOn
		}
	case ResetOff, ResetForceOff, ResetGraceful:
	case ResetForceRestart, ResetGracefulRestart, ResetPowerCycle:
		n.restart = true
	default:
		return false
	}
	before := n.power()
	if len(n.resets) == maxResets {
		n.resets = slices.Delete(n.resets, 0, 1)
	}
	n.resets = append(n.resets, ResetRecord{now, kind, before, n.script.artifacts, n.script.token})
	n.told, n.toldUntil = before, now.Add(r.staleFor(n, now))
	n.fetched = script{}
	r.enter(n, next, now, r.powerTime(n))
	return true
}

// Resets lists the accepted resets of a node that changed something, the
// latest 1,000; none for an unknown node.
func (r *Room) Resets(id string) []ResetRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.find(id)
	if !ok {
		return nil
	}
	return slices.Clone(n.resets)
}

// Reporting is whether the node still runs the boot it reports: a report whose
// node has been reset since then has nobody to send it.
func (r *Room) Reporting(rep Report) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[rep.Node]
	return ok && n.phase == phaseUp && n.boot == rep.boot && n.fetched.token == rep.Token
}
