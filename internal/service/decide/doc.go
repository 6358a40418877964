// Package decide holds every decision of the service as a pure function. Time and
// observations are arguments. The package does no I/O, knows no clock and no chance;
// internal/service/engine acts on what it decides.
//
// What happens to one node next, in the order in which to read it:
//
//   - decide.go: Decide and converge, from which all else is called; the gate comes first,
//     then what is known of the power, then the goal
//   - observation.go: what is known of a node beside its record
//   - gate.go: why nothing may be done to it now, although nothing is wrong with it
//   - drain.go: its jobs, before its power is touched; closing.go: what comes between the
//     boot and its end, a health check and the return to its jobs
//   - leftover.go: the drain of a node that was taken out of its work
//   - act.go: powering off and on, with what has to be stored before
//   - proof.go: what proves its boot besides a report
//   - unseen.go: what was sent to it for another work and does not show yet
//   - configure.go: its configuration, before the power-on and after the boot
//
// What an answer means, and what follows from one that does not come:
//
//   - settle.go: an answer to a call; withheld.go: the call was not made
//   - confirm.go: no answer, so that its power tells
//   - again.go: it was accepted and does not show
//   - deferred.go, graceful.go: the target does not take it now
//   - unreported.go: it was powered on, and reported nothing
//   - hold.go: its power is not known
//   - outage.go: whether a silence is one BMC's or an outage, as a table;
//     outage_witnesses.go: who is asked to tell
//
// What a session does:
//
//   - select.go: which nodes it touches; nodes.go: why the others are left out
//   - setup.go: what it writes to them; staged.go: what it stages; stagedboot.go: what the
//     boot service has of that
//   - preview.go, effects.go, busy.go: the same, told before
//   - rollout.go: which nodes start now; rolloutplan.go: in which batches;
//     rolloutnode.go: what that means to one node
//
// What concerns many nodes: ramp.go, the power limits; batches.go, which effects are one
// call; cleanup.go, what is old; why.go, what a node waits for, told; forecast.go, when a session will be over.
package decide
