package bos

import (
	"errors"
	"time"
)

// What a rollout cannot be told, as it is not in the phase for it.
var (
	ErrNoRollout   = errors.New("the session has no rollout")
	ErrRolloutOver = errors.New("the rollout is over")
	ErrNotHealthy  = errors.New("the canary is not healthy yet")
)

// openRollout is a copy of the rollout of a session that is to be changed.
func (r *SessionRecord) openRollout() (*RolloutState, error) {
	switch {
	case r.Rollout == nil:
		return nil, ErrNoRollout
	case !r.Rollout.Open() || r.Status.Status == SessionComplete:
		return nil, ErrRolloutOver
	}
	state := *r.Rollout
	return &state, nil
}

// Promote lets the other batches of a rollout follow its canary, which is healthy.
func (r *SessionRecord) Promote() error {
	state, err := r.openRollout()
	switch {
	case err != nil:
		return err
	case state.Promoted:
		return ErrSkip
	case state.Held != HoldPromotion:
		return ErrNotHealthy
	}
	state.Promoted, state.Held, state.Detail = true, HoldNone, ""
	r.Rollout = state
	return nil
}

// Resume takes the pause off a session and lets its rollout go on that has halted. The
// failed nodes of the batch in which it did are tried again, unless they are skipped.
// owned are the components of the session, failed the nodes that had failed when it was
// asked for: of the others nobody knew, and should they fail, that is not forgiven.
func (r *SessionRecord) Resume(owned []Record, failed []string, skipFailed bool, now time.Time) error {
	halted := r.Rollout != nil && r.Rollout.Phase == RolloutHalted && r.Status.Status == SessionRunning
	if !r.Paused.On() && !halted {
		return ErrSkip
	}
	r.Paused = Brake{}
	if !halted {
		return nil
	}
	state := *r.Rollout
	again := make(map[string]bool)
	for i := range owned {
		node := &owned[i]
		mine := node.Session == r.Name && node.Work.Batch == state.Batch+1
		if skipFailed || !mine || node.Enabled || node.Status.StatusOverride != StatusFailed {
			continue
		}
		again[node.ID] = true
		batch := node.Work.Batch
		node.Work = node.Rearmed()
		node.Work.Batch = batch
		node.SetError("")
		node.Enabled, node.EventStats = true, EventStats{}
		node.Status = ComponentStatus{StatusOverride: StatusOnHold}
		node.LastAction = LastAction{Action: ActionSessionSetup, LastUpdated: At(now)}
	}
	then := 0
	for _, id := range failed {
		if !again[id] {
			then++
		}
	}
	state.Phase, state.Held, state.Detail = RolloutRunning, HoldNone, ""
	state.Resumed, state.FailedThen = true, &then
	r.Rollout = &state
	return nil
}

// Fail ends a rollout: the nodes whose turn has not come are given up, and those that
// were started go on to their end, which is that of the session.
func (r *SessionRecord) Fail(owned []Record, reason string, now time.Time) error {
	state, err := r.openRollout()
	if err != nil {
		return err
	}
	text := "the rollout of session " + r.Name + " was ended before its turn came"
	if reason != "" {
		text += ": " + reason
	}
	for i := range owned {
		node := &owned[i]
		if node.Session != r.Name || !node.Enabled || !node.Work.Queued() {
			continue
		}
		work := node.Rearmed()
		work.Cause, work.Batch = CauseCancelled, node.Work.Batch
		node.Work, node.Enabled, node.Status.StatusOverride = work, false, StatusFailed
		node.SetError(text)
	}
	state.Phase, state.Held, state.Detail = RolloutFailed, HoldNone, reason
	r.Rollout, r.Paused = state, Brake{}
	return nil
}

// EndedEarly reports whether somebody ended the rollout of a session that has not set up
// its nodes yet: none of them is to be touched any more.
func (r *SessionRecord) EndedEarly() bool {
	return r.Status.Status == SessionPending && r.Rollout != nil && !r.Rollout.Open()
}

// NeverStarted says of a session whose rollout was ended before its setup why none of its
// nodes was touched.
func (r *SessionRecord) NeverStarted() string {
	text := "the rollout of session " + r.Name + " was ended before the session had set up any node"
	if r.Rollout != nil && r.Rollout.Detail != "" {
		text += ": " + r.Rollout.Detail
	}
	return text
}

// EndRollout is the end of a session that goes to its end.
func (r *SessionRecord) EndRollout() { r.endRollout(RolloutComplete) }

func (r *SessionRecord) endRollout(phase RolloutPhase) {
	if !r.Rollout.Open() {
		return
	}
	state := *r.Rollout
	state.Phase, state.Held, state.Detail = phase, HoldNone, ""
	r.Rollout = &state
}
