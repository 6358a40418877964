package bos

import "time"

// Work is the engine's memory of one component. It is stored beside the component
// and is never shown by the v2 API, nor can its clients write it.
type Work struct {
	// Flight is the call that is in flight.
	Flight Flight `json:"flight,omitzero"`
	// Attempt is the power action under way, or the last one.
	Attempt Attempt `json:"attempt,omitzero"`
	// Prepared is what the upstreams hold for the next power-on, which
	// consumes it.
	Prepared Prepared `json:"prepared,omitzero"`
	// BackOff holds the next call back after one that failed.
	BackOff BackOff `json:"back_off,omitzero"`
	// Misses counts the calls that had no effect and cost no attempt.
	Misses Misses `json:"misses,omitzero"`
	// Patience adds up the waits that have a limit.
	Patience Patience `json:"patience,omitzero"`
	// Waiting is why nothing is done now.
	Waiting Waiting `json:"waiting,omitzero"`
	// WaitInError says that the component's error is the sentence of Waiting
	// rather than an error of its own.
	WaitInError bool `json:"wait_in_error,omitempty"`
	// StoppedAt is since when a brake keeps the component. When that ends, what was
	// waited for before has waited for as long as it had then.
	StoppedAt time.Time `json:"stopped_at,omitzero"`
	// Batch is where the component is in the rollout of its session, from 1; 0 is
	// nowhere. Admitted is when its turn came.
	Batch    int       `json:"batch,omitempty"`
	Admitted time.Time `json:"admitted,omitzero"`
	// EndedBoot is the BSS token of the boot that was ended for this goal, or is to be:
	// what is reported with it is of before.
	EndedBoot string `json:"ended_boot,omitempty"`
	// Drain is how far it is with its workload manager and its health check.
	Drain Drain `json:"drain,omitzero"`
	// Unseen is the power action that was sent last, until the power shows it.
	Unseen Unseen `json:"unseen,omitzero"`
	// Cause says why the component failed, or what it last stumbled over.
	Cause Cause `json:"cause,omitempty"`
	// NoGraceful is set when the BMC turned out to have no graceful
	// shutdown; power-off then starts with force.
	NoGraceful bool `json:"no_graceful,omitempty"`
	// Applied is the session whose staged state became the desired one and
	// is still in StagedState.
	Applied string `json:"applied,omitempty"`
	// StagedBoot is how far the boot service has what is staged.
	StagedBoot StagedBoot `json:"staged_boot,omitzero"`
	// Left is a drain that is left of an earlier work.
	Left Leftover `json:"left,omitzero"`
}

// Flight is a power call that was stored as started and has not been settled. After
// a crash it is still there.
type Flight struct {
	// Kind is what was called for, EffectNone if nothing is in flight.
	Kind EffectKind `json:"kind,omitempty"`
	// At is when the last call was started, also where the component was armed
	// anew since; if Unanswered, it is when its answer was given up.
	At time.Time `json:"at,omitzero"`
	// Unanswered says that the call was sent and that its answer never came. One
	// in flight without it was sent, or not, by a service that stopped before it
	// knew.
	Unanswered bool `json:"unanswered,omitempty"`
}

// Unseen is a power action that was sent, for whomever, and that the power has not shown
// since: a BMC that has accepted one may tell the power of before for a while yet, also to
// a work that was armed since. Unlike the attempt it outlives that, and the component.
type Unseen struct {
	// Kind is what was sent, EffectNone if there is nothing that may still show.
	Kind EffectKind `json:"kind,omitempty"`
	// At is when it was decided, or sent again.
	At time.Time `json:"at,omitzero"`
	// Boot is what a power-on was prepared with, as PreparedBoot has it; empty where two
	// were sent for different things.
	Boot string `json:"boot,omitempty"`
	// Several says that more than one was sent that may show: that the last one was not
	// carried out says nothing of those before.
	Several bool `json:"several,omitempty"`
}

// Withdrawn is what may still show once it is known that the last action was not carried
// out.
func (u Unseen) Withdrawn() Unseen {
	if u.Several {
		return u
	}
	return Unseen{}
}

// Attempt is a power action from its decision until its deadline.
type Attempt struct {
	// Kind is the action, EffectNone if there was none since the component was
	// armed.
	Kind EffectKind `json:"kind,omitempty"`
	// At is when it was decided. It and the other times of Work are those of the
	// service's clock, which measures waits and stands while the service is away:
	// people read LastUpdated.
	At time.Time `json:"at,omitzero"`
	// Failed says that it was found to have no effect.
	Failed bool `json:"failed,omitempty"`
	// Resent says that it was accepted, did not show in time, and was sent once
	// more.
	Resent bool `json:"resent,omitempty"`
	// Quiet says that the proof of the boot was seen to be missing while the node was off
	// before a power-on, or since: only then does it prove something when it is there.
	// Foreign says that it was there while the node was off: it is another machine's.
	Quiet   bool `json:"quiet,omitempty"`
	Foreign bool `json:"foreign,omitempty"`
	// Proof is which proof that is about; zero is whichever is asked for.
	Proof BootProof `json:"proof,omitzero"`
	// Prepared is what a power-on was prepared with. One that turns out not to have
	// been carried out gives it back.
	Prepared Prepared `json:"prepared,omitzero"`
	// Doubtful says of a power-on that one for something else was sent before it, which
	// may have shown since: that the node is up does not
	// say which of them it runs.
	Doubtful bool `json:"doubtful,omitempty"`
	// Answer is what came instead of an answer that tells what became of it, for
	// people.
	Answer string `json:"answer,omitempty"`
}

