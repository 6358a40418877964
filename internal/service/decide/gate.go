package decide

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Gate is what is asked before anything is done to a node: boot parameters,
// configuration and power alike. What keeps a node waiting although nothing is wrong
// with it is decided here.
type Gate struct {
	// Site and Session are the pauses of the site and of the node's session.
	Site, Session bos.Brake
	// Since is since when a brake has kept the node, by the service's clock; zero is
	// now.
	Since time.Time
	// Queue is the batch for which it waits its turn in a rollout, Deadline until when
	// it has to be done, where it is in one and its turn has come.
	Queue    string
	Deadline time.Time
	// FullOn and FullOff say that the power limits admit no power-on, or no
	// power-off, of this node now.
	FullOn, FullOff bool
}

// Admit says why an effect on a node may not start now, WaitNone if it may.
// EffectNone asks for the brakes alone.
func (g Gate) Admit(r *bos.Record, kind bos.EffectKind) bos.WaitReason {
	op := kind.PowerOp()
	switch {
	case g.Site.On():
		return bos.WaitSitePaused
	case r.Held.On():
		return bos.WaitHeld
	case g.Session.On():
		return bos.WaitSessionPaused
	case g.Queue != "":
		return bos.WaitRollout
	case op == bos.PowerOn && g.FullOn, op != "" && op != bos.PowerOn && g.FullOff:
		return bos.WaitPowerLimits
	default:
		return bos.WaitNone
	}
}

// word is what whoever put a brake on has said.
func (g Gate) word(r *bos.Record, why bos.WaitReason) string {
	brakes := map[bos.WaitReason]bos.Brake{
		bos.WaitSitePaused: g.Site, bos.WaitHeld: r.Held, bos.WaitSessionPaused: g.Session,
	}
	if why == bos.WaitRollout {
		return g.Queue
	}
	return brakes[why].Reason
}

// stopped is what becomes of a node that a brake keeps waiting. It is probed as
// ever and may turn out to be done, as with what was sent before; nothing is begun,
// and nothing is judged: it is as if no time passed.
func stopped(r bos.Record, o Observation, p bos.Policy, now time.Time, why bos.WaitReason) Decision {
	if r.Work.StoppedAt.IsZero() {
		r.Work.StoppedAt = now
		if since := o.Gate.Since; !since.IsZero() && since.Before(now) {
			r.Work.StoppedAt = since
		}
	}
	if !o.usable(r, p, now) {
		return waitAtGate(r, o, why, freshProbe(r, o, p, now), time.Time{})
	}
	poll := pollProbe(p, now)
	if why == bos.WaitRollout {
		poll = later(poll, now.Add(queueProbe))
	}
	if !o.known() {
		return waitAtGate(r, o, why, poll, time.Time{})
	}
	r = seePower(r, o)
	// What would be decided were it let go now.
	free, seen := resume(r, now), o
	free.Held, seen.Gate = bos.Brake{}, Gate{}
	seen.Power.Asked, seen.Power.Answered = now, now
	if o.configurationUsable(r, p, now) {
		seen.Configuration.Asked, seen.Configuration.Answered = now, now
	} else {
		seen.Configuration.Asked = time.Time{}
	}
	d := Decide(free, seen, p, now)
	// What was sent before has its time by when the reading was asked for, and not by now.
	_, unseen := awaitUnseen(r, o, p, now)
	if d.Why == ReasonDone && !unseen {
		d.Next.Held = r.Held
		return d
	}
	ask := time.Time{}
	if !d.ProbeConfiguration.IsZero() {
		ask = poll
		if o.Configuration.Asked.IsZero() {
			ask = now
		}
	}
	return waitAtGate(r, o, why, poll, ask)
}

func waitAtGate(r bos.Record, o Observation, why bos.WaitReason, probe, ask time.Time) Decision {
	r.Wait(bos.Waiting{For: why, Detail: o.Gate.word(&r, why)})
	return Decision{Next: r, Probe: probe, ProbeConfiguration: ask, Why: ReasonStopped}
}

// resume is a node that no brake keeps any more: what it waits for has been waited for
// as long as when it was stopped.
func resume(r bos.Record, now time.Time) bos.Record {
	if r.Work.StoppedAt.IsZero() {
		return r
	}
	by := max(now.Sub(r.Work.StoppedAt), 0)
	for _, at := range []*time.Time{&r.Work.Attempt.At, &r.Work.Flight.At, &r.Work.Admitted, &r.Work.Drain.Since, &r.Work.Drain.Closing} {
		if at.IsZero() {
			continue
		}
		// What was armed or given up meanwhile is as if it had been now.
		if *at = at.Add(by); at.After(now) {
			*at = now
		}
	}
	r.Work.StoppedAt = time.Time{}
	r.EndWait()
	return r
}
