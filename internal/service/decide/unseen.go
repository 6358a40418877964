package decide

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// sent is what may still show once a power action is sent: another one of before is
// counted, whatever is left of its time.
func sent(r bos.Record, kind bos.EffectKind, now time.Time) bos.Unseen {
	return bos.Unseen{Kind: kind, At: now, Several: turnsOn(r.Work.Unseen.Kind) == turnsOn(kind) && r.Work.Unseen.Kind != bos.EffectNone}
}

// sentAgain is that of an action that is sent again within its attempt.
func sentAgain(r bos.Record, now time.Time) bos.Unseen {
	again := bos.Unseen{Kind: r.Work.Attempt.Kind, At: now, Boot: r.Work.Attempt.Prepared.Boot, Several: true}
	if r.Work.Attempt.Doubtful {
		again.Boot = ""
	}
	return again
}

func turnsOn(kind bos.EffectKind) bool { return kind == bos.EffectPowerOn }

// showsBy is until when what was sent may show: as long as for an attempt.
func showsBy(u bos.Unseen, p bos.Policy) time.Time {
	if turnsOn(u.Kind) {
		return u.At.Add(p.MaxPowerOnWait)
	}
	return u.At.Add(p.MaxPowerOffWait)
}

// Shown is from when on what was sent may still show, whatever it was.
func Shown(p bos.Policy, now time.Time) time.Time {
	return now.Add(-max(p.MaxPowerOnWait, p.MaxPowerOffWait))
}

// seePower forgets the power action that was sent last once a reading of after it shows
// where it leads. A node that is on its way there has not arrived.
func seePower(r bos.Record, o Observation) bos.Record {
	u := r.Work.Unseen
	there := bos.PowerStateOff
	if turnsOn(u.Kind) {
		there = bos.PowerStateOn
	}
	if u.Kind != bos.EffectNone && o.Power.State == there && !o.Power.Asked.Before(u.At) {
		r.Work.Unseen = bos.Unseen{}
	}
	return r
}

// awaitUnseen keeps a node from being taken for where it shall be while a power action
// that was sent for another work may still lead it elsewhere: its BMC has accepted it, and
// tells the power of before. It is waited for as long as for an attempt of its own, and what
// it led to is then put right. Where the node is to be moved anyway nothing is waited for.
func awaitUnseen(r bos.Record, o Observation, p bos.Policy, now time.Time) (Decision, bool) {
	u := r.Work.Unseen
	if u.Kind == bos.EffectNone || !o.Power.Asked.Before(showsBy(u, p)) {
		return Decision{}, false
	}
	off := o.Power.State == bos.PowerStateOff
	leads := false // where it is not to be
	switch r.Goal {
	case bos.GoalOff:
		leads = off && turnsOn(u.Kind)
	case bos.GoalBoot:
		leads = !off && !turnsOn(u.Kind) && runs(r)
	case bos.GoalConfigure:
		leads = off == turnsOn(u.Kind)
	case bos.GoalNone:
	}
	if !leads {
		return Decision{}, false
	}
	r.Status.StatusOverride = bos.StatusOnHold
	r.Wait(bos.Waiting{For: bos.WaitUnseen, Detail: unseenWords(u)})
	return Decision{Next: r, Probe: unseenProbe(u, p, now), Why: ReasonUnseenWait}, true
}

// unseenProbe is when to look again: often while it is fresh, and when its time is over.
func unseenProbe(u bos.Unseen, p bos.Policy, now time.Time) time.Time {
	at := now.Add(min(max(now.Sub(u.At)/8, minProbe), max(p.Polling, time.Second)))
	if over := showsBy(u, p); at.After(over) {
		return later(over, now)
	}
	return at
}

// unseenWords says what was sent, for people.
func unseenWords(u bos.Unseen) string {
	switch u.Kind {
	case bos.EffectPowerOn:
		return "a power-on, after which it is not seen on yet"
	case bos.EffectPowerOffGraceful:
		return "a graceful power-off, after which it is not seen off yet"
	case bos.EffectPowerOffForceful:
		return "a forced power-off, after which it is not seen off yet"
	case bos.EffectNone, bos.EffectWriteBoot, bos.EffectConfigure, bos.EffectDrain, bos.EffectReword, bos.EffectReturn:
		return ""
	default:
		return ""
	}
}
