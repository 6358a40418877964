package bos

import "time"

// PowerState is the power of a node as its BMC tells it.
type PowerState string

// The power states. PowerUnknown is neither on nor off: nothing is done to a
// node in it. The two transitional states count as on for every decision.
const (
	PowerStateUnknown     PowerState = ""
	PowerStateOn          PowerState = "on"
	PowerStateOff         PowerState = "off"
	PowerStatePoweringOn  PowerState = "powering_on"
	PowerStatePoweringOff PowerState = "powering_off"
)

// Symptom is how a target of an upstream behaved when it was last asked.
type Symptom int

// The symptoms. A target is a BMC where power goes through Redfish.
const (
	// SymptomNone: it answered.
	SymptomNone Symptom = iota
	// SymptomSilent: no answer in time, or no connection.
	SymptomSilent
	// SymptomRefusing: it answered, but with an error instead of a state.
	SymptomRefusing
	// SymptomStale: it answered with a state known to be outdated.
	SymptomStale
	// SymptomChanging: it answered that power is neither on nor off now, as
	// while it changes. Nothing is wrong with it.
	SymptomChanging
	// SymptomUnknown: its upstream does not know it. A reading says so by
	// SymptomNone with an unknown state; this is for what is remembered of targets.
	SymptomUnknown
)

// PowerReading is what one probe of a node's power brought.
type PowerReading struct {
	ID    string
	State PowerState
	// Symptom says why State is unknown; SymptomNone with an unknown state
	// means that the upstream does not know the node.
	Symptom Symptom
	// Cause narrows the symptom down where the adapter can (for example
	// CauseBMCAuth); empty otherwise.
	Cause Cause
	// Detail is the adapter's sentence for people, without secrets.
	Detail string
	// Undone is how the last power action on the node ended, where the
	// upstream accepted it and gave it up later; CallDone where it did not.
	// It may be told again with every reading until the next action.
	Undone CallResult
	// Asked is when the question was sent: the reading is not older than
	// that. An adapter gives time.Now(), or nothing where the question never
	// went out; the shell turns it into a time of the service's clock.
	Asked time.Time
	// Answered is when the answer came, by the service's clock. The shell
	// fills it in.
	Answered time.Time
}

// Received is when the answer came; where nobody noted that, when it was asked for.
func (r PowerReading) Received() time.Time {
	if r.Answered.IsZero() {
		return r.Asked
	}
	return r.Answered
}

// CallOutcome says how much is known about a call that asked for a change.
type CallOutcome int

// The outcomes. Only CallDone and CallRefused say what happened.
const (
	// CallDone: accepted. Accepted is not done: the power state tells.
	CallDone CallOutcome = iota
	// CallNotAttempted: it never reached the target (no connection, no
	// endpoint known, outage); it costs no attempt. Without a cause it was this
	// service that did not send it.
	CallNotAttempted
	// CallBusy: the target asked to come back later (503, 429, 409 while
	// changing); it costs no attempt.
	CallBusy
	// CallRefused: the target said no.
	CallRefused
	// CallUnsupported: the target has no such operation and nothing was
	// sent. Where that is a graceful shutdown it costs no attempt.
	CallUnsupported
	// CallUnknown: sent and not answered; it may have taken effect.
	CallUnknown
)

// CallResult is how a call for one node ended.
type CallResult struct {
	ID      string
	Outcome CallOutcome
	// Cause and Detail say why, for outcomes other than CallDone.
	Cause  Cause
	Detail string
	// RetryAfter is the target's own wish, 0 if it has none.
	RetryAfter time.Duration
}

// Withheld reports whether this service did not make the call, as its order no longer
// stood, it was not to act, or its time was over before its turn came: it was nobody's
// fault.
func (r CallResult) Withheld() bool { return r.Outcome == CallNotAttempted && r.Cause == CauseNone }
