package sim

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// Kind is something that can go wrong, or that somebody does in between.
type Kind string

// All that a simulation is to meet. One that no seed draws shows nothing.
const (
	CommitFailsInFlight Kind = "a commit that fails with calls under way"
	DiskFull            Kind = "a full disk with nodes in work"
	Crash               Kind = "a process that is killed"
	PastLease           Kind = "a process that is stopped past its lease and goes on"
	TwoServices         Kind = "two services that both take the lease for theirs"
	ClockForward        Kind = "a wall clock set forward"
	ClockBack           Kind = "a wall clock set back"
	ComponentDeleted    Kind = "a component that is deleted and found again"
	ComponentAnew       Kind = "a component that is deleted and made anew within a pass"
	DeletedInFlight     Kind = "a component that is deleted with its call under way"
	SessionDeleted      Kind = "a session that is deleted"
	SessionAnew         Kind = "a session that is deleted and made anew within a pass"
	DesiredInFlight     Kind = "another image desired with a call under way"
	DisabledInFlight    Kind = "a node disabled with a call under way"
	Staged              Kind = "a session that is staged"
	Applied             Kind = "a staged state that is applied"
	TenantSession       Kind = "a session of a tenant that is set up"
	Unanswered          Kind = "a power action that times out while its BMC tells the power"
	SlowAnswers         Kind = "a power reading that takes long to come"
	PolledEachSecond    Kind = "probes every second"
	PolledEachMinute    Kind = "probes once a minute"
	DeadFifth           Kind = "a fifth of all BMCs dead for good"
	HalfTheInventory    Kind = "an inventory that lists half of its nodes"
	EmptyInventory      Kind = "an inventory that lists nobody"
	UnknownToPower      Kind = "power control that knows nobody"
	SitePaused          Kind = "the site paused with nodes in work"
	SessionPaused       Kind = "a session paused with nodes in work"
	NodeHeld            Kind = "a node in work that is held"
	StoppedInFlight     Kind = "a process that is told to stop with calls under way"
	HandedOver          Kind = "a process that is started before the one that stops has ended"
	PhonedHome          Kind = "a boot that a phone-home proves"
	ProofSeen           Kind = "a boot that a port or the inventory proves"
	LeftAtPowerOn       Kind = "a service that goes away right after a power-on whose boot a port or the inventory is to prove"
	SessionQueued       Kind = "a session that waits for others"
	SessionReplaced     Kind = "a node that a session takes from the one in whose place it is"
	TakenUnseen         Kind = "a node that a client wants otherwise right after its BMC accepted a power action"
	UnknownName         Kind = "a limit that leaves out a name that nobody knows"
)

// What the simulation of rollouts is to meet besides.
const (
	RolloutPromoted     Kind = "a canary that is promoted"
	RolloutHalted       Kind = "a rollout that halts"
	RolloutCanaryFailed Kind = "a bad image that its canary shows"
	RolloutTaken        Kind = "nodes of a rollout that another session takes"
	RolloutButton       Kind = "a node that waits for its turn and is powered off by somebody"
	RolloutDisabled     Kind = "a node of a rollout that somebody disables"
	RolloutDeleted      Kind = "a node of a rollout whose component is deleted"
	RolloutConfigures   Kind = "a rollout of a configuration"
	RolloutWindow       Kind = "a rollout that waits for its window"
)

// What the simulation of several processes is to meet besides.
const (
	TakenOver      Kind = "a process that stood by and drives"
	BrakeElsewhere Kind = "a write that a process which stands by acknowledges"
	HintElsewhere  Kind = "a hint that a process which stands by passes on"
	HintLost       Kind = "a hint of the database that is lost"
	SlowRead       Kind = "a slow read of the database"
	WokeToFree     Kind = "a driver that wakes when its successor has given the lease up"
	WokeToTaken    Kind = "a driver that wakes while another drives"
)

// StandbyKinds lists them.
func StandbyKinds() []Kind {
	return []Kind{
		TakenOver, BrakeElsewhere, HintElsewhere, HintLost, SlowRead, WokeToFree, WokeToTaken, CommitFailsInFlight, DiskFull, Crash, PastLease, ClockForward, ClockBack,
		DisabledInFlight, DesiredInFlight, DeletedInFlight, SitePaused, SessionPaused, NodeHeld, StoppedInFlight, HandedOver,
	}
}

// RolloutKinds lists them.
func RolloutKinds() []Kind {
	return []Kind{RolloutPromoted, RolloutHalted, RolloutCanaryFailed, RolloutTaken, RolloutButton, RolloutDisabled, RolloutDeleted, RolloutConfigures, RolloutWindow, Crash, PastLease, HandedOver}
}

// Kinds lists them.
func Kinds() []Kind {
	return []Kind{
		CommitFailsInFlight, DiskFull, Crash, PastLease, TwoServices, ClockForward, ClockBack, ComponentDeleted, ComponentAnew,
		DeletedInFlight, SessionDeleted, SessionAnew, DesiredInFlight, DisabledInFlight, Staged, Applied, TenantSession, Unanswered,
		SlowAnswers, PolledEachSecond, PolledEachMinute, DeadFifth, HalfTheInventory, EmptyInventory, UnknownToPower, SitePaused, SessionPaused, NodeHeld,
		StoppedInFlight, HandedOver, PhonedHome, ProofSeen, LeftAtPowerOn, TakenUnseen, UnknownName, SessionQueued, SessionReplaced,
	}
}

// happened takes note of one.
func (w *World) happened(k Kind) { w.Happened[k]++ }

// probes takes note of how often it is probed.
func (w *World) probes() {
	switch w.policy.Polling {
	case time.Second:
		w.happened(PolledEachSecond)
	case time.Minute:
		w.happened(PolledEachMinute)
	default:
	}
}

// inWork reports whether a node, or any where none is named, is in work.
func (w *World) inWork(ids ...string) bool {
	enabled := true
	working, err := w.store.ComponentIDs(w.ctx, bos.ComponentFilter{IDs: ids, Enabled: &enabled})
	return err == nil && len(working) > 0
}

// callsUnderWay reports whether power actions or writes are.
func (c *checks) callsUnderWay() bool { return len(c.flying) > 0 }

// resumes takes note of a process that goes on after it was stopped for a while.
func (w *World) resumes(p *process, stopped time.Duration) {
	if stopped > shell.LeaseTTL && !p.over {
		w.happened(PastLease)
	}
	if w.shared() && p.driving && !p.dead && p.term < w.lease.Fence {
		if w.happened(WokeToTaken); w.lease.Holder == "" {
			w.happened(WokeToFree)
		}
	}
	for _, other := range w.processes {
		if other != p && other.driving && p.driving && !other.dead && !p.dead {
			w.happened(TwoServices)
			return
		}
	}
}
