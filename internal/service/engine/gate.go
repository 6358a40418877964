package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// gate is what the keepers of the gate say of a node now: the pauses of the site and
// of its session, the hold on its record, and the ramp.
func (e *Engine) gate(id string, n *node) decide.Gate {
	now := e.step.now
	g := decide.Gate{Site: e.site, Session: e.sessionPause(&n.rec)}
	g.Queue, g.Deadline = e.turn(&n.rec)
	if !g.Admit(&n.rec, bos.EffectNone).Stops() {
		n.stopped = time.Time{}
		g.FullOn, g.FullOff = e.ramp.holds(id, true, now), e.ramp.holds(id, false, now)
		return g
	}
	if n.stopped.IsZero() {
		n.stopped = now
	}
	g.Since = n.stopped
	return g
}

// pauseSite takes over the pause of the site.
func (e *Engine) pauseSite(p *bos.SitePause) {
	if p == nil || e.site == p.Brake {
		return
	}
	e.site = p.Brake
	for id := range e.nodes {
		e.step.touched[id] = true
	}
	e.touchStaged(func(*bos.Record) bool { return true })
}

// sessionPause is that of the session that a component belongs to, if it is paused.
func (e *Engine) sessionPause(r *bos.Record) bos.Brake {
	if s := e.sessions[r.Key()]; s != nil {
		return s.rec.Paused
	}
	return bos.Brake{}
}

// touchNodes has the nodes of a session decided on, as its pause has changed.
func (e *Engine) touchNodes(session bos.SessionKey) {
	for id, n := range e.nodes {
		if n.rec.Key() == session {
			e.step.touched[id] = true
		}
	}
	e.touchStaged(func(r *bos.Record) bool { return r.Work.StagedBoot.Key() == session || r.Key() == session })
}

// wentOn notes that no brake keeps the node any more: the action under way tells no
// pace.
func (n *node) wentOn(before, next bos.Record) {
	if before.Work.StoppedAt.IsZero() || !next.Work.StoppedAt.IsZero() {
		return
	}
	if n.accepted.at.Equal(before.Work.Flight.At) {
		n.accepted.at = next.Work.Flight.At
		n.accepted.answered = n.accepted.at
	}
	n.scouting.shifted = next.Work.Attempt.At
}
