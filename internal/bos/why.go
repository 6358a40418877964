package bos

import "time"

// Why is GET /x/v1/components/{id}/why: what a component waits for, since when, and what
// happens next.
type Why struct {
	Component string `json:"component"`
	Session   string `json:"session,omitempty"`
	Tenant    string `json:"tenant,omitempty"`
	// Phase is how far it is, by the name of a state, Since when its status changed last.
	Phase  string     `json:"phase"`
	Status string     `json:"status"`
	Since  *time.Time `json:"since,omitempty"`
	// WaitsFor says what it waits for; its sentence is always there.
	WaitsFor WaitsFor    `json:"waits_for"`
	Next     NextStep    `json:"next"`
	Attempts AttemptsOf  `json:"attempts"`
	Answer   string      `json:"last_answer,omitempty"`
	Error    string      `json:"error,omitempty"`
	Cause    Cause       `json:"cause,omitempty"`
	Sentence string      `json:"sentence,omitempty"`
	Action   *WhyAction  `json:"last_action,omitempty"`
	Held     *PauseState `json:"held,omitempty"`
	Booted   *WhyBooted  `json:"booted,omitempty"`
	// Commands are what to type, if anything is to be.
	Commands []string `json:"commands"`
}

// WaitsFor is what a component waits for.
type WaitsFor struct {
	Reason   WaitReason `json:"reason"`
	Cause    Cause      `json:"cause,omitempty"`
	Sentence string     `json:"sentence"`
	// Detail is the word of an upstream, or of who put a brake on.
	Detail string     `json:"detail,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
}

// NextStep is what happens next, if nothing else happens before.
type NextStep struct {
	What     NextWhat `json:"what"`
	Sentence string   `json:"sentence"`
	// At is when, where that is known.
	At *time.Time `json:"at,omitempty"`
}

// NextWhat is what happens next: a closed list.
type NextWhat string

// What may happen next.
const (
	NextNothing  NextWhat = "none"
	NextBrake    NextWhat = "brake"  // somebody has to take a brake off
	NextTurn     NextWhat = "turn"   // its turn comes
	NextCall     NextWhat = "call"   // a call is made again
	NextProbe    NextWhat = "probe"  // its power is asked for
	NextReport   NextWhat = "report" // it reports its boot, or runs out of time
	NextPowerOff NextWhat = "power_off"
	NextForce    NextWhat = "power_off_forceful"
	NextPowerOn  NextWhat = "power_on"
	NextGiveUp   NextWhat = "give_up"
	NextUpstream NextWhat = "upstream" // what it waits for ends
)

// AttemptsOf are the tries of each power action.
type AttemptsOf struct {
	PowerOn          Tries `json:"power_on"`
	PowerOffGraceful Tries `json:"power_off_graceful"`
	PowerOffForceful Tries `json:"power_off_forceful"`
}

// Tries are how often something was tried, and may be tried again.
type Tries struct {
	Used int `json:"used"`
	Left int `json:"left"`
}

// WhyAction is the last thing that was done to a component.
type WhyAction struct {
	Action Action    `json:"action"`
	At     time.Time `json:"at"`
	Failed bool      `json:"failed"`
}

// WhyBooted is what a component said last that it runs, and whether that is what is wanted.
type WhyBooted struct {
	At      *time.Time `json:"at,omitempty"`
	Matches bool       `json:"matches"`
}
