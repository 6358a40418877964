package bos

import "strings"

// GateReason is why the gate lets nothing be done to a node now: a closed list. What
// is shown is made of it on the way out.
type GateReason string

// The reasons.
const (
	// GateOpen: it may be acted on.
	GateOpen GateReason = ""
	// GateSitePaused, GateSessionPaused, GateHeld: somebody has put a brake on, and
	// nothing at all is done. No wait of the node counts meanwhile.
	GateSitePaused    GateReason = "site_paused"
	GateSessionPaused GateReason = "session_paused"
	GateHeld          GateReason = "held"
	// GatePowerLimits: power.limits are used up, so no power action starts. All
	// else goes on.
	GatePowerLimits GateReason = "power_limits"
)

var gateSentences = map[GateReason]string{
	GateSitePaused:    "the site is paused, so nothing is done to any node; POST /x/v1/resume lets work go on",
	GateSessionPaused: "its session is paused, so nothing is done to its nodes; POST /x/v1/sessions/NAME/resume lets work go on",
	GateHeld:          "it is held, so nothing is done to it; DELETE /x/v1/components/XNAME/hold lets work go on",
	GatePowerLimits:   "it waits for its turn, as power.limits are used up for now; work goes on by itself",
}

// Sentence says what the reason means and what ends the wait, for people.
func (r GateReason) Sentence() string { return gateSentences[r] }

// Wait is the reason as it is shown of a component and its session.
func (r GateReason) Wait(component, session string) *NodeWait {
	names := strings.NewReplacer("XNAME", component, "NAME", session)
	return &NodeWait{Reason: r, Sentence: names.Replace(r.Sentence())}
}

// GateReasons lists every reason that keeps a node waiting, in no particular order.
func GateReasons() []GateReason {
	all := make([]GateReason, 0, len(gateSentences))
	for r := range gateSentences {
		all = append(all, r)
	}
	return all
}

// Stops reports whether the reason is a brake: nothing at all is done, and no wait
// counts.
func (r GateReason) Stops() bool {
	return r == GateSitePaused || r == GateSessionPaused || r == GateHeld
}
