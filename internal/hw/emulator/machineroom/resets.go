package machineroom

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
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

// ResetPath is where the system of a BMC is reset, below its own path.
const ResetPath = "/Actions/ComputerSystem.Reset"

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
	// AnswerForbidden: a fault; the user may not.
	AnswerForbidden Answer = http.StatusForbidden
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
	case fault.Busy:
		return AnswerBusy
	case fault.Credentials:
		return AnswerDenied
	case fault.Forbidden:
		return AnswerForbidden
	default:
		r.advance(n, now)
		return r.ask(n, kind, now).Answer
	}
}

// AskReset is Reset for a BMC whose troubles the request has overcome.
func (r *Room) AskReset(id, kind string, now time.Time) Reaction {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.withBMC(id)
	if err != nil {
		return Reaction{Answer: AnswerUnknown}
	}
	r.advance(n, now)
	does := r.ask(n, kind, now)
	if one := r.hitsReset(fault.SlowReset, n, kind, now); one != nil {
		does.Delay = one.Delay
	}
	return does
}

// Reaction is what a BMC does with a reset.
type Reaction struct {
	Answer
	// Faulty says that the answer is that of a fault.
	Faulty bool
	// Delay is after what time it answers, RetryAfter what it asks for.
	Delay, RetryAfter time.Duration
}

// ask asks the BMC of a node that is up to date.
func (r *Room) ask(n *node, kind string, now time.Time) Reaction {
	n.calls++
	changing := n.phase == phasePoweringOn || n.phase == phasePoweringOff
	if does := r.refusesBy(n, kind, now); does.Answer != 0 {
		return does
	}
	return Reaction{Answer: r.take(n, kind, changing, now)}
}

// take does what a BMC without a fault does.
func (r *Room) take(n *node, kind string, changing bool, now time.Time) Answer {
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