// Missed reports whether a proof of the boot was seen to be missing, so that it proves
// something.
func (a Attempt) Missed(p BootProof) bool {
	return a.Quiet && (a.Proof == p || a.Proof == BootProof{})
}

// Strange reports whether a proof of the boot is another machine's.
func (a Attempt) Strange(p BootProof) bool { return a.Foreign && a.Proof == p }

// BackOff is the wait before the next call.
type BackOff struct {
	// Until is when the next call may start; zero if nothing holds it back.
	Until time.Time `json:"until,omitzero"`
	// Setbacks counts failures in a row that cost no attempt; it sets the length.
	Setbacks int `json:"setbacks,omitempty"`
	// Deferral is how much of it is a wait that the target asked for by deferring a
	// power action. Once that has passed it counts as such.
	Deferral time.Duration `json:"deferral,omitempty"`
	// PutOff is the cause for which the power action is put off, as the history says,
	// until it is taken or answered otherwise; empty if it is not. Tries in between
	// leave no line.
	PutOff Cause `json:"put_off,omitempty"`
}

// Misses counts calls without an effect.
type Misses struct {
	// Lost are attempts given back because the service stopped while their call
	// was in flight, and the power showed that it did nothing.
	Lost int `json:"lost,omitempty"`
	// Unanswered are calls of which nobody said what became of them, and whose power
	// showed that they did nothing. Excused are those of them whose attempts were
	// given back, as so many went unanswered at once.
	Unanswered int `json:"unanswered,omitempty"`
	Excused    int `json:"excused,omitempty"`
	// Configuration is how often the configuration service refused the desired
	// configuration of a node that runs.
	Configuration int `json:"configuration,omitempty"`
}

// Patience is how long a component has been waited for, by what for.
type Patience struct {
	// Silent is for how long its BMC kept silent while its peers answered. An
	// answer resets it, an outage stops it.
	Silent time.Duration `json:"silent,omitempty"`
	// Deferred is for how long its BMC deferred power actions, while others took
	// them, without the back-off that lasts. A change of phase resets it.
	Deferred time.Duration `json:"deferred,omitempty"`
	// Graceful is for how long its BMC deferred or refused a graceful power-off.
	// After max_power_off_wait_time force follows.
	Graceful time.Duration `json:"graceful,omitempty"`
	// Missing is for how long the configuration service answered without it.
	Missing time.Duration `json:"missing,omitempty"`
}

// Rearmed is what is remembered of a component that is armed anew: what is in
// flight, for its answer is still to come, what was applied, for whom the boot service
// may have something staged, and the drain that is left of an earlier work. What its drain
// of now leaves, Record.Rearmed says.
func (w Work) Rearmed() Work {
	kept := w.InFlightOnly()
	kept.Applied, kept.StagedBoot, kept.Left = w.Applied, w.StagedBoot.Rearmed(), w.Left
	return kept
}

// JustArmed reports whether nothing was remembered since the component was armed.
func (w Work) JustArmed() bool {
	armed := w.Rearmed()
	armed.EndedBoot, armed.Batch = w.EndedBoot, w.Batch
	return w == armed
}

// Queued reports whether the component waits for its turn in a rollout.
func (w *Work) Queued() bool { return w.Batch > 0 && w.Admitted.IsZero() }

// InFlightOnly is what is in flight and since when, and the power action that may yet
// show, and nothing else.
func (w Work) InFlightOnly() Work {
	if w.Flight.Kind == EffectNone {
		return Work{Unseen: w.Unseen}
	}
	return Work{Flight: Flight{Kind: w.Flight.Kind, At: w.Flight.At}, Unseen: w.Unseen}
}

// EndBoot forgets what the component runs, as it is to be, or was, powered off.
func (r *Record) EndBoot(now time.Time) {
	if token := r.ActualState.BSSToken; token != "" {
		r.Work.EndedBoot = token
	}
	r.ActualState = ActualState{LastUpdated: At(now)}
}

// Called reports whether a power action is under way: it was the last one since the
// component was armed, and has not been found without effect.
func (w *Work) Called(kind EffectKind) bool {
	return kind != EffectNone && w.Attempt.Kind == kind && !w.Attempt.Failed
}
