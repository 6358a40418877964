package bos

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// WaitReason is why nothing is done to a node now: a closed list, which decisions
// switch on. What is shown is made of it on the way out.
type WaitReason string

// The reasons. Those up to the power limits are of the gate.
const (
	// WaitNone: it does not wait, or for no more than what was asked for to show.
	WaitNone WaitReason = ""
	// WaitSitePaused, WaitSessionPaused, WaitHeld: somebody has put a brake on, and
	// nothing at all is done. No wait of the node counts meanwhile.
	WaitSitePaused    WaitReason = "site_paused"
	WaitSessionPaused WaitReason = "session_paused"
	WaitHeld          WaitReason = "held"
	// WaitRollout: its turn in the rollout of its session has not come.
	WaitRollout WaitReason = "rollout"
	// WaitPowerLimits: power.limits are used up, so no power action starts. All
	// else goes on.
	WaitPowerLimits WaitReason = "power_limits"
	// WaitDrain: its workload manager gives it no new jobs, and those that run are waited
	// for. WaitWorkload: that manager does not answer, or not about it. WaitReturn: it
	// runs what it shall, and that manager is to give it jobs again.
	WaitDrain    WaitReason = "drain"
	WaitWorkload WaitReason = "workload_manager"
	WaitReturn   WaitReason = "return_to_service"
	// WaitHealth: it runs what it shall, and its health check does not say that it is
	// healthy.
	WaitHealth WaitReason = "health_check"
	// WaitBMC: its power is not known, and that is for its BMC, or its chassis, to
	// mend. It fails after max_unreachable_time.
	WaitBMC WaitReason = "bmc"
	// WaitUpstream: its power is not known, and that is for the service before the
	// BMCs to mend.
	WaitUpstream WaitReason = "upstream"
	// WaitBMCs: its power is not known, nor that of many others, and no service is
	// before their BMCs.
	WaitBMCs WaitReason = "bmcs"
	// WaitPowerInventory: power control knows neither it nor many others.
	WaitPowerInventory WaitReason = "power_inventory"
	// WaitPoweringOff: it runs what it shall and is going off.
	WaitPoweringOff WaitReason = "powering_off"
	// WaitUnseen: a power action was sent for an earlier work, and its power does not show
	// it yet.
	WaitUnseen WaitReason = "power_action_unseen"
	// WaitBackOff: a call failed without costing an attempt, and is made again.
	WaitBackOff WaitReason = "back_off"
	// WaitWithheld: a call was not made, as its order no longer stood or this service
	// was not to act. It is decided on anew in a moment.
	WaitWithheld WaitReason = "withheld"
	// WaitProof: it is off, and what is to prove its boot is there all the same.
	WaitProof WaitReason = "proof"
	// WaitImage: it boots, and cannot load its image.
	WaitImage WaitReason = "image"
	// WaitConfiguration: the configuration service does not answer, or not about it.
	WaitConfiguration WaitReason = "configuration"
	// WaitPowerOff: a power-off was sent, and nobody said that it is carried out.
	WaitPowerOff WaitReason = "power_off_unconfirmed"
)

// waitSentences say what a reason means and what ends the wait. The reasons
// with a cause have the cause's sentence instead.
var waitSentences = map[WaitReason]string{
	WaitSitePaused:     "the site is paused, so nothing is done to any node; POST /x/v1/resume lets work go on",
	WaitSessionPaused:  "its session is paused, so nothing is done to its nodes; POST /x/v1/sessions/NAME/resume lets work go on",
	WaitHeld:           "it is held, so nothing is done to it; DELETE /x/v1/components/XNAME/hold lets work go on",
	WaitRollout:        "it waits for its turn in the rollout of its session, which has batches; GET /x/v1/sessions/NAME/rollout says what the rollout is held by",
	WaitPowerLimits:    "it waits for its turn, as power.limits are used up for now; work goes on by itself",
	WaitDrain:          "it is being drained: it gets no new jobs, and is rebooted once those that run have ended; they have until workload.drain_deadline",
	WaitWorkload:       "the workload manager does not say how it stands, so its power is not touched; read its error",
	WaitReturn:         "it runs what it shall, and the workload manager is to give it jobs again; that manager has to hear from it first",
	WaitHealth:         "it runs what it shall, and its health check does not say yet that it is healthy; it has until health.deadline",
	WaitBMC:            "its power is not known, as its BMC does not tell; read its error",
	WaitUpstream:       "its power is not known, as what reaches it does not answer; work goes on when it is back",
	WaitBMCs:           "the BMCs of many nodes do not answer, or not as they should, so nobody is given up for it; work goes on when they do: check their network, their power and what they have in common",
	WaitPowerInventory: "power control does not know this node and many others at once; work goes on when its inventory has them again",
	WaitPoweringOff:    "it is powering off, which this service did not ask for; work goes on once it is off",
	WaitUnseen:         "a power action was sent for it before what is wanted now, and its power does not show that yet; work goes on once it does, or its time is over",
	WaitBackOff:        "a call for it failed and is made again in a while; read its error",
	WaitWithheld:       "a call for it was not made, as something else is wanted of it or this service was not to act then; it is decided on anew in a moment",
	WaitProof:          "it is off, and what is to prove its boot is there all the same; it is powered on once that is gone, or in a moment",
	WaitConfiguration:  "the configuration service does not answer, or does not know it; read its error",
	WaitImage:          "it cannot load or start its kernel and initrd and asks for its boot script again; check that they are in the image store and that nodes reach that",
	WaitPowerOff:       "a power-off was sent and nobody said that it is carried out; its power tells",
}

