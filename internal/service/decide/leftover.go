package decide

import (
	"cmp"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The reasons that the history has for what becomes of a drain that is left.
const (
	// ReasonLeftBack: the workload manager has no drain any more that was left.
	ReasonLeftBack Reason = "drain_given_back"
	// ReasonLeftRefused: it did not end it, which is tried again.
	ReasonLeftRefused Reason = "drain_give_back_refused"
	// ReasonLeftStays: the node stays drained, as it was rebooted, or as the manager did not
	// end the drain however often it was asked.
	ReasonLeftStays Reason = "drain_left"
)

// longestLeftRetry bounds the waits between the tries to end a drain that is left.
const longestLeftRetry = time.Minute

// LeftRetry is the wait after a number of tries.
func LeftRetry(tries int) time.Duration {
	return min(time.Second<<min(max(tries-1, 0), 6), longestLeftRetry)
}

// mostLeftTries is how often it is tried: for as long as a manager has to take a node back,
// with the waits in between, at least.
func mostLeftTries(p bos.WorkloadPolicy) int {
	const short = 7 // tries until the waits are the longest
	return short + int(p.ReturnDeadline/longestLeftRetry)
}

// LeftDrain says what is to be done about a drain that is left of a component that is not
// in work: it is ended, and the manager is then asked whether it is. seen is what it said
// since the last call, zero if it was not asked. A decision with neither an effect nor a
// question is the last one.
func LeftDrain(r bos.Record, seen bos.WorkloadReading, p bos.WorkloadPolicy, now time.Time) Decision {
	l := &r.Work.Left
	if r.Enabled || !l.Waits() || r.Held.On() {
		return Decision{Next: r}
	}
	mark := bos.DrainMark(l.Key())
	asked := !seen.Asked.IsZero()
	switch {
	case !p.On:
		return leftStays(r, "no workload manager is set any more")
	case !asked && l.Tries > 0:
		return Decision{Next: r, ProbeWorkload: now}
	case !asked:
	case seen.State == bos.WorkloadUnknown:
		l.Detail = cmp.Or(seen.Detail, bos.CauseWorkloadManager.Sentence())
		if l.Tries >= mostLeftTries(p) {
			return leftStays(r, l.Detail)
		}
		l.Tries++
		return Decision{Next: r, ProbeWorkload: now.Add(LeftRetry(l.Tries))}
	case seen.State != bos.WorkloadDrained:
		return leftOver(r, seen)
	case l.Again && seen.Mark == bos.DrainMark(l.Earlier()):
		mark = seen.Mark
	case seen.Mark != mark:
		return leftOver(r, seen)
	}
	if l.Tries >= mostLeftTries(p) {
		return leftStays(r, cmp.Or(l.Detail, "it is still drained"))
	}
	l.Tries++
	effect := bos.Effect{Kind: bos.EffectReturn, Reason: mark}
	if l.Booted {
		effect = bos.Effect{Kind: bos.EffectReword, Reason: mark + " taken out of its session while it was booted"}
	}
	return Decision{Next: r, Effect: effect}
}

// leftOver is the end of a drain that the manager has no more.
func leftOver(r bos.Record, seen bos.WorkloadReading) Decision {
	r.Work.Left = bos.Leftover{}
	because := "its workload manager gives it jobs again"
	switch seen.State {
	case bos.WorkloadDrained:
		because = "it is drained for another session (" + seen.Mark + ") by now, and left so"
	case bos.WorkloadForeign:
		because = withWords("somebody else has it drained by now, and it is left so", seen.Detail)
	case bos.WorkloadAbsent:
		because = withWords("its workload manager does not know it", seen.Detail)
	case bos.WorkloadUnknown, bos.WorkloadInService:
	}
	return Decision{Next: r, Why: ReasonLeftBack, Because: because}
}

// leftStays is the end of the tries.
func leftStays(r bos.Record, why string) Decision {
	l := &r.Work.Left
	l.State, l.Detail = bos.LeftGivenUp, why
	sentence := leftSentence(r)
	r.SetError(joinSentences(r.Error, sentence))
	return Decision{Next: r, Why: ReasonLeftStays, Because: sentence}
}

// leftSentence says of a drain that stays what it is, why, and the way out.
func leftSentence(r bos.Record) string {
	l := &r.Work.Left
	return fmt.Sprintf("it stays drained in its workload manager, as %s, which %s: %s; when nothing is wrong with it, return it by hand, as with scontrol update NodeName=NAME State=RESUME", bos.DrainMark(l.Key()), leftTold(l), l.Detail)
}

func leftTold(l *bos.Leftover) string {
	if l.Tries == 0 {
		return "could not be ended"
	}
	return fmt.Sprintf("was not ended in %d tries", l.Tries)
}

func joinSentences(a, b string) string {
	if a == "" {
		return b
	}
	return bos.Unstopped(a) + "; " + b
}

// SettleLeft is the record after a call for a drain that is left. Whether the drain is
// ended is told by the next reading; that a node stays drained is told by its reason, of
// which nobody reads more than its mark.
func SettleLeft(r bos.Record, effect bos.Effect, res bos.CallResult) Decision {
	l := &r.Work.Left
	switch {
	case r.Enabled || !l.Waits():
		return Decision{Next: r}
	case res.Withheld():
		l.Tries = max(l.Tries-1, 0)
		return Decision{Next: r}
	case res.Outcome != bos.CallDone:
		first := l.Detail == ""
		l.Detail = refusedText(bos.CauseWorkloadManager, res)
		if first {
			return Decision{Next: r, Why: ReasonLeftRefused, Because: l.Detail + "; it is tried again"}
		}
		return Decision{Next: r}
	case effect.Kind == bos.EffectReword:
		*l = bos.Leftover{}
		return Decision{Next: r, Why: ReasonLeftStays, Because: "it was taken out of its session while it was booted, and stays drained with a reason that says so"}
	default:
		return Decision{Next: r}
	}
}
