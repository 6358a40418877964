package engine

import (
	"cmp"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// note writes history: every action, every attempt that was given back, every end, and
// the begin and end of a wait at the gate.
func (e *Engine) note(before bos.Record, d decide.Decision) {
	held := d.Why == decide.ReasonHold && d.Next.Work.Waiting != before.Work.Waiting
	acts := d.Effect.Kind.PowerOp() != "" && d.Next.Work.BackOff.PutOff == bos.CauseNone
	ends := before.Enabled && !d.Next.Enabled
	if d.Next.Work.Misses.Lost > before.Work.Misses.Lost {
		e.tell(d.Next, decide.ReasonGivenBack, fmt.Sprintf("the service stopped during %s, which did nothing", before.Work.Flight.Kind))
	}
	if booted := d.Next.ActualState; booted != before.ActualState && !booted.BootArtifacts.Empty() {
		e.tell(d.Next, decide.ReasonProven, before.BootProof(e.policy.BootProof).String())
	}
	was, is := before.Work.Waiting.For, d.Next.Work.Waiting.For
	if was.AtGate() && was != is && !acts && !ends {
		e.tell(d.Next, decide.ReasonGateOpen, string(was))
	}
	if is.AtGate() && was != is {
		e.tell(d.Next, decide.ReasonGateWait, string(is)+": "+d.Next.Work.Waiting.Sentence(d.Next.ID, d.Next.Session))
	}
	switch {
	case held:
		e.tell(d.Next, d.Why, d.Next.Work.Waiting.Sentence(d.Next.ID, d.Next.Session)) // the record may show an error of its own
	case acts:
		e.tellMove(before, d.Next, d.Why, cmp.Or(d.Because, d.Next.Error))
	case ends && d.Next.Excluded():
		d.Next.Session, d.Next.Tenant = before.Session, before.Tenant
		e.tellMove(before, d.Next, d.Why, d.Next.Error)
	case ends:
		e.tellMove(before, d.Next, d.Why, d.Next.Error)
	}
}

// tellMove writes that a component went on, with what led to it: whose session it is, by
// which plan, and what an upstream had answered. One line is to say all of it.
func (e *Engine) tellMove(before, next bos.Record, why decide.Reason, detail string) {
	l := line(next, why, detail, e.step.times.Wall)
	l.FromState, l.ToState = before.State().String(), next.State().String()
	l.Answer = cmp.Or(before.Work.Attempt.Answer, before.Work.Waiting.Detail)
	if why.Acts() {
		l.Attempt = next.Tried()
	}
	if s, ok := e.sessions[next.Key()]; ok {
		asked := s.rec.Asked
		l.Actor, l.Plan, l.Workspace, l.Run = asked.By, s.rec.Pin, asked.Workspace, asked.Run
	}
	e.step.out.Commit.Events = append(e.step.out.Commit.Events, l)
}

// noteForeign writes that what is to prove the boot of a node that is powered on was
// there while it was off.
func (e *Engine) noteForeign(before, next bos.Record, seen bos.ProofReading) {
	if next.Work.Attempt.Foreign && !before.Work.Attempt.Foreign {
		e.tell(next, decide.ReasonProofForeign, decide.ForeignProof(next.Work.Attempt.Proof, seen.Detail))
	}
}

// noteAnswer writes that a power action is put off, and why, when that begins or comes
// to have another cause; and that it is taken, when that ends. It reports whether there
// was something to write.
func (e *Engine) noteAnswer(before, after bos.Record, res bos.CallResult) bool {
	was, is := before.Work.BackOff.PutOff, after.Work.BackOff.PutOff
	switch {
	case is != bos.CauseNone && is != was:
		e.tell(after, decide.ReasonPutOff, after.Error)
	case was != bos.CauseNone && res.Outcome == bos.CallDone:
		e.tell(after, decide.ReasonTaken, string(after.Work.Attempt.Kind))
	default:
		return false
	}
	return true
}

// tell writes one line of history about a component.
func (e *Engine) tell(r bos.Record, why decide.Reason, detail string) {
	e.step.out.Commit.Events = append(e.step.out.Commit.Events, line(r, why, detail, e.step.times.Wall))
}

func line(r bos.Record, why decide.Reason, detail string, wall time.Time) bos.Event {
	return bos.Event{Time: wall, Component: r.ID, Session: r.Session, Tenant: r.Tenant, Kind: string(why), Detail: detail}
}