// Sentence says what the reason means and what ends the wait, for people.
func (w WaitReason) Sentence() string { return waitSentences[w] }

// AtGate reports whether the reason is one of the gate: nothing is wrong with the node.
func (w WaitReason) AtGate() bool { return w.Stops() || w == WaitPowerLimits || w == WaitDrain }

// Stops reports whether the reason is a brake: nothing at all is done, and no wait
// counts.
func (w WaitReason) Stops() bool {
	return w == WaitSitePaused || w == WaitHeld || w == WaitSessionPaused || w == WaitRollout
}

// WaitReasons lists every reason to wait, sorted.
func WaitReasons() []WaitReason {
	all := make([]WaitReason, 0, len(waitSentences))
	for w := range waitSentences {
		all = append(all, w)
	}
	slices.Sort(all)
	return all
}

// Waiting is why a component waits.
type Waiting struct {
	For WaitReason `json:"for,omitempty"`
	// Cause is what it waits for the end of, where that has one.
	Cause Cause `json:"cause,omitempty"`
	// Detail is the word of an upstream, or of who put the brake on.
	Detail string `json:"detail,omitempty"`
}

// Node is the wait as it is shown of a component and its session.
func (w Waiting) Node(component, session string) *NodeWait {
	names := strings.NewReplacer("XNAME", component, "NAME", session)
	sentence := cmp.Or(w.Cause.Sentence(), w.For.Sentence())
	if w.For == WaitPowerInventory || w.For == WaitBMCs {
		sentence = w.For.Sentence() // of the cause it would be that of a service before the BMCs
	}
	return &NodeWait{Reason: w.For, Sentence: names.Replace(sentence)}
}

// Sentence is the wait as the error of a component shows it.
func (w Waiting) Sentence(component, session string) string {
	said := cmp.Or(w.Detail, w.Cause.Sentence())
	because := ""
	if w.Detail != "" {
		because = ": " + w.Detail
	}
	switch w.For {
	case WaitSitePaused:
		return "waiting: the site is paused" + because
	case WaitHeld:
		return "waiting: this node is held" + because
	case WaitSessionPaused:
		return fmt.Sprintf("waiting: session %s is paused%s", session, because)
	case WaitRollout:
		return fmt.Sprintf("waiting for its turn: it is in %s of the rollout of session %s", w.Detail, session)
	case WaitPowerLimits:
		return fmt.Sprintf("waiting for its turn: power.limits are used up for now (%s)", w.Detail)
	case WaitDrain:
		return "waiting for its jobs to end" + because
	case WaitWorkload:
		return "waiting for the workload manager: " + said
	case WaitReturn:
		return "waiting for the workload manager to take it back" + because
	case WaitHealth:
		return "waiting for its health check" + because
	case WaitBMC:
		return fmt.Sprintf("waiting for %s: %s", BMCOf(component), WithLastAnswer(w.Cause.Sentence(), w.Detail))
	case WaitConfiguration:
		return "waiting for the configuration service: " + said
	case WaitPowerOff:
		return "waiting for it to power off, although nobody said that it will: " + said
	case WaitImage:
		return "waiting for its report: " + w.Cause.Sentence() + because
	case WaitPowerInventory, WaitBMCs, WaitPoweringOff:
		return "waiting: " + WithLastAnswer(w.For.Sentence(), w.Detail)
	case WaitUnseen:
		return "waiting for its power to show what was sent for an earlier work: " + said
	case WaitUpstream:
		return "waiting: " + WithLastAnswer(w.Cause.Sentence(), w.Detail)
	case WaitWithheld:
		return "waiting a moment: " + said
	case WaitProof:
		return "waiting a moment with its power-on: what is to prove its boot is there while it is off" + because
	case WaitBackOff:
		return "waiting: " + said
	case WaitNone:
		return ""
	default:
		return ""
	}
}

// WithLastAnswer is a sentence with what was answered last, unless that is all it
// says.
func WithLastAnswer(sentence, answer string) string {
	if answer == "" || answer == sentence {
		return sentence
	}
	return sentence + " (last answer: " + answer + ")"
}

// steady is the wait as it was noted before, where it is another in the numbers of its
// detail alone, such as times: each change is a write and a line of history.
func (w Waiting) steady(before Waiting) Waiting {
	digits := func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}
	if w.For == before.For && !w.For.AtGate() && strings.Map(digits, w.Detail) == strings.Map(digits, before.Detail) {
		w.Detail = before.Detail
	}
	return w
}

// Wait notes why the component waits, and shows it unless the component has an error
// of its own.
func (r *Record) Wait(w Waiting) {
	w = w.steady(r.Work.Waiting)
	if r.Error == "" || r.Work.WaitInError {
		r.Error, r.Work.WaitInError = w.Sentence(r.ID, r.Session), true
	}
	r.Work.Waiting = w
}

// EndWait takes the wait back, and its sentence.
func (r *Record) EndWait() {
	if r.Work.WaitInError {
		r.Error = ""
	}
	r.Work.Waiting, r.Work.WaitInError = Waiting{}, false
}

// SetError gives the component an error of its own, empty for none, in place of the
// one it had or of the sentence of its wait.
func (r *Record) SetError(text string) { r.Error, r.Work.WaitInError = text, false }
