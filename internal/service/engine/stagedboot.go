package engine

import (
	"cmp"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// touchStaged has the components decided on for which a session has staged something.
func (e *Engine) touchStaged(of func(*bos.Record) bool) {
	for id, n := range e.idle {
		if of(&n.rec) {
			e.wakes.set(id, e.step.now) // also where this step has decided already
			e.step.touched[id] = true
		}
	}
}

// decideStaged sees to the boot parameters of a component that is not in work. No power
// action ever comes of it.
func (e *Engine) decideStaged(id string, n *idle) {
	if n.rec.Work.StagedBoot.Session == "" || e.inFlight[id] != bos.EffectNone {
		return
	}
	s := e.sessions[n.rec.Work.StagedBoot.Key()]
	if s != nil && s.rec.Paused.On() || e.sessionPause(&n.rec).On() {
		return
	}
	policy := decide.StagedPolicy{Open: s != nil, Configures: e.policy.Configures, ClearStage: e.options.ClearStage}
	d := decide.StagedBoot(n.rec, policy, e.step.now)
	if d.Effect.Kind != bos.EffectNone {
		if e.step.now.Before(n.again) {
			return
		}
		e.inFlight[id] = d.Effect.Kind
		e.step.effects[id] = decide.Wanted{Effect: d.Effect, Session: n.rec.Work.StagedBoot.Session}
		e.step.out.Orders[id] = d.Next.Order()
	}
	before := n.rec
	e.writeIdle(n, d.Next)
	e.noteStaged(before, d.Why, "")
	if n.rec.Enabled {
		e.takeUp(n)
	}
}

// takeUp has a component worked on that has booted what was staged and is to be
// configured.
func (e *Engine) takeUp(n *idle) {
	delete(e.step.idle, n.rec.ID)
	e.track(n.rec)
	e.step.writes[n.rec.ID] = e.nodes[n.rec.ID]
	e.wakes.set(n.rec.ID, e.step.now)
}

// settleStaged takes in how a write of boot parameters went for a component that is
// not in work.
func (e *Engine) settleStaged(n *idle, r Result) {
	firstFailure := n.tries == 0 && r.Outcome != bos.CallDone && !r.Withheld
	if r.Outcome == bos.CallDone {
		e.keepToken(r)
		n.again, n.tries = time.Time{}, 0
	} else if !r.Withheld {
		n.again = e.step.now.Add(time.Second << min(n.tries, 6))
		n.tries++
	}
	before := n.rec
	e.writeIdle(n, decide.SettleStagedBoot(n.rec, r.Effect.Artifacts, r.Token, r.CallResult, e.step.now))
	switch {
	case n.rec.StagedBootWritten() && !before.StagedBootWritten():
		e.noteStaged(before, decide.ReasonStagedBootWritten, "")
	case firstFailure: // those that follow leave no line
		e.noteStaged(before, decide.ReasonStagedBootRefused, n.rec.Work.StagedBoot.Detail)
	}
}

// keepToken stores what a token of the boot service stands for with the pass.
func (e *Engine) keepToken(r Result) {
	if r.Token == "" {
		return
	}
	if e.step.out.Commit.Tokens == nil {
		e.step.out.Commit.Tokens = make(map[string]bos.BootArtifacts)
	}
	e.step.out.Commit.Tokens[r.Token] = r.Effect.Artifacts
}

// stagedSentences is what the history says of staged boot parameters.
var stagedSentences = map[decide.Reason]string{
	decide.ReasonStagedBootWritten: "the boot service has what is staged: a reboot from outside boots it",
	decide.ReasonStagedBooted:      "it was rebooted from outside and runs what was staged; that is now its desired state",
	decide.ReasonStagedBootBack:    "nothing is staged any more, and the boot service has the desired boot parameters again",
	decide.ReasonStagedBootLeft:    "nothing is staged any more, but no boot parameters are desired that could be put back: the boot service still has what was staged, and a reboot from outside boots it; boot the node with a session, or write its boot parameters by hand",
}

func (e *Engine) noteStaged(r bos.Record, why decide.Reason, detail string) {
	if why == "" {
		return
	}
	key := r.Work.StagedBoot.Key()
	e.step.out.Commit.Events = append(e.step.out.Commit.Events, bos.Event{
		Time: e.step.times.Wall, Component: r.ID, Session: key.Name, Tenant: key.Tenant,
		Kind: string(why), Detail: cmp.Or(detail, stagedSentences[why]),
	})
}
